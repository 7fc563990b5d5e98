"""What the deployment tells the order service; every variable begins with ``ORDERS_``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, RedisDsn
from pydantic_settings import SettingsConfigDict

from reference_app.persistence.settings import DatabaseSettings
from reference_app.telemetry.configuration import Seconds

_LONGEST_PRICE_TTL = timedelta(seconds=2)


def _short(value: timedelta) -> timedelta:
    if value > _LONGEST_PRICE_TTL:
        msg = f"must be at most {_LONGEST_PRICE_TTL.total_seconds():g} s, or customers pay prices of the past"
        raise ValueError(msg)
    return value


class Settings(DatabaseSettings):
    """Where the database, the messages and the catalogue are, and how long each thing is kept or waited for.

    *idempotency_ttl*: how long a repeated request gets the first answer. *price_ttl*: how old a price may be.
    *relay_pause*: how long the relay rests when there was nothing to publish. *republish_after*: how long an event may
    stay published and not handled before it is published again; it doubles with each time. *claim_after*: how long a
    message may lie with a worker before another takes it over. *stream_length*: about how many messages the stream
    keeps for those who read it later. *keep_events*: how long events that were handled stay in the database.
    """

    model_config = SettingsConfigDict(env_prefix="orders_")

    messages_url: RedisDsn
    messages_timeout: Seconds = timedelta(seconds=2)
    catalog_url: HttpUrl
    catalog_timeout: Seconds = timedelta(seconds=2)
    price_ttl: Annotated[Seconds, AfterValidator(_short)] = timedelta(seconds=1)
    idempotency_ttl: Seconds = timedelta(hours=24)
    relay_pause: Seconds = timedelta(seconds=0.1)
    republish_after: Seconds = timedelta(seconds=30)
    claim_after: Seconds = timedelta(seconds=5)
    stream_length: Annotated[int, Field(ge=1000)] = 50_000
    keep_events: Seconds = timedelta(hours=24)
