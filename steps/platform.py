"""Steps about a platform in the cloud as a whole: built from code, planned anew, changed by hand, taken down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.cloud.controls import CONTROLS, all_findings
from seatrial.cloud.inventory import difference, inventory
from seatrial.cloud.meddling import MEDDLINGS
from seatrial.cloud.platform import emulated_platform, planned_platform, real_platform
from seatrial.cloud.weaknesses import known_weaknesses
from seatrial.toolchain.places import cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from seatrial.cloud.choice import RealAccount
    from seatrial.cloud.costs import Estimate
    from seatrial.cloud.plan import Plan
    from seatrial.cloud.platform import Platform
    from seatrial.progress import Progress


@pytest.fixture(scope="session")
def built_platform(
    tmp_path_factory: pytest.TempPathFactory, progress: Progress, real_account: RealAccount | None
) -> Iterator[Platform]:
    """The platform that scenarios look at, built once."""
    if real_account is None:
        lent = emulated_platform(tmp_path_factory.mktemp("platform"), progress=progress)
    else:
        # Kept from run to run: whoever comes after a run that was killed finds what it left.
        folder = cache_directory() / "cloud" / real_account.environment
        lent = real_platform(real_account, folder, progress=progress)
    with lent as platform:
        platform.build()
        yield platform


@pytest.fixture(scope="session")
def weak_platform(tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Iterator[Platform]:
    """A platform from code with every weakness that is known, built once."""
    folder = tmp_path_factory.mktemp("weak-platform")
    with emulated_platform(folder, weaknesses=known_weaknesses(), progress=progress) as platform:
        platform.build()
        yield platform


@given("the platform was built from code", target_fixture="platform")
def the_platform(built_platform: Platform) -> Platform:
    built_platform.observed()
    return built_platform


@given("another platform was built from code", target_fixture="platform")
def another_platform(new_platform: Platform) -> Platform:
    new_platform.build()
    assert not difference(new_platform.before, inventory(new_platform.account)).empty
    return new_platform


@pytest.fixture
def new_platform(tmp_path: Path, progress: Progress) -> Iterator[Platform]:
    """A platform in an account of its own; nothing is built yet."""
    with emulated_platform(tmp_path, progress=progress) as platform:
        platform.observed()
        yield platform


@given(parse("a platform was built from code in which {weakness}"), target_fixture="platform")
def a_weak_platform(weak_platform: Platform, weakness: str) -> Platform:
    assert weakness in {known.name for known in known_weaknesses()}
    weak_platform.observed()
    return weak_platform


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


@then("the plan names the security group of the database")
def plan_names_the_group(plan: Plan) -> None:
    _assert_named(plan, "let the whole internet in to the database")


@then("the plan names the versions of the uploads")
def plan_names_the_versions(plan: Plan) -> None:
    _assert_named(plan, "stopped the uploads from keeping versions")


def _assert_named(plan: Plan, change: str) -> None:
    assert MEDDLINGS[change].address in {found.address for found in plan.drift}


@then("nothing of it is left in the account")
def nothing_left(platform: Platform) -> None:
    assert str(difference(platform.before, inventory(platform.account))) == "no difference"


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
