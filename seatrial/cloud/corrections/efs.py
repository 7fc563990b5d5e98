"""EFS as its API reference has it: a backup policy that can be set."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from moto.efs.exceptions import FileSystemNotFound
from moto.efs.models import EFSBackend
from moto.efs.responses import EFSResponse

from seatrial.cloud.corrections.registry import Corrections, asked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EFS: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/efs/latest/ug/"


_SAID = "_backups_were_spoken_of"  # on moto's file system; what begins like this is told to nobody


@EFS.around(EFSBackend, "describe_backup_policy", reference=_REFERENCE + "API_DescribeBackupPolicy.html")
def describe_backup_policy(
    original: Callable[..., Mapping[str, str]], backend: EFSBackend, file_system_id: str
) -> Mapping[str, str]:
    """Say that backups are off once somebody has turned them off; PolicyNotFound is for where nobody spoke of them."""
    system = backend.file_systems_by_id.get(file_system_id)
    if system is None:
        raise FileSystemNotFound(file_system_id)
    if _SAID in vars(system) and system.backup_policy is None:
        return {"Status": "DISABLED"}
    return original(backend, file_system_id)


@EFS.adding(EFSResponse, "put_backup_policy", reference=_REFERENCE + "API_PutBackupPolicy.html")
def put_backup_policy(response: EFSResponse) -> tuple[str, Mapping[str, str]]:
    """Turn a file system's automatic backups on or off; FileSystemNotFound if there is none of the identity."""
    identity = str(asked(response, "FileSystemId"))
    system = response.efs_backend.file_systems_by_id.get(identity)
    if system is None:
        raise FileSystemNotFound(identity)
    enabled = asked(response, "BackupPolicy")["Status"] == "ENABLED"
    system._backup = enabled  # noqa: SLF001 - moto keeps it there
    vars(system)[_SAID] = True
    return json.dumps({"BackupPolicy": {"Status": "ENABLED" if enabled else "DISABLED"}}), {
        "Content-Type": "application/json"
    }
