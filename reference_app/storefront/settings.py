"""What the deployment tells the storefront; every variable begins with ``STOREFRONT_``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, HttpUrl
from pydantic_settings import SettingsConfigDict

from reference_app.telemetry.configuration import Seconds, ServiceSettings


class Settings(ServiceSettings):
    """Where the gateway is, and how long a page waits for it.

    A connection that is not made within *connect_timeout* is tried anew, which with a service of several replicas leads
    to another one. An answer to a question that changes nothing is given up when it has not begun within
    *gateway_timeout*; the page then says what it cannot show. What changes something gets *change_timeout*, which is
    longer than the gateway waits for those behind it: it is the gateway that gives up first, and says so.

    The gateway's health is looked at every *pulse*. *upload_limit* is the largest file, in bytes, that is passed on to
    the gateway.
    """

    model_config = SettingsConfigDict(env_prefix="storefront_")

    gateway_url: HttpUrl
    gateway_timeout: Seconds = timedelta(seconds=3)
    change_timeout: Seconds = timedelta(seconds=12)
    connect_timeout: Seconds = timedelta(milliseconds=150)
    pulse: Annotated[Seconds, Field(gt=timedelta(0))] = timedelta(seconds=2)
    upload_limit: Annotated[int, Field(ge=1)] = 10 * 1024 * 1024
