"""The Debian packages that Seatrial uses: which are missing, and their installation without starting a daemon."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import tomllib
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seatrial.errors import UsageError
from seatrial.toolchain.bench import unwinding_when_terminated
from seatrial.toolchain.places import cache_directory, pins_directory
from seatrial.toolchain.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from seatrial.progress import Progress

_EXPECTED = timedelta(seconds=60)
_TAIL_LINES = 10
# deb-policy: 101 means "action forbidden by policy"; see /usr/share/doc/init-system-helpers/README.policy-rc.d.gz
_FORBIDDEN = 101
_GUARD = """#!/bin/sh
# Written by seatrial while it installs packages: no package may start a daemon. Removed afterwards.
exit 101
"""


class _Groups(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: dict[str, tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")], ...]]


class Run(Protocol):
    """Runs a command and returns its exit status and output (standard error included); OSError if it cannot start."""

    def __call__(self, command: Sequence[str], environment: Mapping[str, str], /) -> tuple[int, str]: ...


def _run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = child.wait()
        except BaseException:
            # apt-get stops a download at once, but lets dpkg come to an end that needs no repair.
            child.send_signal(signal.SIGINT)
            child.wait()
            raise
        output.seek(0)
        return status, output.read().decode(errors="replace")


def _os_release(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name: value.strip().strip("\"'") for name, _, value in (line.partition("=") for line in lines) if value}


@dataclass(frozen=True)
class Machine:
    """The parts of a machine that an installation of packages touches."""

    root: bool = field(default_factory=lambda: os.geteuid() == 0)
    os_release: Path = Path("/etc/os-release")
    policy: Path = Path("/usr/sbin/policy-rc.d")
    run: Run = _run

    @property
    def name(self) -> str:
        """What the machine's distribution calls itself."""
        return _os_release(self.os_release).get("PRETTY_NAME", "no system that says its name")

    @property
    def is_debian(self) -> bool:
        """Whether this is Debian or a system made from it."""
        release = _os_release(self.os_release)
        return "debian" in (release.get("ID", ""), *release.get("ID_LIKE", "").split())

    def missing(self, packages: Iterable[str]) -> tuple[str, ...]:
        """Return those of *packages* that are not installed, sorted; all of them where there is no dpkg."""
        wanted = sorted(set(packages))
        if not wanted:
            return ()
        command = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *wanted]
        try:
            _, output = self.run(command, os.environ)
        except OSError:
            return tuple(wanted)
        installed = {line.removesuffix(" installed") for line in output.splitlines() if line.endswith(" installed")}
        return tuple(package for package in wanted if package not in installed)

    @contextmanager
    def no_daemon_starts(self) -> Iterator[None]:
        """Forbid package scripts to start daemons meanwhile, also on a machine whose own policy would allow it.

        A policy of the machine's own that does not forbid it is set aside and comes back afterwards; what a killed
        call set aside comes back with the next one.
        """
        aside = self.policy.with_name(f"{self.policy.name}.before-seatrial")
        # The guard of a killed call stays where it is: what that call started may still be at work under it.
        if not self._is_guard():
            if self._forbids():
                yield
                return
            if self.policy.exists():
                self.policy.rename(aside)
            partial = self.policy.with_name(f"{self.policy.name}.seatrial")
            partial.write_text(_GUARD, encoding="utf-8")
            partial.chmod(0o755)
            partial.rename(self.policy)
        try:
            yield
        finally:
            if self._is_guard():
                self.policy.unlink()
            if aside.exists():
                aside.rename(self.policy)

    def _is_guard(self) -> bool:
        return self.policy.is_file() and self.policy.read_text(encoding="utf-8", errors="replace") == _GUARD

    def _forbids(self) -> bool:
        if not self.policy.exists():
            return False
        try:
            status, _ = self.run([str(self.policy), "seatrial-probe", "start"], os.environ)
        except OSError:
            return False
        return status == _FORBIDDEN

    def install(self, packages: Sequence[str], log: Path) -> None:
        """Install *packages* with apt-get, without recommended ones; its output goes to *log*.

        A source that cannot be read does not stop it as long as another one has the packages, and what an interrupted
        installation left half done is finished first. Raises UsageError with apt's last lines where a package cannot be
        installed.
        """
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        options = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"]
        wishes = ["--yes", "--no-install-recommends", "--no-remove", "--fix-broken"]
        commands = (
            ["dpkg", "--configure", "--pending"],
            ["apt-get", *options, "update"],
            ["apt-get", *options, "install", *wishes, *packages],
        )
        log.write_text("", encoding="utf-8")
        status, said = 0, ""
        with self.no_daemon_starts():
            # Only the last one decides: it fails if what the others could not do stands in its way.
            for command in commands:
                status, said = self.run(command, environment)
                with log.open("a", encoding="utf-8") as stream:
                    stream.write(f"$ {' '.join(command)}\n{said}(exit status {status})\n")
        if status != 0:
            ending = "\n  ".join(said.splitlines()[-_TAIL_LINES:])
            raise UsageError(
                f"apt-get could not install {' '.join(packages)}: mend what it says and try again. "
                f"The whole output is in {log}; it ends in:\n  {ending}"
            )


