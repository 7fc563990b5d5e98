from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.toolchain import build as build_module
from seatrial.toolchain.bench import BuildFailed
from seatrial.toolchain.build import Toolchain, build, default_binary_name, ensure
from seatrial.toolchain.golang import StandardLibrary
from seatrial.toolchain.pins import Pins

if TYPE_CHECKING:
    from pathlib import Path

    from seatrial.progress import PlainProgress
    from seatrial.toolchain.store import Store
    from suites.unit.toolchain.conftest import Said

_SUM = "h1:" + "A" * 43 + "="


@pytest.fixture
def in_place(toolchain: Toolchain) -> Toolchain:
    """The same pin, built in place, with a file that must exist and a C program."""
    file = toolchain.pins.folder / "programs.toml"
    text = file.read_text().replace('how = "wrapper"', f'how = "in-place"\nsum = "{_SUM}"\nflags = ["-mod=mod"]')
    text = re.sub(r"anchor = .*\nbuoy = .*", 'anchor = "./cmd/anchor"\nbuoy = "."', text)
    text = text.replace('"example.org/anchor"', '"example.org/float/v2"')
    files = '[program.files]\n"webui/static/index.html" = "page"\n'
    c = '[[program.c]]\nbinary = "pause"\nsource = "main.c"\nflags = ["-static"]\n'
    file.write_text(text + files + c)
    return Toolchain(Pins(toolchain.pins.folder), toolchain.store)


