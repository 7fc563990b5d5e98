"""How OpenTofu is handled; a script stands in for it, the real one is met in the features."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from seatrial.cloud.plan import Action, StateLocked, TofuFailed
from seatrial.cloud.programs import CloudPrograms
from seatrial.cloud.tofu import Tofu
from seatrial.cloud.weaknesses import Edit, Weakness
from seatrial.errors import UsageError
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOON = timedelta(seconds=10)
PLAN = {
    "resource_changes": [
        {"address": "a.same", "type": "a", "change": {"actions": ["no-op"], "before": {"x": 1}, "after": {"x": 1}}},
        {"address": "a.read", "type": "a", "change": {"actions": ["read"], "before": None, "after": {}}},
        {
            "address": "a.other",
            "type": "a",
            "change": {"actions": ["update"], "before": {"x": 1, "y": 2}, "after": {"x": 3, "y": 2}},
        },
        {
            "address": "a.anew",
            "type": "a",
            "change": {"actions": ["delete", "create"], "before": {"x": 1}, "after": {"x": 2}},
        },
    ],
    "resource_drift": [
        {"address": "a.other", "type": "a", "change": {"actions": ["update"], "before": {"x": 2}, "after": {"x": 1}}}
    ],
}
WRONG = {"severity": "error", "summary": "Invalid value for variable", "detail": "The network is\ntoo small: use /16."}
BROKEN = {"severity": "error", "summary": "creating EC2 VPC", "detail": "UnauthorizedOperation", "address": "aws_vpc.a"}

Stand = "Callable[[str], Tofu]"


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str], Tofu]:
    """Return an OpenTofu of which *body* decides what it does; its arguments are in ``words``."""

    def made(body: str) -> Tofu:
        program = tmp_path / "stand-in"
        program.write_text(
            f"#!{sys.executable}\nimport json, os, signal, subprocess, sys, time\nwords = sys.argv[2:]\n"
            f"log = open({str(tmp_path / 'log')!r}, 'a')\nprint(*words, file=log, flush=True)\n{body}\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        folder = tmp_path / "work"
        (folder / "tofu" / "environments" / "emulated").mkdir(parents=True, exist_ok=True)
        return Tofu(CloudPrograms(program, tmp_path / "rc"), folder, "emulated", {})

    return made


def said(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().splitlines()


def diagnosed(*diagnostics: dict[str, str]) -> str:
    lines = [json.dumps({"type": "diagnostic", "diagnostic": one}) for one in diagnostics]
    return "".join(f"print({line!r})\n" for line in lines)


def test_a_plan_says_what_would_change_and_what_changed_behind_our_back(stand_in: Callable[[str], Tofu]) -> None:
    plan = stand_in(f"if words[0] == 'show': print({json.dumps(PLAN)!r})").plan()
    assert [str(change) for change in plan.changes] == ["a.other: update (x)", "a.anew: delete/create"]
    assert [change.replaces for change in plan.changes] == [False, True]
    assert not plan.empty
    assert [change.address for change in plan.drift] == ["a.other"]
    assert plan.resources[1].actions == (Action.READ,)


def test_a_plan_without_changes_is_empty(stand_in: Callable[[str], Tofu]) -> None:
    some = {"resource_changes": PLAN["resource_changes"][:2]}
    assert stand_in(f"if words[0] == 'show': print({json.dumps(some)!r})").plan().empty


def test_what_was_given_wrongly_is_said_in_one_sentence(stand_in: Callable[[str], Tofu]) -> None:
    with pytest.raises(UsageError, match=r"^The network is too small: use /16\.$"):
        stand_in(f"{diagnosed(WRONG)}sys.exit(1)").plan()


def test_what_fails_is_told_with_its_address(stand_in: Callable[[str], Tofu]) -> None:
    with pytest.raises(TofuFailed, match=r"^tofu plan failed: aws_vpc\.a: creating EC2 VPC: UnauthorizedOperation$"):
        stand_in(f"{diagnosed(BROKEN)}sys.exit(1)").plan()


def test_what_prints_no_json_is_told_too(stand_in: Callable[[str], Tofu]) -> None:
    with pytest.raises(TofuFailed, match="panic: the provider"):
        stand_in("print('panic: the provider crashed')\nsys.exit(2)").plan()


def test_credentials_of_this_process_are_kept_from_it(
    stand_in: Callable[[str], Tofu], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of a real account")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("TF_VAR_name", "another")
    tofu = stand_in("print(json.dumps({'seen': {'value': sorted(k for k in os.environ if k[:3] in ('AWS', 'TF_'))}}))")
    tofu.secrets = {"AWS_SECRET_ACCESS_KEY": "given"}
    seen = tofu.outputs()["seen"]
    assert "AWS_SECRET_ACCESS_KEY" in seen
    assert not {"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "TF_VAR_name"} & set(seen)


def test_a_folder_has_one_user(stand_in: Callable[[str], Tofu]) -> None:
    tofu = stand_in("")
    holder = threading.Event()
    leave = threading.Event()

    def hold() -> None:
        with tofu.held():
            holder.set()
            leave.wait(SOON.total_seconds())

    thread = threading.Thread(target=hold)
    thread.start()
    assert holder.wait(SOON.total_seconds())
    with pytest.raises(UsageError, match=rf"in use by process {os.getpid()}: wait for it to end"), tofu.held():
        pass
    leave.set()
    thread.join()
    with tofu.held():
        pass


def test_an_unknown_environment_is_refused_by_name(tmp_path: Path) -> None:
    tofu = Tofu(CloudPrograms(tmp_path, tmp_path), tmp_path, "staging", {})
    with pytest.raises(
        UsageError, match="There is no environment 'staging': choose one of emulated, learner, production"
    ):
        tofu.prepare()


def test_an_interruption_lets_it_stop_in_its_own_time(stand_in: Callable[[str], Tofu], tmp_path: Path) -> None:
    tofu = stand_in(
        "signal.signal(signal.SIGINT, lambda *_: (open("
        f"{str(tmp_path / 'stopped')!r}, 'w').write('whole'), sys.exit(1)))\n"
        'print(\'{"type": "apply_complete", "hook": {"resource": {"addr": "a.b"}}}\', flush=True)\ntime.sleep(60)'
    )

    class Interrupting:
        def note(self, text: str) -> None:
            assert text == "1 done, the last a.b"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tofu._told(Interrupting(), "apply")
    assert (tmp_path / "stopped").read_text() == "whole"


def test_what_a_killed_run_left_is_ended(stand_in: Callable[[str], Tofu]) -> None:
    tofu = stand_in("")
    # In a session of its own, as OpenTofu is: the leader dies, what it started goes on.
    starts_one = "import subprocess, sys; print(subprocess.Popen(['sleep', '300']).pid, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", starts_one],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as leader:
        assert leader.stdout is not None
        orphan = psutil.Process(int(leader.stdout.readline()))
        began = psutil.Process(leader.pid).create_time()
        leader.kill()
    running = {"pid": leader.pid, "started": began, "host": socket.gethostname(), "user": "root"}
    (tofu.folder / "running.json").write_text(json.dumps(running))
    with tofu.held():
        eventually(
            lambda: orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE,
            until=lambda alive: not alive,
            within=SOON,
            what="the orphan has ended",
        )
    assert not (tofu.folder / "running.json").exists()
    assert (tofu.folder / "killed.json").exists()


LOCKED = (
    "if words[0] == 'plan' and not os.path.exists({unlocked!r}):\n"
    "    print(json.dumps({{'type': 'diagnostic', 'diagnostic': {{'severity': 'error',"
    " 'summary': 'Error acquiring the state lock',"
    " 'detail': 'Lock Info:\\n  ID:        abc-1\\n  Who:       {who}\\n'}}}}))\n"
    "    sys.exit(1)\n"
    "if words[0] == 'force-unlock': open({unlocked!r}, 'w')\n"
    "if words[0] == 'show': print('{{}}')\n"
)


@pytest.mark.parametrize(("who", "opens"), [("root@here", True), ("root@elsewhere", False)], ids=["ours", "theirs"])
def test_the_lock_of_a_dead_run_is_removed_and_no_other(
    who: str,
    opens: bool,  # noqa: FBT001 (a case)
    stand_in: Callable[[str], Tofu],
    tmp_path: Path,
) -> None:
    tofu = stand_in(LOCKED.format(unlocked=str(tmp_path / "unlocked"), who=who))
    dead = {"pid": 2**22 + 1, "started": 1.0, "host": "here", "user": "root"}
    (tofu.folder / "killed.json").write_text(json.dumps(dead))
    if opens:
        tofu.plan()
        assert "force-unlock -force abc-1" in said(tmp_path)
        assert not (tofu.folder / "killed.json").exists()
    else:
        with pytest.raises(StateLocked, match="elsewhere"):
            tofu.plan()
        assert not [words for words in said(tmp_path) if words.startswith("force-unlock")]


def test_the_lock_of_a_run_that_lives_stays(stand_in: Callable[[str], Tofu], tmp_path: Path) -> None:
    tofu = stand_in(LOCKED.format(unlocked=str(tmp_path / "unlocked"), who="root@here"))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as alive:
        at_work = {
            "pid": alive.pid,
            "started": psutil.Process(alive.pid).create_time(),
            "host": "here",
            "user": "root",
        }
        (tofu.folder / "killed.json").write_text(json.dumps(at_work))
        with pytest.raises(StateLocked):
            tofu.plan()
        alive.kill()


def test_a_killed_command_is_remembered_and_one_that_ended_is_not(stand_in: Callable[[str], Tofu]) -> None:
    tofu = stand_in(f"os.kill(os.getpid(), {int(signal.SIGKILL)}) if words[0] == 'plan' else None")
    with pytest.raises(TofuFailed):
        tofu.plan()
    assert (tofu.folder / "running.json").exists()
    tofu.addresses()
    assert not (tofu.folder / "running.json").exists()


def test_a_weakness_that_changes_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("encrypted = true\n")
    weakness = Weakness("it is not encrypted", (Edit("main.tf", "encrypted = true", "encrypted = false"),))
    weakness.build_into(tmp_path)
    assert (tmp_path / "main.tf").read_text() == "encrypted = false\n"
    with pytest.raises(LookupError, match="has 0 times"):
        weakness.build_into(tmp_path)


def test_the_lock_of_a_dead_run_is_still_known_after_its_processes_were_dealt_with(
    stand_in: Callable[[str], Tofu], tmp_path: Path
) -> None:
    tofu = stand_in(LOCKED.format(unlocked=str(tmp_path / "unlocked"), who="root@here"))
    dead = {"pid": 2**22 + 1, "started": 1.0, "host": "here", "user": "root"}
    (tofu.folder / "running.json").write_text(json.dumps(dead))
    tofu.settle()
    tofu.plan()
    assert "force-unlock -force abc-1" in said(tmp_path)


def test_a_provider_that_died_is_remembered_as_a_kill(stand_in: Callable[[str], Tofu]) -> None:
    gone = {"severity": "error", "summary": "Plugin did not respond", "detail": "It failed to respond."}
    tofu = stand_in(f"{diagnosed(gone)}sys.exit(1)")
    with pytest.raises(TofuFailed):
        tofu.plan()
    assert tofu.was_killed


def test_another_failure_is_no_kill(stand_in: Callable[[str], Tofu]) -> None:
    tofu = stand_in(f"{diagnosed(BROKEN)}sys.exit(1)")
    with pytest.raises(TofuFailed):
        tofu.plan()
    assert not tofu.was_killed
