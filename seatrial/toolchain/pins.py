"""What is built: one pin per upstream program, read from `infra/cluster/toolchain/programs.toml`."""

from __future__ import annotations

import hashlib
import json
import platform
import tomllib
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, BaseModel, ByteSize, ConfigDict, Field, ValidationError, model_validator

from seatrial.errors import UsageError
from seatrial.toolchain.store import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Part of each key: raised when the way of building changes so that the same pin yields other binaries.
_RECIPE = 1
BASE_FLAGS = ("-trimpath", "-buildvcs=false", "-modcacherw")
BASE_LDFLAGS = ("-s", "-w")

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_Duration = Annotated[timedelta, Field(gt=timedelta())]
_FileName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]


def _inside(path: str) -> str:
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise ValueError("a path here is relative and stays inside the module")
    return path


_RelativePath = Annotated[str, AfterValidator(_inside)]


class How(StrEnum):
    """Which module a program is built from."""

    WRAPPER = "wrapper"
    IN_PLACE = "in-place"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CProgram(_Data):
    """A C source file of the program's module and the static binary that gcc makes of it."""

    binary: _FileName
    source: _RelativePath
    flags: tuple[str, ...] = ()


class Pin(_Data):
    """One upstream program at one version, and all that decides what its binaries are.

    `binaries` maps each binary's name to its Go package, `stamps` package variables to the text linked into them,
    `files` paths in the module to the text that must be there before the build. `sum` is the module's h1 hash.
    `expected` is the duration of a build on two cores and `disk` its peak need in bytes; `debian` names the packages
    that a build uses.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    version: Annotated[str, Field(pattern=r"^v[0-9][0-9A-Za-z.+-]*$")]
    module: str
    how: How
    sum: Annotated[str, Field(pattern=r"^h1:[A-Za-z0-9+/]{43}=$")] | None = None
    go: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?$")]
    binaries: Annotated[dict[_FileName, str], Field(min_length=1)]
    c: tuple[CProgram, ...] = ()
    stamps: dict[str, str] = {}
    flags: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    files: dict[_RelativePath, str] = {}
    expected: _Duration
    disk: ByteSize
    debian: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _sum_where_it_belongs(self) -> Self:
        if (self.how is How.IN_PLACE) != (self.sum is not None):
            raise ValueError("a program built in place has the sum of its module, a wrapper has its own go.sum instead")
        return self

    @property
    def ldflags(self) -> str:
        """The linker's flags, stamps included, as one argument."""
        return " ".join([*BASE_LDFLAGS, *(f"-X {name}={text}" for name, text in sorted(self.stamps.items()))])


class _Pins(_Data):
    program: tuple[Pin, ...]


def architecture(machine: str | None = None) -> str:
    """Return Go's name for *machine* (this one if not given); UsageError if nothing is built for it."""
    machine = machine or platform.machine()
    try:
        return _MACHINES[machine]
    except KeyError:
        raise UsageError(
            f"This machine is a {machine}, and Seatrial builds its programs for {' and '.join(_MACHINES)} only: "
            "use one of these."
        ) from None


class Pins:
    """All pins of one folder.

    Raises UsageError, naming file and place, for a file that is not valid TOML or misses or mistypes a field.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        file = folder / "programs.toml"
        try:
            data = _Pins.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise UsageError(f"The pins {file} cannot be read: {error.strerror}.") from error
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"The pins {file} are not valid TOML: {error}.") from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"The pins {file} are wrong at {place}: {first['msg']}.") from error
        names = [pin.name for pin in data.program]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UsageError(f"The pins {file} name {twice[0]} twice: keep one of them.")
        self._pins = {pin.name: pin for pin in data.program}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all programs, in the order of the file."""
        return tuple(self._pins)

    def chosen(self, names: Iterable[str] = ()) -> tuple[Pin, ...]:
        """Return the pins called *names*, each once and in the order of the file; all of them if none is named."""
        wanted = set(names)
        if unknown := sorted(wanted - set(self._pins)):
            raise UsageError(
                f"There is no program called {', '.join(unknown)} in the toolchain: it has {', '.join(self._pins)}."
            )
        return tuple(pin for pin in self._pins.values() if not wanted or pin.name in wanted)

    def wrapper(self, pin: Pin) -> Path:
        """Return the folder with the go.mod and go.sum that *pin*, a wrapper, is built from."""
        return self.folder / pin.name

    def identity(self, pin: Pin, machine: str | None = None) -> Identity:
        """Return under which name and key the store keeps what *pin* yields on *machine*.

        The key changes with each thing that can change the binaries: the pin, the wrapper's go.mod and go.sum, the Go
        version, all flags, and the architecture.
        """
        ingredients = {
            "recipe": _RECIPE,
            "pin": pin.model_dump(mode="json", exclude={"expected", "disk", "debian"}),
            "flags": [*BASE_FLAGS, *BASE_LDFLAGS],
            "architecture": architecture(machine),
            "modules": self._modules(pin),
        }
        return Identity.of(pin.name, json.dumps(ingredients, sort_keys=True))

    def _modules(self, pin: Pin) -> dict[str, str]:
        if pin.how is How.IN_PLACE:
            return {}
        sums = {}
        for name in ("go.mod", "go.sum"):
            file = self.wrapper(pin) / name
            try:
                sums[name] = hashlib.sha256(file.read_bytes()).hexdigest()
            except OSError as error:
                raise UsageError(
                    f"The pin of {pin.name} needs {file}, which cannot be read: {error.strerror}."
                ) from error
        return sums
