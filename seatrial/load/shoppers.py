"""The process that plays customers who order: ``python -m seatrial.load.shoppers``, told what to do on standard input.

The first line is the plan as JSON. New customers come at the plan's rate, whether or not earlier ones were answered. A
second line lets nobody new come and ends the process once all who came have their answer; the end of input without one
means that whoever asked is gone, and ends the process at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from seatrial.load.daybook import Act, Move, Told, Writer, is_final, kind_of, said
from seatrial.load.ordering import OrderPlan
from seatrial.load.orders import PENDING, Item
from seatrial.load.record import Request
from seatrial.load.shop import NoAnswer, pause
from seatrial.load.starting import first_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from seatrial.load.edge import Answer
    from seatrial.load.shop import Counter

_GONE = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_MOST_PRODUCTS = 3
_MOST_OF_ONE = 3
_LONGEST_THOUGHT = 2.0
_REFUSED = "transition-refused"


@dataclass(frozen=True)
class Customer:
    """One customer: name, key, wish, and what else they are going to do."""

    number: int
    name: str
    key: str
    items: tuple[Item, ...]
    moves: tuple[Move, ...]
    thought: float
    repeats: bool
    reuses: bool


class Crowd:
    """Draws the customers of a plan, the same again from the same seed."""

    def __init__(self, plan: OrderPlan) -> None:
        self._plan = plan
        self._chance = random.Random(plan.seed)  # noqa: S311 (nothing here is secret, and a seed must give the same)

    def draw(self, number: int) -> Customer:
        """Return the next one."""
        plan, chance = self._plan, self._chance
        products = chance.sample(plan.products, chance.randint(1, min(_MOST_PRODUCTS, len(plan.products))))
        items = tuple(sorted(Item(product, chance.randint(1, _MOST_OF_ONE)) for product in products))
        mood = chance.random()
        moves: tuple[Move, ...] = ()
        if mood < plan.habits.cancel:
            moves = (Move.CANCEL,)
        elif mood < plan.habits.cancel + plan.habits.deliver:
            moves = (Move.SHIP, Move.DELIVER)
        return Customer(
            number=number,
            name=f"{plan.run}.{number}",
            key=f"{plan.run}-{uuid.UUID(int=chance.getrandbits(128), version=4)}",
            items=items,
            moves=moves,
            thought=chance.uniform(0, _LONGEST_THOUGHT),
            repeats=chance.random() < plan.habits.repeat,
            reuses=chance.random() < plan.habits.reuse,
        )


@dataclass
class Shopping:
    """Lets the customers of one plan come, and writes down what happens to each."""

    plan: OrderPlan
    counter: Counter
    writer: Writer
    record: TextIO
    running: set[asyncio.Task[None]] = field(default_factory=set)
    closed: bool = False
    left: int = 0

    async def go_on_until(self, stop: asyncio.Event) -> int:
        """Let customers come until *stop* is set, wait for those who are there, return how many the rate called for.

        Those whom `in_flight` kept waiting until then leave, and are not counted.
        """
        free = asyncio.Semaphore(self.plan.in_flight)
        crowd = Crowd(self.plan)
        begin = time.monotonic()
        number = 0
        while not stop.is_set() and number != self.plan.limit:
            intended = begin + number / self.plan.rate
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=max(0.0, intended - time.monotonic()))
            if stop.is_set():
                break
            task = asyncio.create_task(self._serve(crowd.draw(number), intended, free))
            self.running.add(task)
            task.add_done_callback(self._done)
            number += 1
        planned = number if number == self.plan.limit else int((time.monotonic() - begin) * self.plan.rate)
        await stop.wait()
        self.closed = True
        if self.running:
            await asyncio.wait(self.running)
        return planned - self.left

    def _done(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        # A defect here must not pass for a customer who was never answered.
        if not task.cancelled() and (error := task.exception()) is not None:
            sys.stderr.write(f"{error!r}\n")
            sys.stderr.flush()
            os._exit(1)

    async def _serve(self, customer: Customer, intended: float, free: asyncio.Semaphore) -> None:
        held = free.locked()
        async with free:
            if self.closed and held:
                self.left += 1
                return
            started = time.monotonic()
            self.writer.intent(customer.name, customer.items)
            told = await self.place(customer)
            self._settle(Request(intended, started, time.monotonic(), told.status, told.error or None, held))
            if told.order is None:
                return
            if customer.repeats:
                # By then the order is another than it was when it was placed; the answer is the same.
                await pause(customer.thought)
                await self.ask(customer, Act.REPEAT, told.key, customer.items, turn=customer.number + 1)
            if customer.reuses:
                other = tuple(Item(item.product, item.quantity + 1) for item in customer.items)
                await self.ask(customer, Act.REUSE, told.key, other, turn=customer.number)
            if customer.moves:
                await pause(customer.thought)
            for move in customer.moves:
                if not await self._move(customer, told.order.id, move):
                    break

    def _settle(self, request: Request) -> None:
        self.record.write(json.dumps(asdict(request)) + "\n")

    async def place(self, customer: Customer) -> Told:
        """Place the order: ask under the same key until there is an answer that decides, or the deadline has passed."""
        end = time.monotonic() + self.plan.deadline.total_seconds()
        turn = customer.number
        for wait in _pauses():
            told = await self.ask(customer, Act.PLACE, self.key(customer, turn), customer.items, turn=turn)
            if told.final or time.monotonic() + wait > end:
                return told
            await pause(wait)
            turn += 1
        raise AssertionError("pauses do not end")

    def key(self, customer: Customer, turn: int) -> str:  # noqa: ARG002 (customers with a bug need it)
        """Return the key to ask under: the customer's own, whichever *turn* it is."""
        return customer.key

    async def ask(self, customer: Customer, act: Act, key: str, items: tuple[Item, ...], *, turn: int) -> Told:
        """Send one request for an order of *items* and write down what came of it."""
        body = {"customer": customer.name, "items": [item.body() for item in items]}
        url = self.plan.shop.urls[turn % len(self.plan.shop.urls)]
        self.writer.attempt(customer.name, act, key, url, time.time())
        answer: Answer | None = None
        try:
            answer = await self.counter.ask(
                "POST", "/orders", body, {"Idempotency-Key": key}, turn=turn, patience=self.plan.patience
            )
            told = Told.of(act, key, answer)
        except NoAnswer as error:
            told = Told(act, key, None, error=str(error))
        self.writer.told(customer.name, told, answer, time.time())
        return told

    async def _move(self, customer: Customer, order: str, move: Move) -> bool:
        """Ask for a move of *order* until it is answered; return whether it was made."""
        end = time.monotonic() + self.plan.deadline.total_seconds()
        turn = customer.number
        for wait in _pauses():
            self.writer.move(order, move, time.time())
            status, waits = await self._ask_move(order, move, turn)
            self.writer.moved(order, move, status, time.time())
            if not waits or time.monotonic() + wait > end:
                return status is not None and not waits
            await pause(wait)
            turn += 1
        raise AssertionError("pauses do not end")

    async def _ask_move(self, order: str, move: Move, turn: int) -> tuple[int | None, bool]:
        """Return the status of one answer, and whether it is worth asking again: the order may be pending still."""
        try:
            answer = await self.counter.ask("POST", f"/orders/{order}/{move}", turn=turn, patience=self.plan.patience)
            kind = kind_of(said(answer))
            if kind == _REFUSED and move is not Move.CANCEL:
                shown = await self.counter.ask("GET", f"/orders/{order}", turn=turn, patience=self.plan.patience)
                return answer.status, said(shown).text("status") in (PENDING, "")
            return answer.status, not is_final(answer.status, kind)
        except NoAnswer:
            return None, True


def _pauses() -> Iterable[float]:
    wait = _FIRST_PAUSE
    while True:
        yield wait
        wait = min(2 * wait, _LONGEST_PAUSE)


async def _follow(stop: asyncio.Event) -> None:
    """Set *stop* at the next line of input; end the process when the input ends instead."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    if not await reader.readline():
        os._exit(_GONE)
    stop.set()


async def run(plan: OrderPlan, kind: type[Shopping] = Shopping) -> None:
    """Carry out *plan* with customers of the *kind* given."""
    stop = asyncio.Event()
    follower = asyncio.create_task(_follow(stop))
    with (
        plan.file.open("w", encoding="utf-8", buffering=1) as file,
        plan.record.open("w", encoding="utf-8", buffering=1) as record,
    ):
        async with plan.shop.opened() as counter:
            sys.stdout.write("ordering\n")
            sys.stdout.flush()
            planned = await kind(plan, counter, Writer(file), record).go_on_until(stop)
        Writer(file).close(planned)
        record.write(json.dumps({"planned": planned, "rate": plan.rate}) + "\n")
    follower.cancel()


if __name__ == "__main__":
    asyncio.run(run(OrderPlan.parse(first_line())))
