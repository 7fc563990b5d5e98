"""Connections of one service to another, for those that call with aiohttp: soon rid of a machine that is gone."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from datetime import timedelta


def connector(*, limit: int, unacknowledged: timedelta) -> aiohttp.TCPConnector:
    """Return what makes the connections of a client: at most *limit* at a time, or any number for 0.

    A name is looked up once, because a service keeps its address, and a name service that lost a replica may take
    seconds to answer; `forget_address` has it looked up again. A machine that is gone acknowledges nothing: its
    connections are given up after *unacknowledged*, those that rest too.
    """
    return aiohttp.TCPConnector(
        limit=limit, ttl_dns_cache=None, socket_factory=lambda address: opened(address, unacknowledged)
    )


def opened(address: aiohttp.AddrInfoType, unacknowledged: timedelta) -> socket.socket:
    """Return a socket to connect to *address* with, which gives up what was not acknowledged after that time."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.settimeout(0)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    milliseconds = max(1, int(unacknowledged.total_seconds() * 1000))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    # One that rests is looked after too.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    return made


def forget_address(session: aiohttp.ClientSession | None) -> None:
    """Let *session* look up all names again, as after an address took no connection."""
    if session is not None and isinstance(session.connector, aiohttp.TCPConnector):
        session.connector.clear_dns_cache()
