"""Steps about images: what is in them, and what must not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import given, then, when

from seatrial.cluster import strangers_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.progress import Progress
    from seatrial.target import Target


@given("the images of the shop are published", target_fixture="published")
def published_images(images: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(images)


@when("they are searched for traces of their builder", target_fixture="traces")
def search_images(target: Target, published: tuple[str, ...], progress: Progress) -> Mapping[str, tuple[str, ...]]:
    return strangers_in(target, published, progress=progress)


@then("none is found in any of them")
def no_traces(traces: Mapping[str, tuple[str, ...]], published: tuple[str, ...]) -> None:
    assert traces == dict.fromkeys(published, ())
