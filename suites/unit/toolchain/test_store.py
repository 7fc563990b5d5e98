from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.toolchain import store as store_module
from seatrial.toolchain.store import Identity, State, Store, remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from suites.unit.toolchain.conftest import Child

_STEPS = ("mkdir", "rename", "write_text")


def _die_at(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let this process be killed right before the *count*th change to the disk."""
    left = count

    def dying(change: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **kwargs: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*args, **kwargs)

        return wrapped

    for name in _STEPS:
        monkeypatch.setattr(Path, name, dying(getattr(Path, name)))
    monkeypatch.setattr(os, "fsync", dying(os.fsync))
    monkeypatch.setattr(store_module, "remove_tree", dying(remove_tree))


@pytest.mark.parametrize("damaged_before", [False, True])
def test_a_process_killed_at_any_step_leaves_the_entry_whole_or_absent(
    store: Store,
    put: Callable[..., Identity],
    fork: Callable[..., Child],
    monkeypatch: pytest.MonkeyPatch,
    *,
    damaged_before: bool,
) -> None:
    states = []
    for step in range(1, 50):
        remove_tree(store.root)
        if damaged_before:
            identity = put("anchor", anchor="the text that was meant")
            (store.entry(identity) / "bin" / "anchor").write_text("torn")

        def publish_and_die(_report: int, _wait: int, step: int = step) -> None:
            _die_at(monkeypatch, step)
            put("anchor", anchor="the text that was meant")

        status = fork(publish_and_die).wait()
        identity = Identity.of("anchor", "one")
        state = store.state(identity, thorough=True)
        states.append(state)
        allowed = {State.WHOLE, State.ABSENT} | ({State.DAMAGED} if damaged_before else set())
        assert state in allowed, f"killed before change {step}"
        store.sweep()
        assert list((store.root / "work").glob("*")) == []
        put("anchor", anchor="the text that was meant")
        assert store.state(identity, thorough=True) is State.WHOLE, f"not to be mended after change {step}"
        if status == 0:
            break
        assert status == -signal.SIGKILL
    else:
        pytest.fail("the publication never came to its end")
    assert len(states) > 8
    assert {State.WHOLE, State.ABSENT} <= set(states)


def test_an_entry_is_written_to_disk_before_it_appears(
    store: Store, put: Callable[..., Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def recording(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    put("anchor", anchor="text")
    in_work = [Path(path).name for path in synced if "/work/" in path]
    assert sorted(in_work) == ["anchor", "bin", "content", "manifest.json"]
    assert synced[-1] == str(store.root / "store")


def test_a_missing_file_is_found_without_reading(store: Store, put: Callable[..., Identity]) -> None:
    identity = put("anchor", anchor="text", buoy="text")
    (store.entry(identity) / "bin" / "buoy").unlink()
    assert store.find(identity) is None
    assert store.state(identity) is State.DAMAGED


def test_another_size_is_found_without_reading(store: Store, put: Callable[..., Identity]) -> None:
    identity = put("anchor", anchor="text")
    (store.entry(identity) / "bin" / "anchor").write_text("longer text")
    assert store.find(identity) is None


def test_another_content_of_the_same_size_is_found_by_verifying(store: Store, put: Callable[..., Identity]) -> None:
    identity = put("anchor", anchor="text")
    (store.entry(identity) / "bin" / "anchor").write_text("tEXT")
    assert store.state(identity) is State.WHOLE
    assert store.state(identity, thorough=True) is State.DAMAGED


@pytest.mark.parametrize("manifest", ["", "{", '{"name": "anchor"}'])
def test_a_torn_manifest_is_damage(store: Store, put: Callable[..., Identity], manifest: str) -> None:
    identity = put()
    (store.entry(identity) / "manifest.json").write_text(manifest)
    assert store.state(identity) is State.DAMAGED


def test_a_manifest_of_another_entry_is_damage(store: Store, put: Callable[..., Identity]) -> None:
    one, two = put("anchor", "one"), put("anchor", "two")
    remove_tree(store.entry(two))
    store.entry(one).rename(store.entry(two))
    assert store.state(two) is State.DAMAGED


def test_a_symbolic_link_is_no_binary(store: Store, put: Callable[..., Identity]) -> None:
    identity = put("anchor", anchor="text")
    binary = store.entry(identity) / "bin" / "anchor"
    binary.rename(binary.with_name("link"))
    binary.symlink_to("link")  # as many letters as the binary has bytes
    assert store.state(identity) is State.DAMAGED


def test_a_second_process_waits_for_the_lock_and_says_so_once(store: Store, fork: Callable[..., Child]) -> None:
    def hold(report: int, wait: int) -> None:
        with store.lock("anchor", pytest.fail):
            os.write(report, b"held")
            os.read(wait, 1)

    child = fork(hold)
    assert os.read(child.report, 4) == b"held"
    sentences: list[str] = []

    def waiting(sentence: str) -> None:
        sentences.append(sentence)
        os.write(child.release, b"g")

    with store.lock("anchor", waiting):
        assert child.wait() == 0
        with store._lock_if_free("anchor") as free:
            assert not free
    assert sentences == [f"Another process (pid {child.pid}) is at work on anchor; waiting for it to end."]


def test_the_lock_of_a_killed_process_is_free(store: Store, fork: Callable[..., Child]) -> None:
    def hold(report: int, wait: int) -> None:
        with store.lock("anchor", pytest.fail):
            os.write(report, b"held")
            os.read(wait, 1)

    child = fork(hold)
    os.read(child.report, 4)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    with store.lock("anchor", pytest.fail):
        pass


def test_different_names_do_not_wait_for_each_other(store: Store) -> None:
    with store.lock("anchor", pytest.fail), store.lock("buoy", pytest.fail):
        pass


def test_a_sweep_takes_leftovers_and_leaves_what_is_worked_on(store: Store, fork: Callable[..., Child]) -> None:
    def work(report: int, wait: int) -> None:
        with store.lock("living", pytest.fail), store.workspace("living") as folder:
            (folder / "file").write_bytes(b"x" * 5000)
            os.write(report, b"held")
            os.read(wait, 1)

    child = fork(work)
    os.read(child.report, 4)
    dead = store.root / "work" / "dead"
    (dead / "modules").mkdir(parents=True)
    (dead / "modules" / "file").write_bytes(b"x" * 5000)
    names, freed = store.sweep()
    assert names == ("dead",)
    assert freed >= 5000
    assert not dead.exists()
    assert (store.root / "work" / "living" / "file").exists()
    os.write(child.release, b"g")
    assert child.wait() == 0
    assert not (store.root / "work" / "living").exists()


def test_a_workspace_goes_away_after_a_failure_too(store: Store) -> None:
    def work() -> None:
        with store.workspace("anchor") as folder:
            (folder / "file").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert list((store.root / "work").iterdir()) == []


def test_a_workspace_starts_empty(store: Store) -> None:
    leftover = store.root / "work" / "anchor" / "modules"
    leftover.mkdir(parents=True)
    with store.workspace("anchor") as folder:
        assert list(folder.iterdir()) == []


def test_read_only_folders_are_removed() -> None:
    script = (
        "import sys; from pathlib import Path; from seatrial.toolchain.store import remove_tree\n"
        "top = Path(sys.argv[1]); inner = top / 'modules' / 'm@v1'; inner.mkdir(parents=True)\n"
        "(inner / 'go.mod').write_text('x'); (inner / 'go.mod').chmod(0o444)\n"
        "inner.chmod(0o555); inner.parent.chmod(0o555)\n"
        "remove_tree(top); sys.exit(top.exists())"
    )
    # root may remove anything: only another user shows it.
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    # pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        command = [*user, sys.executable, "-B", "-c", script, str(Path(folder, "top"))]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
        assert done.returncode == 0, done.stderr


def test_too_little_disk_is_one_sentence_that_names_sizes_and_the_way_out(store: Store) -> None:
    with pytest.raises(UsageError) as refused:
        store.require_space(1 << 60, "Building anchor v1")
    sentence = str(refused.value)
    assert sentence.startswith(f"Building anchor v1 needs 1073741824.0 GiB of free disk in {store.root}, and ")
    assert sentence.endswith("GiB are free: free some space, or set SEATRIAL_CACHE to a folder on a larger disk.")
    store.require_space(1, "Building anchor v1")


def test_a_cache_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be made: Not a directory; set SEATRIAL_CACHE"):
        Store(tmp_path / "file").require_space(1, "Building")


def test_pruning_removes_what_is_not_kept_and_reports_its_bytes(store: Store, put: Callable[..., Identity]) -> None:
    kept, gone = put("anchor", "kept"), put("anchor", "gone", anchor="x" * 10_000)
    leftover = store.root / "work" / "buoy"
    leftover.mkdir()
    (leftover / "object").write_bytes(b"x" * 20_000)
    pruned = store.prune([kept])
    assert pruned.entries == (gone,)
    assert pruned.leftovers == ("buoy",)
    assert 30_000 <= pruned.freed < 90_000
    assert store.entries() == (kept,)
    assert list((store.root / "work").iterdir()) == []


def test_pruning_leaves_what_another_process_works_on(
    store: Store, put: Callable[..., Identity], fork: Callable[..., Child]
) -> None:
    identity = put()

    def hold(report: int, wait: int) -> None:
        with store.lock("anchor", pytest.fail):
            os.write(report, b"held")
            os.read(wait, 1)

    child = fork(hold)
    os.read(child.report, 4)
    assert store.prune([]).entries == ()
    assert store.entries() == (identity,)


def test_a_folder_that_is_no_entry_is_left_alone(store: Store, put: Callable[..., Identity]) -> None:
    put()
    foreign = store.root / "store" / "notes"
    foreign.mkdir()
    assert len(store.prune([]).entries) == 1
    assert foreign.exists()
