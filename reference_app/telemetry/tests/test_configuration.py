"""Settings: where they come from, and what a person is told when they are wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from reference_app.telemetry.configuration import ServiceSettings, load_settings
from reference_app.telemetry.serving import listening_socket

if TYPE_CHECKING:
    from pathlib import Path


class _Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="some_")

    token: SecretStr


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SECRETS_DIRECTORY", str(tmp_path))
    return tmp_path


def _refusal(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as stopped:
        load_settings(_Settings)
    assert stopped.value.code == 2
    return capsys.readouterr().err.splitlines()


def test_a_missing_one_is_named_with_both_places(capsys: pytest.CaptureFixture[str], secrets: Path) -> None:
    assert _refusal(capsys) == [
        f"SOME_TOKEN is not set: set the variable, or mount the value as the file {secrets / 'some_token'}."
    ]


def test_a_mounted_file_is_read_without_its_line_break(secrets: Path) -> None:
    (secrets / "some_token").write_text("abc\n")

    assert load_settings(_Settings).token.get_secret_value() == "abc"


def test_the_environment_goes_before_the_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "some_token").write_text("from the file")
    monkeypatch.setenv("SOME_TOKEN", "from the environment")

    assert load_settings(_Settings).token.get_secret_value() == "from the environment"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOME_HTTP_PORT", "s3cret"),
        ("SOME_HTTP_PORT", "0"),
        ("SOME_HTTP_PORT", "65536"),
        ("SOME_DRAIN", "-1"),
        ("SOME_DRAIN", "s3cret"),
        ("SOME_ROOT_PATH", "s3cret"),
        ("SOME_LOG_LEVEL", "s3cret"),
        ("SOME_FAULTS_ENABLED", "s3cret"),
    ],
)
def test_a_wrong_one_is_named_without_its_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "x")
    monkeypatch.setenv(name, value)

    sentences = _refusal(capsys)

    assert len(sentences) == 1
    assert sentences[0].startswith(f"{name} cannot be used: ")
    assert "s3cret" not in sentences[0]


@pytest.mark.parametrize(("text", "seconds"), [("2.5", 2.5), ("0", 0), ("PT2.5S", 2.5), ("PT1M", 60)])
def test_durations_are_seconds_or_iso_8601(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv("SOME_TOKEN", "x")
    monkeypatch.setenv("SOME_DRAIN", text)

    assert load_settings(_Settings).drain == timedelta(seconds=seconds)


def test_faults_are_off_unless_the_deployment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "x")

    assert load_settings(_Settings).faults_enabled is False


def test_a_taken_port_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with listening_socket("127.0.0.1", 0) as holder:
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(SystemExit) as stopped:
            listening_socket("127.0.0.1", port)

    assert stopped.value.code == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in caplog.text
