from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from seatrial.chaos.times import Instant
from seatrial.kube.api import Listing, Refused
from seatrial.kube.document import Document
from seatrial.load import Record, Request
from seatrial.scaling.following import Following
from seatrial.scaling.seen import routed
from seatrial.verdict import Inconclusive
from seatrial.waiting import eventually
from suites.unit.scaling.world import AHEAD, NEW, OLD, World, autoscaler, slices, utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.kube.api import Api, Event, Selection
    from seatrial.kube.watching import Objects

A_MINUTE = timedelta(minutes=1)


@dataclass
class Shown:
    """An API that shows what it holds, dates what it is asked to make, and refuses what it is told to."""

    objects: dict[str, Objects]
    refused: str = ""
    status: int = 403

    def path(self, *_: object, **__: object) -> str:
        return "/configmaps"

    def ask(self, method: str, path: str, **_: object) -> Document:
        self._may(path)
        if method == "POST":
            return Document({"metadata": {"creationTimestamp": utc(time.time())}})
        return Document({"items": [{"metadata": {"name": "catalog-0"}}]})

    def list(self, selection: Selection, **_: object) -> Listing:
        self._may(selection.kind.name)
        return Listing(self.objects[selection.kind.name], "1")

    def watch(self, *_: object, **__: object) -> Iterator[Event]:
        return iter(())

    def _may(self, what: str) -> None:
        if self.refused and self.refused in what:
            raise Refused(self.status, "Forbidden", f"no {self.refused} for you")


def shown(refused: str = "") -> Shown:
    objects = {
        "HorizontalPodAutoscaler": (autoscaler(1, 2, 6),),
        "Pod": World().seen().pods[0],
        "EndpointSlice": slices(AHEAD, OLD),
    }
    return Shown(objects, refused)


def follower(api: Shown) -> Following:
    return Following(cast("Api", api), "catalog", "shop", "app=catalog")


def test_each_source_is_followed_until_it_is_over() -> None:
    api = shown()
    followed = follower(api)
    followed.start()
    api.objects["EndpointSlice"] = slices(AHEAD, OLD, NEW)
    seen = followed.seen
    eventually(lambda: seen.routes[-1], until=lambda look: NEW in routed(look.objects), within=A_MINUTE, what="a look")
    followed.stop()
    assert [state.version for state in seen.autoscaler] == ["1"]
    assert seen.pods
    assert seen.samples[0].objects[0].name == "catalog-0"
    assert seen.ahead is not None
    assert seen.ahead.earliest <= time.time() - time.monotonic() <= seen.ahead.latest
    assert not seen.lost


def test_a_state_of_which_there_is_news_twice_is_kept_once() -> None:
    followed = follower(shown())
    for version in (1, 1, 2):
        followed.heard((autoscaler(version, 2, 6),))
    assert [state.version for state in followed.seen.autoscaler] == ["1", "2"]


def test_what_does_not_answer_for_a_while_is_looked_at_again() -> None:
    api = shown("metrics.k8s.io")
    api.status = 503
    followed = follower(api)
    with pytest.raises(Inconclusive, match="cannot be followed"):
        followed.start(within=timedelta(seconds=4))
    api.refused = ""
    eventually(lambda: followed.seen.routes, until=bool, within=A_MINUTE, what="a look")
    followed.stop()


@pytest.mark.parametrize("what", ["HorizontalPodAutoscaler", "Pod", "EndpointSlice", "metrics.k8s.io", "configmaps"])
def test_what_may_not_be_looked_at_is_said(what: str) -> None:
    followed = follower(shown(what))
    with pytest.raises(Inconclusive, match=f"catalog cannot be followed: .*no {what} for you"):
        followed.start()
    followed.stop()


def test_a_record_of_requests_says_when_the_load_began_and_ended() -> None:
    requests = tuple(Request(at, at + 0.01, at + 0.3, 200, None, held=False) for at in (7.0, 5.0, 9.0))
    followed = follower(shown())
    followed.loaded_by(Record(requests, 3, 1.0, Path("rush.jsonl")))
    assert followed.seen.began == Instant(5.01, 5.01)
    assert followed.seen.ended == Instant(9.01, 9.3)


def test_another_load_begins_and_ends_while_it_is_put_on_and_taken_off() -> None:
    ticks = iter(range(10))
    during: list[int] = []
    followed = Following(cast("Api", shown()), "catalog", "shop", "", clock=lambda: float(next(ticks)))

    @contextmanager
    def load() -> Iterator[None]:
        during.append(next(ticks))
        yield
        during.append(next(ticks))

    with followed.loading(load()):
        pass
    assert (followed.seen.began, followed.seen.ended) == (Instant(0, 2), Instant(3, 5))
    assert during == [1, 4]
