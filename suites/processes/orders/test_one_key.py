from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from seatrial.load.daybook import Act, Told
from seatrial.load.shop import NoAnswer, pause

if TYPE_CHECKING:
    from seatrial.kube.document import JsonObject
    from seatrial.load.orders import Order
    from seatrial.load.shop import Counter
    from suites.processes.orders.conftest import OpenStage
    from suites.soak.orders.stage import Stage

_CROWD = 1000
_TRIES = 30
_LONGEST_PAUSE = 8.0


def test_a_thousand_requests_at_once_under_one_key_make_one_order(open_stage: OpenStage) -> None:
    stage = open_stage(serving=2)
    product = stage.offer([_CROWD])[0]

    told = asyncio.run(_ask_at_once(stage, product))
    shown = stage.bookkeeper("crowd").books().orders

    assert len(told) == _CROWD
    assert {one.status for one in told} == {201}
    assert len({one.order for one in told}) == 1
    assert sum(not one.replayed for one in told) <= 1
    assert [order.id for order in shown] == [_order(told[0]).id]


def _order(told: Told) -> Order:
    assert told.order is not None
    return told.order


async def _ask_at_once(stage: Stage, product: str) -> list[Told]:
    body = {"customer": "crowd.1", "items": [{"product_id": product, "quantity": 1}]}
    async with stage.shop.opened() as counter:
        return await asyncio.gather(*(_ask(counter, body, turn) for turn in range(_CROWD)))


async def _ask(counter: Counter, body: JsonObject, turn: int) -> Told:
    """Ask until there is an answer that decides."""
    told = Told(Act.PLACE, "one key", None)
    # Apart from each other and ever more slowly, or nobody would be served for all the asking.
    wait = 0.1 + turn / _CROWD
    for number in range(_TRIES):
        try:
            answer = await counter.ask("POST", "/orders", body, {"Idempotency-Key": "one key"}, turn=turn + number)
        except NoAnswer as error:
            told = Told(Act.PLACE, "one key", None, error=str(error))
        else:
            told = Told.of(Act.PLACE, "one key", answer)
        if told.final:
            return told
        await pause(wait)
        wait = min(2 * wait, _LONGEST_PAUSE)
    return told
