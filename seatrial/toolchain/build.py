"""Builds: from a pin to binaries in the store."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.progress import open_progress
from seatrial.toolchain.bench import BuildFailed, produce, unwinding_when_terminated
from seatrial.toolchain.debian import install_debian_packages
from seatrial.toolchain.golang import GoToolchain, StandardLibrary, go_environment
from seatrial.toolchain.pins import How, Pins
from seatrial.toolchain.places import cache_directory, pins_directory
from seatrial.toolchain.store import Store, make_writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from seatrial.progress import Progress
    from seatrial.toolchain.bench import Workbench
    from seatrial.toolchain.pins import Pin
    from seatrial.toolchain.store import Identity, Manifest

_MAJOR_VERSION = re.compile(r"v[2-9]|v[1-9][0-9]+")


@dataclass(frozen=True)
class Program:
    """An upstream program in the store; `directory` holds its entry, `key` stands for all that decided its content."""

    name: str
    version: str
    key: str
    directory: Path

    def binary(self, name: str) -> Path:
        """Return the path of the program's binary called *name*; LookupError, naming those it has, for another name."""
        path = self.directory / "bin" / name
        if not path.is_file():
            has = ", ".join(sorted(file.name for file in path.parent.iterdir()))
            raise LookupError(f"{self.name} {self.version} has no binary {name}; it has {has}")
        return path


@dataclass(frozen=True)
class Toolchain:
    """The pins of this checkout and the store that all checkouts of this user share."""

    pins: Pins
    store: Store

    @classmethod
    def here(cls) -> Toolchain:
        """Return the toolchain of the checkout that this package runs from; UsageError where its pins are not right."""
        return cls(Pins(pins_directory()), Store(cache_directory()))

    def go(self, version: str) -> GoToolchain:
        """Return how Go *version* gets into the store."""
        return GoToolchain(version, self.store, self.pins.folder / "go-bootstrap.txt")

    def program(self, pin: Pin) -> Program:
        """Return *pin*'s program as the store has it or would have it."""
        identity = self.pins.identity(pin)
        return Program(pin.name, pin.version, identity.key, self.store.entry(identity))

    def wanted(self) -> frozenset[Identity]:
        """Return the identity of each entry that this checkout's pins refer to, Go toolchains included."""
        pins = self.pins.chosen()
        toolchains = [self.go(version) for version in {pin.go for pin in pins}]
        return frozenset(
            [self.pins.identity(pin) for pin in pins]
            + [go.identity for go in toolchains]
            + [StandardLibrary(go).identity for go in toolchains]
        )


@dataclass(frozen=True)
class Built:
    """One program after `ensure`: its manifest, and whether this call had to build it."""

    program: Program
    manifest: Manifest
    fresh: bool


