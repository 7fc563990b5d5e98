"""Steps about a platform in the cloud as a whole: built from code, planned anew, changed by hand, taken down."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.cloud.beside import built_beside
from seatrial.cloud.controls import CONTROLS, all_findings
from seatrial.cloud.inventory import difference, inventory
from seatrial.cloud.meddling import MEDDLINGS
from seatrial.cloud.platform import emulated_platform, planned_platform, real_platform
from seatrial.cloud.programs import NAMES
from seatrial.cloud.weaknesses import known_weaknesses
from seatrial.toolchain import building_beside
from seatrial.toolchain.places import cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from seatrial.cloud.choice import RealAccount
    from seatrial.cloud.costs import Estimate
    from seatrial.cloud.plan import Plan
    from seatrial.cloud.platform import Platform
    from seatrial.progress import Progress


@pytest.fixture(scope="session")
def platforms(
    tmp_path_factory: pytest.TempPathFactory, progress: Progress, real_account: RealAccount | None
) -> Iterator[Mapping[str, Future[Platform]]]:
    """The platforms that scenarios look at, in accounts of their own, built side by side and beside other scenarios."""
    folder = tmp_path_factory.mktemp("platforms")
    if real_account is None:
        sound = emulated_platform(folder / "sound", progress=progress)
    else:
        # Kept from run to run: whoever comes after a run that was killed finds what it left.
        kept = cache_directory() / "cloud" / real_account.environment
        sound = real_platform(real_account, kept, progress=progress)
    weak = emulated_platform(folder / "weak", weaknesses=known_weaknesses(), progress=progress)
    other = emulated_platform(folder / "other", progress=progress)
    with built_beside({"sound": sound, "weak": weak, "other": other}) as built:
        yield built


@pytest.fixture(scope="session", autouse=True)
def platforms_begun(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have the platforms built from the start where a selected scenario looks at one: it takes minutes.

    What they are built with comes first where it is lacking; then it is the first scenario that begins.
    """
    if not any(item.get_closest_marker("cloud") for item in request.session.items):
        yield
        return
    with building_beside(NAMES, progress=request.getfixturevalue("progress")) as all_there:
        if all_there:
            # What goes wrong is told to each scenario that asks for a platform, and to no other.
            with contextlib.suppress(Exception):
                request.getfixturevalue("platforms")
        yield


@given("the platform was built from code", target_fixture="platform")
def the_platform(platforms: Mapping[str, Future[Platform]]) -> Platform:
    return _observed(platforms["sound"])


@given("another platform was built from code", target_fixture="platform")
def another_platform(platforms: Mapping[str, Future[Platform]]) -> Platform:
    platform = _observed(platforms["other"])
    assert not difference(platform.before or frozenset(), inventory(platform.account)).empty
    return platform


@given(parse("a platform was built from code in which {weakness}"), target_fixture="platform")
def a_weak_platform(platforms: Mapping[str, Future[Platform]], weakness: str) -> Platform:
    assert weakness in {known.name for known in known_weaknesses()}
    return _observed(platforms["weak"])


def _observed(building: Future[Platform]) -> Platform:
    platform = building.result()
    platform.observed()
    return platform


@given(parse("somebody {change} by hand"))
def somebody_meddled(platform: Platform, change: str) -> Iterator[None]:
    with MEDDLINGS[change].done(platform):
        yield


@given(parse("the environment for {environment} is planned"), target_fixture="planned")
def plan_environment(environment: str, tmp_path: Path, progress: Progress) -> Iterator[tuple[Platform, Plan]]:
    name = {"learners": "learner", "service": "production"}[environment]
    with planned_platform(name, tmp_path, progress=progress) as platform:
        platform.observed()
        yield platform, platform.tofu.plan()


@when("its costs are estimated", target_fixture="costs")
def estimate_costs(planned: tuple[Platform, Plan]) -> Estimate:
    platform, plan = planned
    return platform.estimate(plan)


@when("it is looked at a second time", target_fixture="plan")
def look_again(platform: Platform) -> Plan:
    assert platform.second_look is not None
    return platform.second_look


@when("it is planned anew", target_fixture="plan")
def plan_anew(platform: Platform) -> Plan:
    return platform.planned_anew()


@when("it is taken down")
def take_down(platform: Platform) -> None:
    platform.take_down()


@when("its weaknesses are looked for", target_fixture="findings")
def look_for_weaknesses(platform: Platform) -> Mapping[str, Sequence[str]]:
    return all_findings(platform)


@then("nothing would be changed")
def nothing_to_change(plan: Plan) -> None:
    assert [str(change) for change in plan.changes] == []


@then("the plan names what was changed")
def plan_names_what_was_changed(plan: Plan) -> None:
    changed = {MEDDLINGS[change].address for change in MEDDLINGS}
    assert changed <= {found.address for found in plan.drift}


@then("it names nothing else")
def plan_names_nothing_else(plan: Plan) -> None:
    expected = {address for change in MEDDLINGS.values() for address in (change.address, *change.beside)}
    assert [str(found) for found in plan.drift if found.address not in expected] == []


@then("nothing of it is left in the account")
def nothing_left(platform: Platform) -> None:
    assert str(difference(platform.before or frozenset(), inventory(platform.account))) == "no difference"


@then("nothing is left in its state")
def nothing_in_state(platform: Platform) -> None:
    assert platform.tofu.addresses() == ()


@then("each part of it has a price, or is paid by use")
def all_is_priced(costs: Estimate) -> None:
    assert costs.rows
    assert costs.unpriced == ()


@then(parse("it costs at most {limit:d} dollars a month"))
def costs_at_most(costs: Estimate, limit: int) -> None:
    assert 0 < costs.total <= limit


@then("no control is broken")
def no_control_is_broken(findings: Mapping[str, Sequence[str]]) -> None:
    assert findings.keys() == {control.id for control in CONTROLS}
    assert {identity: found for identity, found in findings.items() if found} == {}


@then(parse("the control {identity} is broken"))
def control_is_broken(findings: Mapping[str, Sequence[str]], identity: str) -> None:
    assert findings[identity]