def test_a_wrapper_is_built_from_its_own_modules_in_throw_away_caches(
    toolchain: Toolchain, progress: PlainProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    (built,) = build(toolchain, ["anchor"], progress=progress)
    assert built.fresh
    text = built.program.binary("anchor").read_text()
    assert "-ldflags=-s -w -X example.org/anchor/version.text=v1.2.3" in text
    assert "go.mod" in text
    assert "go.sum" in text
    assert "-mod=vendor" not in text
    for cache in ("GOCACHE", "GOMODCACHE"):
        assert re.search(rf"^{cache}={toolchain.store.root}/work/anchor/", text, re.MULTILINE)
    assert list((toolchain.store.root / "work").iterdir()) == []
    # The package's last element is "server", the pin calls it "buoy".
    assert built.program.binary("buoy").is_file()


def test_a_module_is_built_in_place_once_its_sum_is_right(
    in_place: Toolchain, progress: PlainProgress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiler = tmp_path / "gcc"
    compiler.write_text('#!/bin/sh\n[ -f "$4" ] && echo "$@" > "$3"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SUM", _SUM)
    (built,) = build(in_place, [], progress=progress)
    text = built.program.binary("anchor").read_text()
    assert "-mod=mod" in text
    assert "./webui/static:\nindex.html" in text
    assert "cmd" in text
    assert built.program.binary("buoy").is_file()
    compiled = built.program.binary("pause").read_text().split()
    assert (compiled[0], compiled[3].rpartition("/")[2]) == ("-static", "main.c")


def test_another_sum_of_a_module_is_refused(
    in_place: Toolchain, progress: PlainProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SUM", "h1:other=")
    with pytest.raises(BuildFailed) as failed:
        build(in_place, [], progress=progress)
    assert str(failed.value) == (
        "Building anchor v1.2.3: the module proxy's example.org/float/v2@v1.2.3 has the sum h1:other=, but "
        f"{in_place.pins.folder}/programs.toml pins {_SUM}: nothing was built from it; find out which of them is right."
    )
    assert [identity.name for identity in in_place.store.entries()] == ["go1.30.1"]


def test_a_failed_build_names_its_log_and_what_was_said(
    toolchain: Toolchain, progress: PlainProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAILURE", "undefined: sail")
    with pytest.raises(BuildFailed) as failed:
        build(toolchain, [], progress=progress)
    assert f"The whole output is in {toolchain.store.root}/logs/anchor.log" in str(failed.value)
    assert str(failed.value).endswith("main.go:1: undefined: sail")


@pytest.fixture
def two(toolchain: Toolchain) -> Toolchain:
    """A toolchain with two wrappers of the same Go."""
    folder = toolchain.pins.folder
    file = folder / "programs.toml"
    file.write_text(file.read_text() + file.read_text().replace('name = "anchor"', 'name = "mast"'))
    shutil.copytree(folder / "anchor", folder / "mast")
    return Toolchain(Pins(folder), toolchain.store)


def test_several_programs_start_from_one_compiled_standard_library(two: Toolchain, progress: PlainProgress) -> None:
    built = build(two, [], progress=progress)
    titles = [phase.title for phase in progress.finished]
    assert titles == [
        "Compiling the standard library of Go 1.30.1",
        "Building anchor v1.2.3",
        "Building mast v1.2.3",
    ]
    for each in built:
        assert "\nstd\n" in each.program.binary("anchor").read_text()
    assert set(two.store.entries()) == two.wanted()


def test_one_program_alone_does_not_wait_for_a_standard_library(two: Toolchain, progress: PlainProgress) -> None:
    (built,) = build(two, ["mast"], progress=progress)
    assert [phase.title for phase in progress.finished] == ["Building mast v1.2.3"]
    assert "\nstd\n" not in built.program.binary("anchor").read_text()


def test_a_damaged_standard_library_is_not_started_from(two: Toolchain, progress: PlainProgress) -> None:
    build(two, [], progress=progress)
    library = StandardLibrary(two.go("1.30.1"))
    (library.cache / "std").write_text("torn")
    (two.program(two.pins.chosen()[0]).directory / "manifest.json").unlink()
    (built, _) = build(two, [], progress=progress)
    assert built.fresh
    assert "\nstd\n" not in built.program.binary("anchor").read_text()


def test_what_is_there_is_not_built_again(toolchain: Toolchain, progress: PlainProgress, said: Said) -> None:
    build(toolchain, [], progress=progress)
    before = said.stream.getvalue()
    (again,) = build(toolchain, [], progress=progress)
    assert not again.fresh
    assert said.stream.getvalue() == before


def test_a_damaged_program_is_built_again(toolchain: Toolchain, progress: PlainProgress) -> None:
    (built,) = build(toolchain, [], progress=progress)
    built.program.binary("anchor").write_text("")
    (again,) = build(toolchain, [], progress=progress)
    assert again.fresh
    assert again.program.binary("anchor").stat().st_size > 0


def test_leftovers_of_a_killed_build_are_swept_first(toolchain: Toolchain, progress: PlainProgress) -> None:
    leftover = toolchain.store.root / "work" / "mast" / "modules"
    leftover.mkdir(parents=True)
    build(toolchain, [], progress=progress)
    assert not leftover.parent.exists()


def test_the_debian_packages_of_a_build_come_first(
    toolchain: Toolchain, progress: PlainProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = toolchain.pins.folder / "programs.toml"
    file.write_text(file.read_text().replace("disk = ", 'debian = ["no-such-package"]\ndisk = '))
    asked = []

    def refuse(packages: list[str], **options: object) -> None:
        asked.append((packages, options["install"]))
        raise UsageError("missing")

    monkeypatch.setattr(build_module, "install_debian_packages", refuse)
    with pytest.raises(UsageError, match="missing"):
        build(Toolchain(Pins(toolchain.pins.folder), toolchain.store), [], progress=progress, install=False)
    assert asked == [(["no-such-package"], False)]
    assert [identity.name for identity in toolchain.store.entries()] == ["go1.30.1"]


def test_ensure_answers_by_name(
    toolchain: Toolchain, progress: PlainProgress, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr(Toolchain, "here", lambda: toolchain)
    assert ensure([], progress=progress) == {}
    programs = ensure(["anchor"], progress=progress)
    program = programs["anchor"]
    assert (program.name, program.version) == ("anchor", "v1.2.3")
    assert program.directory == store.root / "store" / f"anchor-{program.key}"
    with pytest.raises(LookupError, match=r"anchor v1\.2\.3 has no binary mast; it has anchor, buoy"):
        program.binary("mast")
    with pytest.raises(UsageError, match="There is no program called mast"):
        ensure(["mast"], progress=progress)


def test_the_pins_refer_to_their_programs_and_their_go(toolchain: Toolchain) -> None:
    assert sorted(identity.name for identity in toolchain.wanted()) == ["anchor", "go1.30.1", "std1.30.1"]


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("go.etcd.io/etcd/server/v3", "server"),
        ("go.etcd.io/etcd/etcdctl/v3", "etcdctl"),
        ("example.org/tool/v10", "tool"),
        ("example.org/tool/v1", "v1"),
        ("./cmd/containerd-shim-runc-v2", "containerd-shim-runc-v2"),
        ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
    ],
)
def test_a_binary_is_called_as_go_calls_it(package: str, name: str) -> None:
    assert default_binary_name(package) == name
