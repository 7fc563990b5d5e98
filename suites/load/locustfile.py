"""The same customers under Locust's own command, for its live pages or beside users of one's own::

    locust -f suites/load/locustfile.py --headless --host https://shop.example.com --load-profile spike

Its numbers count from when each customer was to come as well. What is judged comes from `seatrial load`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from locust import LoadTestShape, events

from seatrial.load.openloop.plan import LoadPlan
from seatrial.load.openloop.shopper import Errand, Shopper
from seatrial.load.profile import Profile, shipped

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from locust.env import Environment

__all__ = ["Pool", "Shopper"]


class Pool(LoadTestShape):
    """As many users as requests may be unanswered, until all customers have come and gone."""

    errand: Errand | None = None
    users = 0

    def tick(self) -> tuple[int, float] | None:
        """Keep the pool; once it is complete, customers come. The first look is what prepares for them."""
        if Pool.errand is None:
            assert self.runner is not None
            Pool.errand, Pool.users = prepared(self.runner.environment)
        dispatcher = Pool.errand.dispatcher
        if not dispatcher.began and dispatcher.idle == Pool.users:
            dispatcher.start()
        if dispatcher.over.is_set() and dispatcher.idle == Pool.users:
            return None
        return Pool.users, Pool.users


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_options(parser: ArgumentParser) -> None:
    """Let the profile be chosen."""
    parser.add_argument(
        "--load-profile", default="normal", help=f"One of {', '.join(shipped())}, or the path of a file."
    )


def prepared(environment: Environment) -> tuple[Errand, int]:
    """Look at what the shop has, and return what customers go by and how many may be there at a time."""
    assert environment.parsed_options is not None
    profile = Profile.named(environment.parsed_options.load_profile)
    plan = LoadPlan(
        url=str(environment.host),
        file=Path(os.devnull),
        stages=profile.stages,
        mix=profile.mix,
        at_random=profile.at_random,
        seed=profile.seed,
        in_flight=profile.in_flight,
        patience=profile.patience,
    )
    errand = Errand.of(plan)
    errand.prepare(frozenset(plan.mix), plan.products)
    environment.errand = errand  # type: ignore[attr-defined]
    return errand, plan.in_flight


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def clean_up(**_: object) -> None:
    """Remove what was uploaded."""
    if Pool.errand is not None:
        Pool.errand.clean_up()
