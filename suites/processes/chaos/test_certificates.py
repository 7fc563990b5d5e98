"""A certificate runs out: those who verify go away, and the one before is shown again however the fault ends."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psutil
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from seatrial.chaos.entrance import Entrance
from seatrial.chaos.injection import CleanUpFailed, inject, injected, sweep
from seatrial.cluster.authority import EdgeCertificate, issue
from seatrial.kube import Api, kinds
from seatrial.kube.api import settings_from
from seatrial.verdict import Inconclusive
from seatrial.waiting import NotObserved, eventually
from seatrial.witness import listening
from suites.processes.chaos.expiring import planned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cryptography import x509

    from seatrial.chaos.certificates import CertificateExpiry
    from seatrial.chaos.journal import Journal
    from seatrial.truth import TruthLabel
    from seatrial.witness import Judged

GONE = timedelta(seconds=60)
SHORT = timedelta(milliseconds=500)
NAMES = ("*.seatrial.test", "seatrial.test")


@dataclass(frozen=True)
class Door:
    """The server and the API that keeps its certificate."""

    process: subprocess.Popen[str]
    folder: Path
    port: int

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def fault(self) -> CertificateExpiry:
        return planned(self.kubeconfig, self.port, self.folder)

    @property
    def entrance(self) -> Entrance:
        return Entrance("127.0.0.1", self.port, "shop.seatrial.test", self.folder / "authority")

    @property
    def refusal(self) -> tuple[int, str]:
        return self.entrance.refusal()

    @property
    def shown(self) -> x509.Certificate:
        return self.entrance.certificate()

    def obey(self, order: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def keep(self, certificate: str | None) -> None:
        """Let the Secret hold another certificate, or be gone."""
        held = None if certificate is None else base64.b64encode(certificate.encode()).decode()
        with closing(Api(settings_from(self.kubeconfig, None))) as api:
            api.merge(kinds.SECRET, "edge-certificate", "ingress", {"data": {"tls.crt": held}})


@dataclass(frozen=True)
class Heard:
    """Keeps what would be written down as evidence."""

    told: list[str]

    def command(self, words: Sequence[str], code: int | None, duration: timedelta) -> None:
        del code, duration
        self.told.extend(words)

    def judged(self, judged: Judged) -> None:
        self.told.append(str(judged))

    def document(self, title: str, text: str) -> None:
        self.told.extend((title, text))

    def data(self, title: str, data: Mapping[str, object]) -> None:
        self.told.extend((title, str(data)))

    def picture(self, title: str, png: bytes) -> None:
        self.told.extend((title, str(png)))

    def label(self, label: TruthLabel) -> None:
        self.told.append(str(label))

    def secret(self, value: str) -> None:
        """Nothing: what must not be written down is told here so that it is not."""


@pytest.fixture
def issued() -> EdgeCertificate:
    return issue(*NAMES)


@pytest.fixture
def door(tmp_path: Path, issued: EdgeCertificate) -> Iterator[Door]:
    folder = tmp_path / "door"
    folder.mkdir(mode=0o700)
    for name, text in (("crt", issued.certificate), ("key", issued.key), ("authority", issued.authority)):
        (folder / name).write_text(text)
    (folder / "expired").write_text(issued.expired)
    with subprocess.Popen(
        [sys.executable, "-m", "suites.processes.chaos.door", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        api, port = map(int, process.stdout.readline().split())
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{api}"}}
        context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
        user: dict[str, object] = {"name": "u", "user": {}}
        shown = {"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "c"}
        (folder / "kubeconfig").write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **shown}))
        yield Door(process, folder, port)
        process.kill()


def test_those_who_verify_go_away_until_it_is_renewed(door: Door, journal: Journal) -> None:
    first = door.shown.serial_number
    assert door.refusal == (0, "")
    with injected(door.fault, journal=journal) as done:
        assert door.refusal == (Entrance.EXPIRED, "certificate has expired")
        assert door.shown.not_valid_after_utc < datetime.now(UTC)
        assert f"{door.shown.serial_number:x} ran out at" in done.shown
    assert (door.refusal, door.shown.serial_number) == ((0, ""), first)


def test_no_key_is_written_down(door: Door, issued: EdgeCertificate, journal: Journal) -> None:
    told: list[str] = []
    with listening(Heard(told)), injected(door.fault, journal=journal):
        written = [file.read_text() for file in journal.folder.iterdir()]
    secret = "".join(issued.key.splitlines()[1:-1])[:40]
    assert issued.expired.splitlines()[1] in "".join(written)
    assert [text for text in (*written, *told) if secret in text or "PRIVATE KEY" in text] == []


@pytest.mark.parametrize("reaper_too", [False, True], ids=["reaper lives", "reaper dies"])
def test_a_killed_runner_leaves_the_first_certificate(door: Door, journal: Journal, *, reaper_too: bool) -> None:
    words = [
        sys.executable,
        "-m",
        "suites.processes.chaos.expiring",
        *map(str, (door.kubeconfig, door.port, door.folder)),
    ]
    runner = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert runner.stdout is not None
    with runner.stdout:
        assert runner.stdout.readline() == "done\n"
    assert door.refusal[0] == Entrance.EXPIRED
    if reaper_too:
        for process in psutil.process_iter(["cmdline"]):
            if {"seatrial.chaos.reaper", str(journal.folder)} <= set(process.info["cmdline"] or ()):
                process.kill()
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    if reaper_too:
        undone = subprocess.run(
            [sys.executable, "-c", "from seatrial.cli import main; main()", "undo"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (undone.returncode, "certificate-expiry" in undone.stdout) == (0, True), undone.stderr
    eventually(journal.leases, until=lambda found: not found, within=GONE, what="its lease is over")
    assert door.refusal == (0, "")


def test_one_that_nobody_is_shown_is_no_fault(door: Door, journal: Journal) -> None:
    door.obey("stick")
    with pytest.raises(NotObserved, match="takes effect"):
        inject(door.fault, effective=SHORT, journal=journal)
    assert (door.refusal, journal.leases()) == ((0, ""), ())


@pytest.mark.parametrize(("order", "why"), [("stick", "shows certificate"), ("shut", "shows no certificate")], ids=str)
def test_a_renewed_one_that_nobody_is_shown_is_not_clean(door: Door, journal: Journal, order: str, why: str) -> None:
    done = inject(door.fault, journal=journal)
    done.patience = SHORT
    door.obey(order)
    with pytest.raises(CleanUpFailed, match=why):
        done.end()
    assert [lease.failure != "" for lease in journal.leases()] == [True]
    door.obey({"stick": "loosen", "shut": "open"}[order])
    assert sweep(journal).failures == ()
    assert door.refusal == (0, "")


def test_what_somebody_else_has_renewed_meanwhile_stays(door: Door, issued: EdgeCertificate, journal: Journal) -> None:
    done = inject(door.fault, journal=journal)
    (door.folder / "key").write_text((other := issue(*NAMES)).key)
    door.keep(other.certificate)
    done.end()
    assert done.fault.residue(done.lease.mark) == ()
    assert door.shown.public_bytes(Encoding.PEM).decode() == other.certificate != issued.certificate


def test_what_is_gone_is_clean(door: Door, journal: Journal) -> None:
    done = inject(door.fault, journal=journal)
    door.keep(None)
    done.end()
    assert journal.leases() == ()


def test_undoing_twice_changes_nothing(door: Door, journal: Journal) -> None:
    with injected(door.fault, journal=journal) as done:
        done.fault.undo(done.lease.mark)
        done.fault.undo(done.lease.mark)
    assert door.refusal == (0, "")


@pytest.mark.parametrize(
    ("held", "expired", "why"),
    [
        (None, "expired", "holds no certificate"),
        ("expired", "expired", "has run out already"),
        ("certificate", "certificate", "has not run out"),
        ("stranger", "expired", "is for the key, the names and the authority"),
    ],
    ids=["none", "over", "good", "another key"],
)
def test_what_would_be_no_such_fault_is_not_begun(
    door: Door, issued: EdgeCertificate, held: str | None, expired: str, why: str
) -> None:
    texts = {"certificate": issued.certificate, "expired": issued.expired, "stranger": issue(*NAMES).certificate}
    (door.folder / "expired").write_text(texts[expired])
    door.keep(None if held is None else texts[held])
    with pytest.raises(Inconclusive, match=why):
        _ = door.fault