def package_group(group: str) -> tuple[str, ...]:
    """Return the Debian packages of *group* in `infra/cluster/toolchain/debian.toml`, such as `cluster` or `services`.

    Raises UsageError for an unknown group and for a file that is not right.
    """
    file = pins_directory() / "debian.toml"
    try:
        groups = _Groups.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).groups
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise UsageError(f"The list of Debian packages {file} is not right: {error}.") from error
    if group not in groups:
        raise UsageError(f"There is no group {group} of Debian packages: {file} has {', '.join(groups)}.")
    return groups[group]


def debian_packages_missing(packages: Iterable[str], *, machine: Machine | None = None) -> tuple[str, ...]:
    """Return those of *packages* that are not installed, sorted; all of them on a machine without dpkg."""
    return (machine or Machine()).missing(packages)


def install_debian_packages(
    packages: Iterable[str],
    *,
    install: bool = True,
    progress: Progress | None = None,
    machine: Machine | None = None,
    store: Store | None = None,
) -> tuple[str, ...]:
    """Install those of *packages* that are missing, starting no daemon, and return them; nothing happens if none is.

    Raises UsageError: with the list if *install* is false, or where the machine is not Debian, the caller not root, or
    apt-get fails.
    """
    machine = machine or Machine()
    wanted = tuple(packages)
    if not machine.missing(wanted):
        return ()
    store = store or Store(cache_directory())
    with unwinding_when_terminated(), store.lock("debian", progress.say if progress else lambda _: None):
        # Asked again: whoever held the lock may have installed them.
        missing = machine.missing(wanted)
        if not missing:
            return ()
        _refuse_where_impossible(machine, missing, install=install)
        title = f"Installing {len(missing)} Debian package{'s' if len(missing) > 1 else ''}"
        with progress.phase(title, expected=_EXPECTED) if progress else nullcontext() as phase:
            if phase:
                phase.note(" ".join(missing))
            machine.install(missing, store.log("debian"))
    if still := machine.missing(missing):
        raise UsageError(
            f"apt-get installed without an error, but {' '.join(still)} is not there: see {store.log('debian')}."
        )
    return missing


def _refuse_where_impossible(machine: Machine, missing: Sequence[str], *, install: bool) -> None:
    listed = " ".join(missing)
    if not machine.is_debian or shutil.which("apt-get") is None:
        raise UsageError(f"Seatrial needs Debian 12 for its packages ({listed}), and this machine runs {machine.name}.")
    if not install:
        raise UsageError(
            f"Debian packages are missing: install them with `apt-get install --no-install-recommends {listed}`."
        )
    if not machine.root:
        raise UsageError(f"Debian packages are missing ({listed}), and only root can install them: run this as root.")
