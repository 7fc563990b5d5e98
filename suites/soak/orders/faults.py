"""What is done to the order service while customers order: drawn at random, the same again from the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from suites.soak.orders.clock import pass_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from suites.soak.orders.stage import Program, Stage


class Fault(StrEnum):
    """One kind of trouble."""

    KILL_SERVING = "orders killed"
    KILL_RELAY = "relay killed"
    KILL_WORKER = "worker killed"
    KILL_CATALOGUE = "catalogue killed"
    KILL_MESSAGES = "Redis killed"
    KILL_DATABASE = "PostgreSQL killed"
    PARTITION = "orders cut off from Redis"
    SLOW_DATABASE = "PostgreSQL slow"
    RESTART = "orders restarted one after the other"
    EVERYTHING = "everything killed at once"


@dataclass(frozen=True)
class Blow:
    """One fault: *calm* seconds after the last one was over, lasting *length* seconds, to the part drawn by *which*."""

    fault: Fault
    calm: float
    length: float
    which: int

    def __str__(self) -> str:
        return f"{self.fault} for {self.length:.1f} s"


def draw(seed: int) -> Iterator[Blow]:
    """Draw faults without end, every kind equally often."""
    chance = random.Random(seed)  # noqa: S311 (nothing here is secret, and a seed must give the same again)
    while True:
        kinds = list(Fault)
        chance.shuffle(kinds)
        for kind in kinds:
            yield Blow(kind, chance.uniform(0.5, 4), chance.uniform(0, 3), chance.randrange(1000))


def strike(stage: Stage, blow: Blow) -> None:
    """Do it, and undo it; return once everything has been started again, which need not mean that it is ready."""
    _STRIKES[blow.fault](stage, blow)


def _kill(parts: Callable[[Stage], list[Program]]) -> Callable[[Stage, Blow], None]:
    def kill(stage: Stage, blow: Blow) -> None:
        candidates = parts(stage)
        victim = candidates[blow.which % len(candidates)]
        victim.kill()
        pass_time(blow.length)
        victim.start()

    return kill


def _kill_messages(stage: Stage, blow: Blow) -> None:
    stage.messages.kill()
    pass_time(blow.length)
    stage.messages.start()


def _kill_database(stage: Stage, blow: Blow) -> None:
    stage.postgresql.kill()
    pass_time(blow.length)
    stage.postgresql.start()


def _partition(stage: Stage, blow: Blow) -> None:
    # What is stopped answers nobody, and its connections stay: a network that swallows looks the same.
    with stage.messages.frozen():
        pass_time(blow.length * 2)


def _slow_database(stage: Stage, blow: Blow) -> None:
    for _ in range(1 + int(blow.length * 3)):
        with stage.postgresql.frozen():
            pass_time(0.4)
        pass_time(0.1)


def _restart(stage: Stage, _blow: Blow) -> None:
    for program in (*stage.serving, *stage.relays, *stage.workers):
        code = program.end()
        assert code == 0, f"{' '.join(program.words)} ended with code {code}; its log is {program.log}"
        program.start()
        program.wait_ready()


def _everything(stage: Stage, blow: Blow) -> None:
    programs = (*stage.serving, *stage.relays, *stage.workers)
    for program in programs:
        program.kill()
    stage.messages.kill()
    stage.postgresql.kill()
    pass_time(blow.length)
    stage.postgresql.start()
    stage.messages.start()
    for program in programs:
        program.start()


_STRIKES: Mapping[Fault, Callable[[Stage, Blow], None]] = {
    Fault.KILL_SERVING: _kill(lambda stage: stage.serving),
    Fault.KILL_RELAY: _kill(lambda stage: stage.relays),
    Fault.KILL_WORKER: _kill(lambda stage: stage.workers),
    Fault.KILL_CATALOGUE: _kill(lambda stage: [stage.catalogue]),
    Fault.KILL_MESSAGES: _kill_messages,
    Fault.KILL_DATABASE: _kill_database,
    Fault.PARTITION: _partition,
    Fault.SLOW_DATABASE: _slow_database,
    Fault.RESTART: _restart,
    Fault.EVERYTHING: _everything,
}
