"""Steps about load: customers who come as a profile says, and what the shop made of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.load.campaign import Campaign
from seatrial.load.catalogue import Catalogue
from seatrial.load.profile import Profile
from seatrial.load.shop import Shop
from seatrial.load.standstill import hold_up
from seatrial.verdict import Verdict
from steps.degradation import away

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from seatrial.kube import Namespace
    from seatrial.load import Customer
    from seatrial.load.judging import LoadJudgement
    from seatrial.progress import Progress

    Come = Callable[..., LoadJudgement]

_PROFILES = {
    "as on a usual day": "normal",
    "all at once, and leave again": "spike",
    "for long": "endurance",
    "in ever greater numbers": "stress",
}
_A_WHILE = timedelta(seconds=30)
_PRODUCTS = 3
_PIECES = 100_000


@given("it has plenty of what customers order", target_fixture="wares")
def plenty(customer: Customer, recovery: ExitStack) -> tuple[str, ...]:
    products = [Catalogue(customer).create(stock=_PIECES) for _ in range(_PRODUCTS)]
    for product in products:
        recovery.callback(product.remove)
    return tuple(product.id for product in products)


@pytest.fixture
def come(customer: Customer, wares: tuple[str, ...], tmp_path: Path, progress: Progress) -> Come:
    """Lets customers come as a profile says; a function of the profile and of what is done meanwhile."""

    def started(profile: Profile, meanwhile: Callable[[int], object] = lambda _: None) -> LoadJudgement:
        return Campaign(profile, Shop.behind(customer), tmp_path, products=wares).run(progress, meanwhile)

    return started


@when(parse("customers come {how}"), target_fixture="load")
def customers_come(come: Come, how: str) -> LoadJudgement:
    return come(Profile.named(_PROFILES[how]))


@when(parse("the {service} service goes away while customers come"), target_fixture="load")
def a_service_goes_away(come: Come, shop: Namespace, recovery: ExitStack, service: str) -> LoadJudgement:
    profile = Profile.named("normal").lasting(_A_WHILE)
    return come(profile, lambda _: away(shop.deployment(service), recovery))


@when(parse("the sender is held up for {seconds:d} seconds while customers come"), target_fixture="load")
def the_sender_is_held_up(come: Come, seconds: int) -> LoadJudgement:
    profile = Profile.named("normal").lasting(_A_WHILE)
    return come(profile, lambda process: hold_up(process, timedelta(seconds=seconds)))


@then("the agreed limits are kept")
def limits_are_kept(load: LoadJudgement) -> None:
    assert load.require().verdict is Verdict.PASSED, load.reason


@then("the agreed limits are not kept")
def limits_are_not_kept(load: LoadJudgement) -> None:
    assert load.verdict is Verdict.FAILED, load.reason


@then("nobody can say whether the agreed limits are kept")
def nobody_can_say(load: LoadJudgement) -> None:
    assert load.verdict is Verdict.INCONCLUSIVE, load.reason


@then(parse("at least {rate:d} requests per second were carried"))
def were_carried(load: LoadJudgement, rate: int) -> None:
    carried = load.require().knee
    assert carried is not None
    assert carried >= rate, load.reason
