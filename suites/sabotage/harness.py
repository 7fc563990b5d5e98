"""Sabotages of what is planned and built in the cloud, and of how faults are done: in the process of the run itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seatrial.chaos.experiment import read_experiment
from seatrial.chaos.journal import Journal
from seatrial.cloud import platform
from seatrial.cloud.costs import read_prices
from seatrial.cloud.tofu import Tofu
from suites.sabotage.declaration import Sabotage, Sight

if TYPE_CHECKING:
    from pathlib import Path

    from pytest import MonkeyPatch  # noqa: PT013 (an annotation)

    from seatrial.chaos.lease import Lease
    from seatrial.cloud.costs import PriceList

_UNPRICED = "aws_nat_gateway"
_LOG = 'module.platform.module.observability.aws_cloudwatch_log_group.this["catalog"]'
_CODE = "infrastructure/from_code.feature"


def _without_a_price(patch: MonkeyPatch) -> None:
    read = read_prices

    def fewer(file: Path) -> PriceList:
        listed = read(file)
        kept = tuple(price for price in listed.prices if price.resource != _UNPRICED)
        assert kept != listed.prices
        return replace(listed, prices=kept)

    patch.setattr(platform, "read_prices", fewer)


def _without_a_look(patch: MonkeyPatch) -> None:
    streamed = Tofu._streamed

    def blind(self: Tofu, verb: str, *words: str) -> None:
        streamed(self, verb, *words, *(["-refresh=false"] if verb == "plan" else []))

    patch.setattr(Tofu, "_streamed", blind)


def _forgotten(patch: MonkeyPatch) -> None:
    destroy = Tofu.destroy

    def all_but_one(self: Tofu) -> None:
        self._run("state", "rm", _LOG)
        destroy(self)

    patch.setattr(Tofu, "destroy", all_but_one)


def _never_given_back(patch: MonkeyPatch) -> None:
    def keep(_journal: Journal, _lease: Lease) -> None:
        return

    patch.setattr(Journal, "remove", keep)


def _never_broken_off(patch: MonkeyPatch) -> None:
    def patient(file: Path) -> dict[str, Any]:
        experiment = read_experiment(file)
        for limits in experiment["extensions"]:
            limits["deviation"] = 600
        for action in experiment["method"]:
            if action["provider"]["func"] == "hold":
                action["provider"]["arguments"]["seconds"] = 20
        return experiment

    patch.setattr("steps.experiment.read_experiment", patient)


HARNESS = (
    Sabotage(
        "price-unknown",
        "The list of prices lacks what the learners' environment uses.",
        (
            Sight(
                "infrastructure/costs.feature",
                "The environment for learners has a price",
                "each part of it has a price, or is paid by use",
            ),
        ),
        patch=_without_a_price,
    ),
    Sabotage(
        "lease-kept",
        "A fault that was undone stays in the list of what has to be undone.",
        (Sight("resilience/process_faults.feature", "It stands still", "nothing of the fault is left"),),
        patch=_never_given_back,
    ),
    Sabotage(
        "never-broken-off",
        "An experiment goes on for as long as it likes though the steady state is gone.",
        (
            Sight(
                "resilience/experiments.feature",
                "A replica stands still although none may",
                "it was broken off and all was undone within 60 seconds",
            ),
        ),
        patch=_never_broken_off,
    ),
    Sabotage(
        "drift-unseen",
        "A plan believes what is written down, and does not look at what exists.",
        (Sight(_CODE, "What was changed by hand is named", "the plan names what was changed"),),
        patch=_without_a_look,
        slow=True,
    ),
    Sabotage(
        "left-behind",
        "A log of the platform is forgotten before it is taken down.",
        (Sight(_CODE, "All is gone afterwards", "nothing of it is left in the account"),),
        patch=_forgotten,
        slow=True,
    ),
)
