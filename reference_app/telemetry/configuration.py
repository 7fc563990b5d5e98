"""Settings from the environment and from mounted secret files, and a clear end when one is missing."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/etc/secrets")
_USAGE = 2
_OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
Port = Annotated[int, Field(ge=1, le=65535)]


def _seconds(value: object) -> object:
    # pydantic takes numbers as seconds, and text from the environment as ISO 8601 alone.
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        msg = "must not be negative"
        raise ValueError(msg)
    return value


Seconds = Annotated[timedelta, BeforeValidator(_seconds), AfterValidator(_not_negative)]
"""A duration; in the environment a number of seconds (``2.5``) or ISO 8601 (``PT2.5S``)."""


class ServiceSettings(BaseSettings):
    """What every service can be told; a service adds its own and sets the prefix of the variables.

    A value comes from the environment variable ``<PREFIX><FIELD>`` or else from the file of that name, in lower case,
    in the folder of secrets (``/etc/secrets``, or where ``SECRETS_DIRECTORY`` points).

    A caller gets *patience* for the head of a request, and for its body that and a second for each kibibyte. Spans go
    to the collector that ``OTEL_EXPORTER_OTLP_ENDPOINT`` names, by the name that OpenTelemetry gave it.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, validate_by_name=True)

    host: str = "0.0.0.0"  # noqa: S104 - a pod must be reachable on its address; the network policies say by whom
    http_port: Port = 8000
    admin_port: Port = 9000
    root_path: Annotated[str, Field(pattern=r"^(/[a-z0-9-]+)*$")] = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    drain: Seconds = timedelta(seconds=5)
    grace: Seconds = timedelta(seconds=15)
    patience: Seconds = timedelta(seconds=10)
    faults_enabled: bool = False
    otlp_endpoint: Annotated[HttpUrl | None, Field(validation_alias=_OTLP_ENDPOINT)] = None


AnySettings = TypeVar("AnySettings", bound=ServiceSettings)


def load_settings(kind: type[AnySettings]) -> AnySettings:
    """Return the settings of the process.

    Raises SystemExit with code 2, after one sentence per setting that is missing or wrong on standard error. The
    sentence names the setting and never its value.
    """
    directory = Path(os.environ.get("SECRETS_DIRECTORY", SECRETS))
    try:
        # The parameter is pydantic-settings' own; its plugin for mypy is not in use.
        return kind(_secrets_dir=directory if directory.is_dir() else None)  # type: ignore[call-arg]
    except ValidationError as error:
        _stop(kind, directory, error)


def _stop(kind: type[ServiceSettings], directory: Path, error: ValidationError) -> NoReturn:
    prefix = kind.model_config.get("env_prefix", "")
    for one in error.errors():
        field = str(one["loc"][0]) if one["loc"] else ""
        name = field if field == _OTLP_ENDPOINT else f"{prefix}{field}"
        if one["type"] == "missing":
            file = directory / name.lower()
            sentence = f"{name.upper()} is not set: set the variable, or mount the value as the file {file}."
        else:
            sentence = f"{name.upper()} cannot be used: {one['msg']}."
        sys.stderr.write(f"{sentence}\n")
    raise SystemExit(_USAGE)