@dataclass(frozen=True)
class ProgramRecipe:
    """How a pinned program is built."""

    pin: Pin
    pins: Pins
    toolchain: GoToolchain

    @property
    def identity(self) -> Identity:
        return self.pins.identity(self.pin)

    @property
    def title(self) -> str:
        return f"Building {self.pin.name} {self.pin.version}"

    @property
    def version(self) -> str:
        return self.pin.version

    @property
    def go(self) -> str:
        return self.pin.go

    @property
    def expected(self) -> timedelta:
        return self.pin.expected

    @property
    def disk(self) -> int:
        return self.pin.disk

    def make(self, bench: Workbench) -> None:
        """Fetch the modules, build the binaries into `bin/`; all caches are the bench's own and go with it."""
        environment = go_environment(bench.folder, os.environ, extra=self.pin.environment)
        source = bench.folder / "source"
        if self.pin.how is How.WRAPPER:
            source.mkdir()
            for name in ("go.mod", "go.sum"):
                shutil.copyfile(self.pins.wrapper(self.pin) / name, source / name)
        else:
            bench.phase.note(f"fetching {self.pin.module}")
            self._fetch(bench, environment, bench.folder).rename(source)
            make_writable(source)
        for path, text in self.pin.files.items():
            file = source / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        binaries = bench.content / "bin"
        binaries.mkdir()
        bench.phase.note("fetching modules and compiling")
        StandardLibrary(self.toolchain).seed(Path(environment["GOCACHE"]))
        self._compile(bench, environment, source, binaries)
        if self.pin.c:
            bench.phase.note("compiling C")
            module = self._fetch(bench, environment, source)
            for program in self.pin.c:
                command: list[str | Path] = [
                    "gcc",
                    *program.flags,
                    "-o",
                    binaries / program.binary,
                    module / program.source,
                ]
                bench.run(command, environment=environment, folder=bench.folder)

    def _fetch(self, bench: Workbench, environment: Mapping[str, str], folder: Path) -> Path:
        """Return the folder of the program's own module in the module cache, its sum verified against the pin."""
        where = f"{self.pin.module}@{self.pin.version}"
        answer = json.loads(
            bench.run(
                [self.toolchain.executable, "mod", "download", "-json", where], environment=environment, folder=folder
            )
        )
        if self.pin.sum is not None and answer["Sum"] != self.pin.sum:
            raise BuildFailed(
                f"{self.title}: the module proxy's {where} has the sum {answer['Sum']}, but "
                f"{self.pins.folder / 'programs.toml'} pins {self.pin.sum}: "
                "nothing was built from it; find out which of them is right."
            )
        return Path(answer["Dir"])

    def _compile(self, bench: Workbench, environment: Mapping[str, str], source: Path, binaries: Path) -> None:
        raw = bench.folder / "binaries"
        raw.mkdir()
        packages = list(self.pin.binaries.values())
        command: list[str | Path] = [
            self.toolchain.executable,
            "build",
            *self.pin.flags,
            f"-ldflags={self.pin.ldflags}",
            "-o",
            f"{raw}/",
        ]
        bench.run([*command, *packages], environment=environment, folder=source)
        for binary, package in self.pin.binaries.items():
            made = raw / default_binary_name(package if package != "." else self.pin.module)
            if not made.is_file():
                has = ", ".join(sorted(file.name for file in raw.iterdir()))
                raise BuildFailed(f"{self.title}: the package {package} yielded no {made.name}, only {has}.")
            made.rename(binaries / binary)


def default_binary_name(package: str) -> str:
    """Return what `go build` calls the binary of *package*: its path's last element that is no major version."""
    elements = package.rstrip("/").split("/")
    last = elements[-1]
    return elements[-2] if len(elements) > 1 and _MAJOR_VERSION.fullmatch(last) else last


def build(toolchain: Toolchain, names: Iterable[str], *, progress: Progress, install: bool = True) -> tuple[Built, ...]:
    """Build what the store lacks of *names* (of everything, if empty), one after another, and return all of them.

    Debian packages that a build uses are installed first, or listed in a UsageError if *install* is false. What an
    interrupted call finished stays; its leftovers are removed first. Raises UsageError for an unknown name or a full
    disk, BuildFailed for all that fails in a build.
    """
    chosen = toolchain.pins.chosen(names)
    lacking = [pin for pin in chosen if toolchain.store.find(toolchain.pins.identity(pin)) is None]
    built = []
    with unwinding_when_terminated():
        if lacking:
            toolchain.store.sweep()
            install_debian_packages(
                sorted({package for pin in lacking for package in pin.debian}), install=install, progress=progress
            )
        for pin in chosen:
            if present := toolchain.store.find(toolchain.pins.identity(pin)):
                built.append(Built(toolchain.program(pin), present, fresh=False))
                continue
            recipe = ProgramRecipe(pin, toolchain.pins, toolchain.go(pin.go))
            produce(toolchain.store, recipe.toolchain, progress)
            if sum(other.go == pin.go for other in lacking) > 1:
                produce(toolchain.store, StandardLibrary(recipe.toolchain), progress)
            made = produce(toolchain.store, recipe, progress)
            built.append(Built(toolchain.program(pin), made.manifest, made.fresh))
    return tuple(built)


def ensure(names: Iterable[str], *, progress: Progress | None = None, install: bool = True) -> dict[str, Program]:
    """Return the programs called *names*, by name; build first what the store lacks.

    Takes milliseconds when nothing is lacking. Raises what `build` raises; an empty *names* is no program.
    """
    wanted = tuple(names)
    if not wanted:
        return {}
    built = build(Toolchain.here(), wanted, progress=progress or open_progress(), install=install)
    return {each.program.name: each.program for each in built}
