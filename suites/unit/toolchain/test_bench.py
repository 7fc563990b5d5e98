from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.toolchain.bench import BuildFailed, Workbench, produce, unwinding_when_terminated
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seatrial.progress import PlainProgress
    from seatrial.toolchain.store import Store
    from suites.unit.toolchain.conftest import Child, FakeRecipe, Said

SOON = timedelta(seconds=10)


@pytest.fixture
def bench(store: Store, progress: PlainProgress) -> Iterator[Workbench]:
    with (
        store.lock("anchor", pytest.fail) as lock,
        progress.phase("Building anchor") as phase,
        store.workspace("anchor") as folder,
    ):
        yield Workbench("Building anchor", folder, folder / "content", store.log("anchor"), lock, phase)


def _alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def test_a_command_sees_exactly_its_environment_and_its_output_comes_back(bench: Workbench) -> None:
    said = bench.run(["sh", "-c", "pwd; env; echo oops >&2"], environment={"ONE": "1"}, folder=bench.folder)
    assert set(said.splitlines()) - {f"PWD={bench.folder}"} == {str(bench.folder), "ONE=1"}
    assert "oops" in bench.log.read_text()
    assert "ONE=1" in bench.log.read_text()


def test_a_failure_names_the_log_and_ends_in_its_last_lines(bench: Workbench) -> None:
    script = "for line in $(seq 40); do echo line $line; done >&2; exit 3"
    with pytest.raises(BuildFailed) as failed:
        bench.run(["sh", "-c", script], environment=os.environ, folder=bench.folder)
    first, *rest = str(failed.value).splitlines()
    assert first == f"Building anchor: sh ended with exit status 3. The whole output is in {bench.log}; it ends in:"
    assert rest == [f"  line {line}" for line in range(26, 41)]


def test_a_command_that_is_not_there_is_a_failed_build(bench: Workbench) -> None:
    with pytest.raises(BuildFailed, match="Building anchor: /nowhere/go "):
        bench.run(["/nowhere/go"], environment=os.environ, folder=bench.folder)


def test_a_command_holds_the_lock_itself(bench: Workbench, store: Store) -> None:
    link = f"/proc/self/fd/{bench.lock}"
    said = bench.run(["readlink", link], environment=os.environ, folder=bench.folder)
    assert said.strip() == str(store.root / "locks" / "anchor.lock")


def test_what_a_command_leaves_running_is_ended(bench: Workbench) -> None:
    script = "sleep 60 >/dev/null 2>&1 & echo $!"
    pid = int(bench.run(["sh", "-c", script], environment=os.environ, folder=bench.folder))
    eventually(lambda: _alive(pid), until=lambda alive: not alive, within=SOON, what="the end of what was left")


def _build_that_hangs(store: Store, recipe: FakeRecipe, progress: PlainProgress) -> None:
    def hang(bench: Workbench) -> None:
        script = "sleep 60 & echo $$ $! > ../pids; wait"
        bench.run(["sh", "-c", script], environment=os.environ, folder=bench.content)

    recipe.act = hang
    with unwinding_when_terminated():
        produce(store, recipe, progress)


def _pids(store: Store) -> list[int]:
    file = store.root / "work" / "anchor" / "pids"

    def read() -> list[int]:
        return [int(pid) for pid in file.read_text().split()] if file.exists() else []

    return eventually(read, until=lambda pids: len(pids) == 2, within=SOON, what="the command's start")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_command_with_its_children_and_leaves_nothing(
    store: Store, recipe: FakeRecipe, progress: PlainProgress, fork: Callable[..., Child], number: signal.Signals
) -> None:
    child = fork(lambda _report, _wait: _build_that_hangs(store, recipe, progress))
    pids = _pids(store)
    os.kill(child.pid, number)
    assert child.wait() == (70 if number is signal.SIGINT else 128 + number)
    for pid in pids:
        eventually(lambda pid=pid: _alive(pid), until=lambda alive: not alive, within=SOON, what=f"the end of {pid}")  # type: ignore[misc]
    assert list((store.root / "work").iterdir()) == []
    assert store.entries() == ()


