from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from seatrial.cli import main
from seatrial.errors import UsageError
from seatrial.toolchain import commands
from seatrial.toolchain.build import Toolchain
from seatrial.toolchain.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from seatrial.toolchain.store import Identity

    Call = Callable[..., Result]


@pytest.fixture
def here(toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands work on the toolchain with one pin."""
    monkeypatch.setattr(Toolchain, "here", lambda: toolchain)


@pytest.fixture
def call(here: None) -> Call:  # noqa: ARG001 - it is what the commands work on
    """Run a command line; UsageError passes through, as the program's entry expects."""

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(commands.app, arguments)
        if isinstance(result.exception, UsageError):
            raise result.exception
        return result

    return run


def test_a_program_is_listed_missing_then_built_then_present(call: Call) -> None:
    assert "missing" in call("list").output
    built = call("build", "anchor")
    assert built.exit_code == 0, built.output
    listed = call("list")
    assert listed.exit_code == 0
    assert "present" in listed.output
    assert "1.30.1" in listed.output


def test_build_prints_where_the_time_went(call: Call) -> None:
    output = call("build").output
    assert "where the time went" in output
    assert "Building anchor v1.2.3" in output
    assert "together" in output
    assert "anchor v1.2.3: was there" in call("build").output


@pytest.mark.usefixtures("here")
def test_a_failed_build_ends_with_1_and_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE_FAILURE", "undefined: sail")
    monkeypatch.setattr("sys.argv", ["seatrial", "toolchain", "build"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "seatrial: Building anchor v1.2.3: " in said
    assert said.rstrip().endswith("undefined: sail")
    assert "Traceback" not in said


def test_an_unknown_name_is_a_usage_error(call: Call) -> None:
    with pytest.raises(UsageError, match="no program called mast"):
        call("build", "mast")


def test_damage_is_listed_and_ends_with_1(call: Call, toolchain: Toolchain) -> None:
    call("build")
    binary = toolchain.program(toolchain.pins.chosen()[0]).binary("anchor")
    text = binary.read_text()
    binary.write_text(text.swapcase())
    assert call("list").exit_code == 0
    verified = call("list", "--verify")
    assert verified.exit_code == 1
    assert "damaged" in verified.output


def test_prune_removes_what_no_pin_refers_to(
    call: Call, toolchain: Toolchain, put: Callable[..., Identity], store: Store
) -> None:
    call("build")
    stray = put("mast", mast="x" * 2_000_000)
    output = call("prune").output
    assert f"removed {stray.folder}" in output
    assert "2 MiB freed" in output
    assert {identity.name for identity in store.entries()} == {"anchor", "go1.30.1"}
    assert set(store.entries()) <= toolchain.wanted()


def test_a_store_is_carried_to_another_machine(
    call: Call, toolchain: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "store.tar.gz"
    with pytest.raises(UsageError, match="nothing to export: run `seatrial toolchain build` first"):
        call("export", str(file))
    call("build")
    assert str(file) in call("export", str(file)).output
    elsewhere = Toolchain(toolchain.pins, Store(tmp_path / "elsewhere"))
    monkeypatch.setattr(Toolchain, "here", lambda: elsewhere)
    assert "added anchor-" in call("import", str(file)).output
    assert "was there: anchor-" in call("import", str(file)).output
    assert "present" in call("list", "--verify").output


def test_an_export_says_what_is_not_in_it(call: Call, toolchain: Toolchain, tmp_path: Path) -> None:
    call("build")
    file = toolchain.pins.folder / "programs.toml"
    file.write_text(file.read_text() + file.read_text().replace('name = "anchor"', 'name = "mast"'))
    (toolchain.pins.folder / "anchor").joinpath("../mast").resolve().mkdir()
    for name in ("go.mod", "go.sum"):
        (toolchain.pins.folder / "mast" / name).write_text("")
    toolchain.pins.__init__(toolchain.pins.folder)  # type: ignore[misc]
    assert "not built, so not in it: mast" in call("export", str(tmp_path / "store.tar")).output
