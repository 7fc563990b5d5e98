"""EFS as its API reference has it: a backup policy that can be set."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from moto.efs.exceptions import FileSystemNotFound
from moto.efs.responses import EFSResponse

from seatrial.cloud.corrections.registry import Corrections, asked

if TYPE_CHECKING:
    from collections.abc import Mapping

EFS: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/efs/latest/ug/"


@EFS.adding(EFSResponse, "put_backup_policy", reference=_REFERENCE + "API_PutBackupPolicy.html")
def put_backup_policy(response: EFSResponse) -> tuple[str, Mapping[str, str]]:
    """Turn a file system's automatic backups on or off; FileSystemNotFound if there is none of the identity."""
    identity = str(asked(response, "FileSystemId"))
    system = response.efs_backend.file_systems_by_id.get(identity)
    if system is None:
        raise FileSystemNotFound(identity)
    enabled = asked(response, "BackupPolicy")["Status"] == "ENABLED"
    system._backup = enabled  # noqa: SLF001 - moto keeps it there
    return json.dumps({"BackupPolicy": {"Status": "ENABLED" if enabled else "DISABLED"}}), {
        "Content-Type": "application/json"
    }
