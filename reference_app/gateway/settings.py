"""What the deployment tells the gateway; every variable begins with ``GATEWAY_``."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import AnyHttpUrl, BeforeValidator, Field, HttpUrl, RedisDsn, UrlConstraints
from pydantic_settings import NoDecode, SettingsConfigDict

from reference_app.telemetry.configuration import Seconds, ServiceSettings

_MEBIBYTE = 1024 * 1024


def _listed(value: object) -> object:
    return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value


PeerUrl = Annotated[AnyHttpUrl, UrlConstraints(allowed_schemes=["http"], host_required=True)]
"""Where a peer is. Plain HTTP: between the services, the network policies say who talks to whom."""
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)]
"""Networks in CIDR notation; in the environment with commas between them."""


class Settings(ServiceSettings):
    """Where the peers, the sessions and the files are, and how much patience and how much traffic each gets.

    A peer gets *peer_connect_timeout* for one attempt to connect, *peer_user_timeout* to acknowledge what was sent
    (TCP_USER_TIMEOUT), *peer_timeout* from the end of the request to the head of the answer, and *peer_silence* between
    two parts of the body. A client gets *client_timeout* between two parts of a body.

    *rate_limit* is in requests per second and client, *rate_burst* how many may come at once; each replica counts for
    itself. The address that ``X-Forwarded-For`` tells is believed where the request comes from *trusted_proxies*.
    """

    model_config = SettingsConfigDict(env_prefix="gateway_")

    catalog_url: PeerUrl
    orders_url: PeerUrl
    peer_connect_timeout: Seconds = timedelta(milliseconds=100)
    peer_user_timeout: Seconds = timedelta(seconds=1)
    peer_timeout: Seconds = timedelta(seconds=10)
    peer_silence: Seconds = timedelta(seconds=45)
    peer_connections: Annotated[int, Field(ge=1)] = 1024
    breaker_failures: Annotated[int, Field(ge=1)] = 5
    breaker_recovery: Seconds = timedelta(seconds=2)
    retry_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    retry_minimum: Annotated[float, Field(ge=0)] = 10
    client_timeout: Seconds = timedelta(seconds=20)
    body_limit: Annotated[int, Field(ge=0)] = _MEBIBYTE
    rate_limit: Annotated[float, Field(gt=0)] = 200
    rate_burst: Annotated[int, Field(ge=1)] = 400
    trusted_proxies: Networks = ()

    session_url: RedisDsn
    session_ttl: Annotated[Seconds, Field(ge=timedelta(seconds=1))] = timedelta(minutes=30)
    session_timeout: Seconds = timedelta(milliseconds=250)
    insecure_cookies: bool = False

    s3_endpoint: HttpUrl | None = None
    s3_public_endpoint: HttpUrl | None = None
    s3_bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    s3_region: str = "eu-central-1"
    s3_make_bucket: bool = False
    upload_limit: Annotated[int, Field(ge=1)] = 10 * _MEBIBYTE
    upload_slots: Annotated[int, Field(ge=1)] = 8
