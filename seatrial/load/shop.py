"""A shop as its customers reach it: one address or several, over TLS through the edge or in plain HTTP."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from seatrial.load.edge import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from seatrial.kube.document import JsonObject
    from seatrial.load.edge import Customer

_PATIENCE = timedelta(seconds=10)


async def pause(seconds: float) -> None:
    """Let *seconds* pass for one customer, as people do before they ask again; the others go on meanwhile."""
    await asyncio.sleep(seconds)


class NoAnswer(Exception):
    """A request brought no answer; the sentence says why. What the service did with it is unknown."""


@dataclass(frozen=True)
class Shop:
    """Where a service is reached: at any of *urls*, under the name *host* if that is not the name in the address.

    *ca* is the file of the certificate authority behind *urls*, None for a public one or where there is none.
    """

    urls: tuple[str, ...]
    host: str = ""
    ca: Path | None = None

    @classmethod
    def behind(cls, customer: Customer) -> Shop:
        """Return what *customer* reaches through the edge."""
        return cls((customer.url,), customer.host, customer.edge.ca)

    @classmethod
    def read(cls, said: Mapping[str, object]) -> Shop:
        """Read what `written` wrote."""
        urls, ca = said["urls"], said["ca"]
        assert isinstance(urls, list)  # noqa: S101 (for the type checker: `written` wrote it)
        return cls(tuple(map(str, urls)), str(said["host"]), Path(str(ca)) if ca else None)

    def written(self) -> JsonObject:
        """Return it as JSON."""
        return {"urls": list(self.urls), "host": self.host, "ca": str(self.ca) if self.ca else None}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Counter]:
        """Lend connections to it until the block ends; their number has no limit."""
        context: ssl.SSLContext | bool = ssl.create_default_context(cafile=self.ca) if self.ca else True
        connector = aiohttp.TCPConnector(limit=0, ssl=context)
        # No cookies: each request is another customer.
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:
            yield Counter(self, client)


@dataclass(frozen=True)
class Counter:
    """Open connections to a shop."""

    shop: Shop
    client: aiohttp.ClientSession

    async def ask(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        turn: int = 0,
        patience: timedelta = _PATIENCE,
    ) -> Answer:
        """Send one request to the address whose turn it is; return the answer, whatever its status.

        Raises NoAnswer when none has come after *patience*, or the connection failed.
        """
        shop = self.shop
        try:
            async with (
                asyncio.timeout(patience.total_seconds()),
                self.client.request(
                    method,
                    shop.urls[turn % len(shop.urls)] + path,
                    json=body,
                    headers={**({"Host": shop.host} if shop.host else {}), **(headers or {})},
                    server_hostname=shop.host or None,
                ) as answer,
            ):
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise NoAnswer(f"{type(problem).__name__}: {problem}".rstrip(": ")) from problem
        return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, text)
