from __future__ import annotations

import io
import os
import signal
import traceback
import warnings
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

import pytest
from rich.console import Console

from seatrial.progress import PlainProgress
from seatrial.toolchain.build import Toolchain
from seatrial.toolchain.pins import Pins
from seatrial.toolchain.store import Identity, Manifest, Store, records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from seatrial.toolchain.bench import Workbench

# Stands for the go command: builds a text of its arguments and environment, one file per package.
_FAKE_GO = """#!/bin/sh
case "$1" in
mod)
    mkdir -p "$GOMODCACHE/module/cmd"
    echo 'int main(void) { return 0; }' > "$GOMODCACHE/module/main.c"
    echo module > "$GOMODCACHE/module/go.mod"
    chmod 444 "$GOMODCACHE/module/go.mod"
    echo "{\\"Dir\\": \\"$GOMODCACHE/module\\", \\"Sum\\": \\"$FAKE_SUM\\"}"
    ;;
build)
    if [ -n "$FAKE_FAILURE" ]; then
        echo "main.go:1: $FAKE_FAILURE" >&2
        exit 1
    fi
    shift
    if [ "$1" = std ]; then
        mkdir "$GOCACHE"
        echo compiled > "$GOCACHE/std"
        exit
    fi
    while [ "$1" != -o ]; do
        flags="$flags $1"
        shift
    done
    for package in "$@"; do
        case "$package" in
        -o | */) out=${out:-$2} ;;
        *)
            [ "$package" != . ] || package=float
            { echo "$flags"; pwd; ls -R; ls "$GOCACHE"; env; } > "$out/$(basename "$package")"
            ;;
        esac
    done
    ;;
esac
"""

PIN = """
[[program]]
name = "anchor"
version = "v1.2.3"
module = "example.org/anchor"
how = "wrapper"
go = "1.30.1"
expected = "00:00:05"
disk = "1 KiB"

[program.binaries]
anchor = "example.org/anchor/cmd/anchor"
buoy = "example.org/anchor/cmd/server"

[program.stamps]
"example.org/anchor/version.text" = "v1.2.3"
"""


@dataclass
class Said:
    """Everything that progress printed."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    def __contains__(self, text: object) -> bool:
        return str(text) in self.stream.getvalue()


@dataclass
class FakeRecipe:
    """Makes an entry of one file with *text* in it, or does what *act* does."""

    text: str = "binary"
    name: str = "anchor"
    title: str = "Building anchor"
    version: str = "v1"
    go: str = "1.30.1"
    expected: timedelta = timedelta(seconds=1)
    disk: int = 1
    act: Callable[[Workbench], object] | None = None
    made: int = 0

    @property
    def identity(self) -> Identity:
        return Identity.of(self.name, self.text)

    def make(self, bench: Workbench) -> None:
        self.made += 1
        if self.act:
            self.act(bench)
        (bench.content / "bin").mkdir()
        (bench.content / "bin" / self.name).write_text(self.text)


@pytest.fixture
def recipe() -> FakeRecipe:
    return FakeRecipe()


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def progress(said: Said) -> PlainProgress:
    return PlainProgress(Console(file=said.stream))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def put(store: Store) -> Callable[..., Identity]:
    """Publish an entry with the given texts as its binaries."""

    def publish(name: str = "anchor", ingredients: str = "one", /, **binaries: str) -> Identity:
        identity = Identity.of(name, ingredients)
        with store.lock(name, pytest.fail), store.workspace(name) as work:
            content = work / "content"
            (content / "bin").mkdir(parents=True)
            for binary, text in (binaries or {name: "binary"}).items():
                (content / "bin" / binary).write_text(text)
            store.publish(identity, manifest_of(identity, content), content, work / "replaced")
        return identity

    return publish


def manifest_of(identity: Identity, content: Path) -> Manifest:
    return Manifest(
        name=identity.name,
        version="v1",
        key=identity.key,
        go="1.30.1",
        duration=timedelta(seconds=2),
        disk=4096,
        files=records(content),
    )


@pytest.fixture
def pins_folder(tmp_path: Path) -> Path:
    """A folder with one pin, a wrapper called anchor."""
    folder = tmp_path / "pins"
    (folder / "anchor").mkdir(parents=True)
    (folder / "programs.toml").write_text(PIN)
    (folder / "anchor" / "go.mod").write_text("module wrapper\n")
    (folder / "anchor" / "go.sum").write_text("sums\n")
    return folder


@pytest.fixture
def toolchain(pins_folder: Path, store: Store, tmp_path: Path) -> Toolchain:
    """A toolchain of that pin, whose Go in the store is a shell script."""
    toolchain = Toolchain(Pins(pins_folder), store)
    identity = toolchain.go("1.30.1").identity
    content = tmp_path / "go"
    (content / "bin").mkdir(parents=True)
    (content / "bin" / "go").write_text(_FAKE_GO)
    (content / "bin" / "go").chmod(0o755)
    store.publish(identity, manifest_of(identity, content), content, tmp_path / "replaced")
    return toolchain


@dataclass
class Child:
    """A forked copy of this process; `report` reads what it wrote, `release` lets it go on."""

    pid: int
    report: int
    release: int
    status: int | None = None

    def wait(self) -> int:
        """Return the exit status, negative for the signal that ended it."""
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status


@pytest.fixture
def fork() -> Iterator[Callable[[Callable[[int, int], object]], Child]]:
    """Run a function in a forked process; it gets a descriptor to report to and one to wait at."""
    children: list[Child] = []

    def start(act: Callable[[int, int], object]) -> Child:
        report, child_reports = os.pipe()
        child_waits, release = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of fork() in a process with threads
            pid = os.fork()
        if pid == 0:
            os.close(report)
            os.close(release)
            _be_child(lambda: act(child_reports, child_waits))
        os.close(child_reports)
        os.close(child_waits)
        children.append(Child(pid, report, release))
        return children[-1]

    yield start
    for child in children:
        os.close(child.report)
        os.close(child.release)
        if child.status is None:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()


def _be_child(act: Callable[[], object]) -> NoReturn:
    status = 70
    # A run of pytest may handle these itself; here they are what a program starts with.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    try:
        act()
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 71
    except BaseException:  # noqa: BLE001 - nothing may return into pytest here
        traceback.print_exc()
    finally:
        os._exit(status)