def test_a_killed_builder_takes_its_command_along_and_the_next_one_starts_afresh(
    store: Store, recipe: FakeRecipe, progress: PlainProgress, fork: Callable[..., Child]
) -> None:
    child = fork(lambda _report, _wait: _build_that_hangs(store, recipe, progress))
    leader, grandchild = _pids(store)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    eventually(lambda: _alive(leader), until=lambda alive: not alive, within=SOON, what="the end of the command")
    # What the command had started may still write, so the folder is not swept under it.
    assert store.sweep() == ((), 0)
    os.kill(grandchild, signal.SIGKILL)
    eventually(store.sweep, until=lambda swept: swept[0] == ("anchor",), within=SOON, what="the sweep")
    recipe.act = None
    assert produce(store, recipe, progress).fresh


def test_an_entry_is_made_once(store: Store, recipe: FakeRecipe, progress: PlainProgress) -> None:
    assert produce(store, recipe, progress).fresh
    assert not produce(store, recipe, progress).fresh
    assert recipe.made == 1


def test_a_damaged_entry_is_made_again(store: Store, recipe: FakeRecipe, progress: PlainProgress) -> None:
    produce(store, recipe, progress)
    (store.entry(recipe.identity) / "bin" / "anchor").write_text("")
    assert produce(store, recipe, progress).fresh
    assert (store.entry(recipe.identity) / "bin" / "anchor").read_text() == recipe.text


def test_a_failed_build_publishes_nothing_and_leaves_only_its_log(
    store: Store, recipe: FakeRecipe, progress: PlainProgress
) -> None:
    def fail(bench: Workbench) -> None:
        (bench.content / "half").write_text("half")
        bench.run(["sh", "-c", "echo no >&2; exit 1"], environment=os.environ, folder=bench.folder)

    recipe.act = fail
    with pytest.raises(BuildFailed):
        produce(store, recipe, progress)
    assert store.entries() == ()
    assert list((store.root / "work").iterdir()) == []
    assert "no" in store.log("anchor").read_text()


def test_a_full_disk_is_refused_before_anything_starts(
    store: Store, recipe: FakeRecipe, progress: PlainProgress
) -> None:
    recipe.disk = 1 << 60
    with pytest.raises(UsageError, match=r"^Building anchor needs .* of free disk"):
        produce(store, recipe, progress)
    assert recipe.made == 0


def test_the_second_of_two_builders_waits_and_takes_the_result_of_the_first(
    store: Store,
    recipe: FakeRecipe,
    progress: PlainProgress,
    fork: Callable[..., Child],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def first(report: int, wait: int) -> None:
        def slow(_bench: Workbench) -> None:
            os.write(report, b"held")
            os.read(wait, 1)

        recipe.act = slow
        produce(store, recipe, progress)

    child = fork(first)
    assert os.read(child.report, 4) == b"held"
    sentences: list[str] = []

    def say(sentence: str) -> None:
        sentences.append(sentence)
        os.write(child.release, b"g")

    monkeypatch.setattr(progress, "say", say)
    assert not produce(store, recipe, progress).fresh
    assert child.wait() == 0
    assert recipe.made == 0
    assert sentences == [f"Another process (pid {child.pid}) is at work on anchor; waiting for it to end."]


def test_the_manifest_tells_what_the_build_took(
    store: Store, recipe: FakeRecipe, progress: PlainProgress, said: Said
) -> None:
    def leave_a_cache(bench: Workbench) -> None:
        (bench.folder / "gocache").write_bytes(b"x" * 100_000)

    recipe.act = leave_a_cache
    manifest = produce(store, recipe, progress).manifest
    assert manifest.disk >= 100_000
    assert manifest.size == len(recipe.text)
    assert manifest.go == recipe.go
    assert "Building anchor ... (about 1.0 s)" in said
    assert [phase.title for phase in progress.finished] == ["Building anchor"]


def test_handlers_of_others_are_left_alone(fork: Callable[..., Child]) -> None:
    def look(_report: int, _wait: int) -> None:
        with unwinding_when_terminated():
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with unwinding_when_terminated():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN

    assert fork(look).wait() == 0
