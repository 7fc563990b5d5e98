"""Steps about images: what is in them, and what must not be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.cluster import look_into, made_twice, strangers_in
from seatrial.cluster.bill import pinned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.cluster.images import ImageReport
    from seatrial.progress import Progress
    from seatrial.target import Target

_SERVICES = Path(__file__).resolve().parents[1] / "reference_app"
_MEGABYTE = 1_000_000


@given("the images of the shop are published", target_fixture="published")
def published_images(images: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in images if name != "toolbox")


@when("they are searched for traces of their builder", target_fixture="traces")
def search_images(target: Target, published: tuple[str, ...], progress: Progress) -> Mapping[str, tuple[str, ...]]:
    return strangers_in(target, published, progress=progress)


@then("none is found in any of them")
def no_traces(traces: Mapping[str, tuple[str, ...]], published: tuple[str, ...]) -> None:
    assert traces == dict.fromkeys(published, ())


@when("they are looked into", target_fixture="reports")
def look_into_images(target: Target, published: tuple[str, ...], progress: Progress) -> Mapping[str, ImageReport]:
    return look_into(target, published, progress=progress)


@then("none has a fault")
def none_has_a_fault(reports: Mapping[str, ImageReport], published: tuple[str, ...]) -> None:
    assert {name: report.faults for name, report in reports.items()} == dict.fromkeys(published, ())


@then(parse("none is larger than {size:d} megabytes"))
def none_is_larger(reports: Mapping[str, ImageReport], size: int) -> None:
    sizes = {name: report.size / _MEGABYTE for name, report in reports.items()}
    assert sizes
    assert max(sizes.values()) <= size, sizes


@then("each service's image holds exactly the packages that were pinned for it")
def holds_what_was_pinned(reports: Mapping[str, ImageReport]) -> None:
    services = [name for name in reports if (_SERVICES / name).is_dir()]
    assert services
    found = {name: dict(reports[name].materials.python) for name in services}
    assert found == {
        name: pinned(_SERVICES / name / "requirements.txt", reports[name].materials.interpreter) for name in services
    }


@when(parse("the image of the {service} service is built once more, from nothing"), target_fixture="builds")
def built_once_more(target: Target, service: str, progress: Progress) -> tuple[str, str]:
    return made_twice(target, service, progress=progress)


@then("both builds are the same")
def both_builds_are_the_same(builds: tuple[str, str]) -> None:
    assert all(builds)
    assert builds[0] == builds[1]
