from __future__ import annotations

import os
import threading
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from seatrial.cloud.beside import built_beside
from seatrial.witness import told_aside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from seatrial.cloud.platform import Platform

PATIENCE = 60


@dataclass
class Site:
    """Stands for a platform: how it is built is up to the test."""

    left: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    lasting: bool = False
    seen: tuple[int, bool] = (0, False)

    def build(self) -> None:
        self.seen = os.getpriority(os.PRIO_PROCESS, 0), told_aside()
        self.begun.set()
        if self.lasting and self.left.wait(PATIENCE):
            raise InterruptedError

    @contextmanager
    def _open(self) -> Iterator[Site]:
        yield self
        self.left.set()

    def lent(self) -> AbstractContextManager[Platform]:
        return cast("AbstractContextManager[Platform]", self._open())


@contextmanager
def refused() -> Iterator[Platform]:
    raise LookupError("no such account")
    yield


def test_each_is_built_at_a_lower_urgency_aside_from_scenarios_and_left_at_the_end() -> None:
    sites = {"one": Site(), "other": Site()}
    with built_beside({name: site.lent() for name, site in sites.items()}) as built:
        for name, site in sites.items():
            assert built[name].result(PATIENCE) is cast("Platform", site)
            assert site.seen == (min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10), True)
            assert not site.left.is_set()
    assert all(site.left.is_set() for site in sites.values())
    assert not told_aside()


def test_what_cannot_be_opened_is_told_to_whoever_asks_for_it_and_to_nobody_else() -> None:
    site = Site()
    with built_beside({"refused": refused(), "sound": site.lent()}) as built:
        assert built["sound"].result(PATIENCE) is cast("Platform", site)
        with pytest.raises(LookupError, match="no such account"):
            built["refused"].result(PATIENCE)


def test_a_build_under_way_ends_with_the_block() -> None:
    site = Site(lasting=True)
    with built_beside({"lasting": site.lent()}) as built:
        assert site.begun.wait(PATIENCE)
    with pytest.raises(InterruptedError):
        built["lasting"].result(0)


def test_whatever_is_opened_while_the_block_ends_is_left_too() -> None:
    entered, going_on = threading.Event(), threading.Event()

    @contextmanager
    def slow() -> Iterator[Platform]:
        entered.set()
        going_on.wait(PATIENCE)
        yield cast("Platform", Site())

    late = Site()
    with built_beside({"slow": slow(), "late": late.lent()}) as built:
        assert entered.wait(PATIENCE)
        going_on.set()
    outcome = built["late"].exception(0)
    assert isinstance(outcome, CancelledError) or (outcome is None and late.left.is_set())
