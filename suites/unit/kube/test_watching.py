from __future__ import annotations

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.kube import Document, Refused, Selection, watched
from seatrial.kube.kinds import CONFIG_MAP
from seatrial.waiting import NotObserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from suites.unit.kube.conftest import LocalApi

    Objects = tuple[Document, ...]

ALL = Selection(CONFIG_MAP, "test")
SOON = timedelta(seconds=10)


def names(objects: Objects) -> set[str]:
    return {item.name for item in objects}


def present(name: str) -> Callable[[Objects], bool]:
    return lambda objects: name in names(objects)


@pytest.fixture
def waiting(local: LocalApi) -> Iterator[Callable[[Callable[[Objects], bool]], Future[Objects]]]:
    """Start a wait on a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda until: pool.submit(watched, local.api, ALL, until=until, within=SOON, what="it is there")


def test_what_is_there_already_is_seen_without_a_watch(local: LocalApi) -> None:
    local.put("first")
    assert names(watched(local.api, ALL, until=present("first"), within=SOON, what="first")) == {"first"}
    assert local.tell(counts=True)["watches"] == 0


def test_news_are_seen_and_added_to_what_was_there(local: LocalApi, waiting: Callable[..., Future[Objects]]) -> None:
    local.put("first")
    wait = waiting(lambda objects: len(objects) == 2)
    local.wait_watched()
    local.put("second")
    assert names(wait.result()) == {"first", "second"}


def test_a_change_replaces_what_was_known(local: LocalApi, waiting: Callable[..., Future[Objects]]) -> None:
    local.put("first", colour="red")
    wait = waiting(lambda objects: [item.text("data.colour") for item in objects] == ["blue"])
    local.wait_watched()
    local.put("first", colour="blue")
    assert names(wait.result()) == {"first"}


def test_a_removal_is_seen(local: LocalApi, waiting: Callable[..., Future[Objects]]) -> None:
    local.put("first")
    wait = waiting(lambda objects: not objects)
    local.wait_watched()
    local.tell(remove="first")
    assert wait.result() == ()


def test_an_expired_watch_is_taken_up_from_a_fresh_list(
    local: LocalApi, waiting: Callable[..., Future[Objects]]
) -> None:
    local.tell(set="expire_watches", to=2)
    wait = waiting(present("late"))
    local.wait_watched(3)
    local.put("late")
    assert names(wait.result()) == {"late"}
    assert local.tell(counts=True)["lists"] == 3


def test_a_broken_watch_is_taken_up_again(local: LocalApi, waiting: Callable[..., Future[Objects]]) -> None:
    local.tell(set="break_watches", to=3)
    wait = waiting(present("late"))
    local.wait_watched(4)
    local.put("late")
    assert names(wait.result()) == {"late"}


def test_a_watch_that_the_server_ends_goes_on_where_it_was(
    local: LocalApi, waiting: Callable[..., Future[Objects]]
) -> None:
    wait = waiting(present("late"))
    local.wait_watched()
    local.put("early")
    local.tell(bookmark=500)
    local.tell(close=True)
    local.wait_watched(2)
    local.put("late")
    assert names(wait.result()) == {"early", "late"}
    assert local.tell(counts=True)["lists"] == 1


def test_an_api_that_is_away_for_a_while_is_waited_for(local: LocalApi) -> None:
    local.put("first")
    local.tell(set="refuse_lists", to=3)
    assert watched(local.api, ALL, until=present("first"), within=SOON, what="first")


def test_an_api_that_stays_away_is_named_in_the_error(local: LocalApi) -> None:
    local.tell(set="refuse_lists", to=10_000)
    with pytest.raises(NotObserved, match="the API does not answer"):
        watched(local.api, ALL, until=present("first"), within=timedelta(seconds=0.5), what="first is there")


def test_a_look_that_is_not_allowed_is_not_waited_for(local: LocalApi) -> None:
    local.tell(set="forbid", to=True)
    with pytest.raises(Refused, match="you may not"):
        watched(local.api, ALL, until=present("first"), within=SOON, what="first")


def test_what_does_not_come_is_reported_in_time_with_the_last_thing_seen(local: LocalApi) -> None:
    local.put("first")
    begin = time.monotonic()
    with pytest.raises(NotObserved, match=r"second is there: not within 0.5 s; last seen: ConfigMap first"):
        watched(local.api, ALL, until=present("second"), within=timedelta(seconds=0.5), what="second is there")
    assert time.monotonic() - begin < 2


def test_a_server_that_keeps_talking_does_not_hold_up_the_deadline(local: LocalApi) -> None:
    quiet = threading.Event()

    def chatter() -> None:
        while not quiet.wait(0.05):
            local.put("noise")

    talker = threading.Thread(target=chatter)
    talker.start()
    begin = time.monotonic()
    try:
        with pytest.raises(NotObserved):
            watched(local.api, ALL, until=present("second"), within=timedelta(seconds=0.5), what="second is there")
    finally:
        quiet.set()
        talker.join()
    assert time.monotonic() - begin < 2


def test_a_wait_resumes_at_the_event_and_not_at_a_look_later_on(local: LocalApi) -> None:
    delays = []
    with ThreadPoolExecutor(1) as pool:
        for turn in range(20):
            resumed = pool.submit(_resumed, local, f"turn-{turn}")
            local.wait_watched(turn + 1)
            delays.append(-local.put(f"turn-{turn}") + resumed.result())
    # A look each quarter of a second would be an eighth of a second late on average; how late this is, the benchmark
    # says.
    assert statistics.median(delays) <= 0.100


def _resumed(local: LocalApi, name: str) -> float:
    watched(local.api, ALL, until=present(name), within=SOON, what=name)
    return time.monotonic()
