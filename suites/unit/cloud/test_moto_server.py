"""The emulator is a process that says where it listens, is corrected, and ends with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from seatrial.cloud import moto_server
from seatrial.cloud.account import Account, NotFound, Refused
from seatrial.waiting import eventually
from suites.unit.cloud.signer import Signer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SOON = timedelta(seconds=60)

_STARTER = """
import subprocess, sys
server = subprocess.Popen([sys.executable, "-m", "seatrial.cloud.moto_server", "--port-file", sys.argv[1]])
print(server.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _STARTER, str(tmp_path / "port")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_the_emulator_says_its_port_is_corrected_and_ends_with_its_starter(
    starter: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert starter.stdout is not None
    server = psutil.Process(int(starter.stdout.readline()))
    file = tmp_path / "port"
    eventually(file.exists, until=bool, within=_SOON, what="the emulator writes its port")
    account = Account("eu-central-1", endpoint=f"http://127.0.0.1:{int(file.read_text())}")
    # Moto alone has neither operation.
    with pytest.raises(NotFound, match="eks:describe_addon"):
        account.ask("eks", "describe_addon", clusterName="fleet", addonName="coredns")
    assert account.every("elasticache", "describe_cache_parameter_groups", "CacheParameterGroups") == ()
    assert account.number == "123456789012"
    with pytest.raises(Refused) as unknown:  # a request that is not signed, as pods make it
        account.ask(
            "sts",
            "assume_role_with_web_identity",
            RoleArn="arn:aws:iam::123456789012:role/orders",
            RoleSessionName="any",
            WebIdentityToken=Signer().token("system:serviceaccount:shop:orders"),
        )
    assert unknown.value.code == "InvalidIdentityToken"
    attached = {"RoleName": "orders", "PolicyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"}
    account.ask("iam", "create_role", RoleName="orders", AssumeRolePolicyDocument="{}")
    account.ask("iam", "attach_role_policy", **attached)
    starter.kill()
    starter.wait()
    gone = (psutil.STATUS_ZOMBIE, None)
    eventually(lambda: _status(server), until=lambda last: last in gone, within=_SOON, what="the emulator ends")


def _status(process: psutil.Process) -> str | None:
    try:
        return process.status()
    except psutil.NoSuchProcess:
        return None


def test_an_emulator_whose_starter_has_ended_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert moto_server.main(["--parent", "1"]) == 0 or os.getppid() == 1
    assert capsys.readouterr().err == ""


def test_a_certificate_needs_its_key(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        moto_server.main(["--certificate", str(tmp_path / "any.pem")])
    assert ended.value.code == 2
    assert "--certificate and --key go together" in capsys.readouterr().err


def test_a_signal_ends_the_server() -> None:
    with pytest.raises(SystemExit) as ended:
        moto_server._leave(signal.SIGTERM, None)
    assert ended.value.code == 0
