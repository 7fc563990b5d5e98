"""The order service as a customer uses it."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from seatrial.verdict import Inconclusive, Missing
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from seatrial.kube.document import Document
    from seatrial.load.edge import Answer, Customer

ORDERS = "/orders"
_LAST = frozenset({"delivered", "cancelled"})


@dataclass(frozen=True)
class Order:
    """One order that was accepted, and what was sent to place it."""

    customer: Customer
    path: str
    key: str
    body: Mapping[str, object]

    def shown(self) -> Document:
        """Return what the service shows of it now. Raises AssertionError when the answer is not 200."""
        return _expect(self.customer.get(self.path), HTTPStatus.OK).document

    @property
    def status(self) -> str:
        """Its status now."""
        return self.shown().text("status")

    def wait_status(self, status: str, *, within: timedelta) -> Document:
        """Return what is shown once it has *status*. Raises NotObserved."""
        return eventually(
            self.shown,
            until=lambda shown: shown.text("status") == status,
            within=within,
            what=f"order {self.path.rpartition('/')[2]} is {status}",
        )

    def move(self, transition: str) -> Answer:
        """Ask for a *transition* (cancel, ship, deliver); return the answer whatever its status."""
        return self.customer.request("POST", f"{self.path}/{transition}")

    def history(self) -> tuple[str, ...]:
        """Return the statuses that it has had, in their order."""
        items = _expect(self.customer.get(f"{self.path}/history"), HTTPStatus.OK).document.documents("items")
        return tuple(item.text("status") for item in items)

    def told(self, *, until: str, within: timedelta) -> tuple[str, ...]:
        """Listen to what is told of it until its status is *until*; return all the statuses that were told.

        Raises NotObserved when the status is not told *within* that time.
        """
        statuses = []
        for event in self.customer.events(f"{self.path}/events", within=within):
            statuses.append(event.text("status"))
            if statuses[-1] == until or statuses[-1] in _LAST:
                break
        return tuple(statuses)


@dataclass(frozen=True)
class Orders:
    """The orders of one person whom nobody else shares a name with."""

    customer: Customer
    person: str = field(default_factory=lambda: f"trial-{secrets.token_hex(6)}")

    def request(self, items: Mapping[str, int], *, key: str | None = None) -> Answer:
        """Ask for *items*, pieces by product id; return the answer whatever its status."""
        return self._send(key or secrets.token_hex(16), self._body(items))

    def place(self, items: Mapping[str, int]) -> Order:
        """Order *items*, pieces by product id. Raises AssertionError when that is not accepted."""
        key, body = secrets.token_hex(16), self._body(items)
        answer = _expect(self._send(key, body), HTTPStatus.CREATED)
        return Order(self.customer, answer.headers["location"], key, body)

    def send_again(self, order: Order) -> Answer:
        """Send what placed *order* once more, as someone does who did not hear the answer."""
        return self._send(order.key, order.body)

    def request_at_once(self, items: Mapping[str, int], *, times: int) -> tuple[Answer, ...]:
        """Ask for *items* under one key *times* times at the same moment; return the answers."""
        key, body = secrets.token_hex(16), self._body(items)
        with ThreadPoolExecutor(times) as crowd:
            return tuple(crowd.map(lambda _: self._send(key, body), range(times)))

    def count(self) -> int:
        """Return how many orders this person has (at most a page of 100)."""
        page = _expect(self.customer.get(f"{ORDERS}?customer={self.person}&limit=100"), HTTPStatus.OK)
        return len(page.document.documents("items"))

    def _body(self, items: Mapping[str, int]) -> Mapping[str, object]:
        listed = [{"product_id": product, "quantity": pieces} for product, pieces in items.items()]
        return {"customer": self.person, "items": listed}

    def _send(self, key: str, body: Mapping[str, object]) -> Answer:
        return self.customer.request("POST", ORDERS, body, {"Idempotency-Key": key})


def _expect(answer: Answer, status: HTTPStatus) -> Answer:
    if answer.status != status:
        raise AssertionError(f"answered with status {answer.status}: {answer.body[:300]}")
    return answer


@dataclass(frozen=True)
class Book:
    """All orders that the service keeps and, once `counted`, how many they are and what they cost together."""

    customer: Customer
    orders: int = 0
    cents: int = 0

    def counted(self) -> Book:
        """Count them, page by page. Raises Inconclusive when there are none."""
        orders, cents, cursor = 0, 0, ""
        while True:
            page = _expect(self.customer.get(f"{ORDERS}?limit=100{cursor}"), HTTPStatus.OK).document
            shown = page.documents("items")
            orders += len(shown)
            cents += sum(order.number("total_cents") for order in shown)
            if not page.text("next_cursor"):
                break
            cursor = f"&cursor={quote(page.text('next_cursor'))}"
        if not orders:
            raise Inconclusive("there are no orders", Missing.SAMPLE)
        return Book(self.customer, orders, cents)
