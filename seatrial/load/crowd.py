"""A crowd: many customers who ask for the same thing at the same moment."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.load.edge import Customer

_PATIENCE = timedelta(seconds=30)


def ask_at_once(customer: Customer, path: str, *, customers: int) -> Mapping[int | str, int]:
    """Let *customers* ask for *path* at the same moment, each over a connection of its own that is open already.

    Return how often each HTTP status came back; where no answer came, the name of the error stands for it.
    """
    return asyncio.run(_ask(customer, path, customers))


async def _ask(customer: Customer, path: str, customers: int) -> Mapping[int | str, int]:
    context = ssl.create_default_context(cafile=customer.edge.ca) if customer.edge.ca else ssl.create_default_context()
    everybody_is_here = asyncio.Barrier(customers)
    timeout = aiohttp.ClientTimeout(total=_PATIENCE.total_seconds())
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=context), timeout=timeout, headers={"Host": customer.host}
    ) as session:

        async def one() -> int | str:
            try:
                # A first request, so that nobody is still opening a connection when the others ask.
                await _status(session, customer, "/api/session")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                await everybody_is_here.wait()
                return type(error).__name__
            await everybody_is_here.wait()
            try:
                return await _status(session, customer, path)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                return type(error).__name__

        return Counter(await asyncio.gather(*(one() for _ in range(customers))))


async def _status(session: aiohttp.ClientSession, customer: Customer, path: str) -> int:
    async with session.get(customer.url + path, server_hostname=customer.host) as answer:
        await answer.read()
        return answer.status
