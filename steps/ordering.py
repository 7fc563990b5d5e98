"""Steps about customers who order while something breaks, and about what became of their orders."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.load.bookkeeper import Bookkeeper
from seatrial.load.catalogue import Catalogue
from seatrial.load.ledger import Reckoning, Stock, Wrong, reckon
from seatrial.load.ordering import Ordering, OrderPlan
from seatrial.load.shop import Shop
from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from seatrial.kube import Namespace, Workload
    from seatrial.load import Customer

_PRODUCTS = 5
_PIECES = 100_000
_CENTS = 1234
_BEFORE_THE_FAULT = 50
_SETTLES = timedelta(minutes=3)
_REPLACED = timedelta(minutes=2)


@dataclass(frozen=True)
class Trade:
    """Customers who order, who keeps the books, and what was in stock before."""

    ordering: Ordering
    bookkeeper: Bookkeeper
    stockkeeper: Bookkeeper
    stock: Mapping[str, int]

    def reckoning(self) -> Reckoning:
        """Hold what the customers were told against what is there now."""
        books = self.bookkeeper.books(prices={product: {_CENTS} for product in self.stock})
        stock = Stock(self.stock, self.stockkeeper.stock(self.stock))
        return reckon(self.ordering.stop(), replace(books, stock=stock))

    def settled(self) -> bool:
        """Whether every order was decided upon and every step of it has come through."""
        return not self.reckoning().kinds & {Wrong.UNSETTLED, Wrong.STOCK}


@given(
    parse("customers place {rate:d} orders per second, and ask again until they are answered"), target_fixture="trade"
)
def customers_order(customer: Customer, rate: int, tmp_path: Path, recovery: ExitStack) -> Trade:
    products = [Catalogue(customer).create(price_cents=_CENTS, stock=_PIECES) for _ in range(_PRODUCTS)]
    for product in products:
        recovery.callback(product.remove)
    run = f"trial-{secrets.token_hex(5)}"
    shop = Shop.behind(customer)
    # Reservations are not shown at the edge, stock is.
    stockkeeper = Bookkeeper(shop, run, replace(shop, urls=tuple(f"{url}/catalog" for url in shop.urls)))
    stock = stockkeeper.stock([product.id for product in products])
    plan = OrderPlan(
        shop,
        run,
        tuple(product.id for product in products),
        rate,
        tmp_path / "daybook.jsonl",
        tmp_path / "requests.jsonl",
    )
    ordering = recovery.enter_context(Ordering.start(plan))
    ordering.run_on(_BEFORE_THE_FAULT, within=_SETTLES)
    return Trade(ordering, Bookkeeper(shop, run), stockkeeper, stock)


@when(parse("one replica each of the {services} services is killed"))
def one_of_each_is_killed(shop: Namespace, recovery: ExitStack, services: str) -> None:
    for service in services.replace(" and ", ", ").split(", "):
        workload = shop.deployment(service)
        lost = workload.kill_one()
        recovery.callback(workload.wait_replaced, lost, within=_REPLACED)


@when("the message store is killed")
def the_message_store_is_killed(shop: Namespace) -> None:
    _killed(shop.stateful_set("redis-durable"))


@when("the database is killed")
def the_database_is_killed(shop: Namespace) -> None:
    _killed(shop.stateful_set("postgresql"))


@then(parse("{orders:d} orders and more are acknowledged"))
def orders_are_acknowledged(trade: Trade, orders: int) -> None:
    missing = orders - trade.ordering.settled
    if missing > 0:
        trade.ordering.run_on(missing, within=_SETTLES)
    trade.ordering.stop()


@then("each of them is there, once, and nothing else is")
def each_of_them_is_there(trade: Trade) -> None:
    # What is still wrong then is found by the reckoning, and named.
    with suppress(NotObserved):
        eventually(trade.settled, until=bool, within=_SETTLES, what="every step has come through")
    trade.reckoning().required(_BEFORE_THE_FAULT)


def _killed(workload: Workload) -> None:
    lost = workload.kill_one()
    workload.wait_replaced(lost, within=_REPLACED)
