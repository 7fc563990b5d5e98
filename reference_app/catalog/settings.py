"""What the deployment tells the catalogue; every variable begins with ``CATALOG_``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, RedisDsn
from pydantic_settings import SettingsConfigDict

from reference_app.persistence.settings import DatabaseSettings
from reference_app.telemetry.configuration import Seconds


class Settings(DatabaseSettings):
    """Where the database and the cache are, and how long answers may be reused.

    A cached answer lives for *cache_ttl*, shortened or lengthened at random by up to the share *cache_jitter*, so that
    entries written together do not expire together. Without *cache_url* the service reads from the database alone.
    """

    model_config = SettingsConfigDict(env_prefix="catalog_")

    cache_url: RedisDsn | None = None
    cache_ttl: Seconds = timedelta(seconds=60)
    cache_jitter: Annotated[float, Field(ge=0, lt=1)] = 0.1
    cache_timeout: Seconds = timedelta(milliseconds=250)
