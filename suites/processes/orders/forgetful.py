"""Customers with a bug: who gets no answer asks again under a new key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from seatrial.load.ordering import OrderPlan
from seatrial.load.shoppers import Shopping, run
from seatrial.load.starting import first_line

if TYPE_CHECKING:
    from seatrial.load.shoppers import Customer


class Forgetful(Shopping):
    """Remembers what to order, and not under which key."""

    def key(self, customer: Customer, turn: int) -> str:
        return f"{customer.key}-{turn}"


if __name__ == "__main__":
    asyncio.run(run(OrderPlan.parse(first_line()), Forgetful))
