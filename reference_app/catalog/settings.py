"""What the deployment tells the catalogue; every variable begins with ``CATALOG_``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, RedisDsn, SecretStr
from pydantic_settings import SettingsConfigDict
from sqlalchemy import URL

from reference_app.telemetry.configuration import Port, Seconds, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


class Settings(ServiceSettings):
    """Where the database and the cache are, and how long answers may be reused.

    A cached answer lives for *cache_ttl*, shortened or lengthened at random by up to the share *cache_jitter*, so that
    entries written together do not expire together. Without *cache_url* the service reads from the database alone.
    """

    model_config = SettingsConfigDict(env_prefix="catalog_")

    database_host: str
    database_port: Port = 5432
    database_name: str
    database_username: str
    database_password: SecretStr
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 10
    database_timeout: Seconds = timedelta(seconds=3)

    cache_url: RedisDsn | None = None
    cache_ttl: Seconds = timedelta(seconds=60)
    cache_jitter: Annotated[float, Field(ge=0, lt=1)] = 0.1
    cache_timeout: Seconds = timedelta(milliseconds=250)

    @property
    def database(self) -> URL:
        """The address of the database, with the credentials (never printed by its ``repr``)."""
        seconds = max(1, int(self.database_timeout.total_seconds()))
        query: Mapping[str, str] = {
            "connect_timeout": str(seconds),
            "options": f"-c statement_timeout={int(self.database_timeout.total_seconds() * 1000)}",
            "application_name": "catalog",
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
