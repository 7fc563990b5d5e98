"""What a deployment tells a service about its database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SecretStr
from sqlalchemy import URL

from reference_app.telemetry.configuration import Port, Seconds, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


class DatabaseSettings(ServiceSettings):
    """Where the database of a service is, and how long an answer of it is waited for."""

    database_host: str
    database_port: Port = 5432
    database_name: str
    database_username: str
    database_password: SecretStr
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 10
    database_timeout: Seconds = timedelta(seconds=3)

    @property
    def database(self) -> URL:
        """The address of the database, with the credentials (never printed by its ``repr``)."""
        seconds = max(1, int(self.database_timeout.total_seconds()))
        query: Mapping[str, str] = {
            "connect_timeout": str(seconds),
            "options": f"-c statement_timeout={int(self.database_timeout.total_seconds() * 1000)}",
            "application_name": self.model_config.get("env_prefix", "").rstrip("_"),
        }
        return URL.create(
            "postgresql+psycopg",
            username=self.database_username,
            password=self.database_password.get_secret_value(),
            host=self.database_host,
            port=self.database_port,
            database=self.database_name,
            query=query,
        )
