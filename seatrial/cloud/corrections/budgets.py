"""Budgets as its API reference has it: budgets that change, and say whom they notify."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from moto.budgets.exceptions import NotFoundException
from moto.budgets.responses import BudgetsResponse

from seatrial.cloud.corrections.registry import Corrections, asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from moto.budgets.models import Budget, Notification

BUDGETS: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/"
_COMPARED = ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")


@BUDGETS.adding(
    BudgetsResponse,
    "describe_subscribers_for_notification",
    reference=_REFERENCE + "API_budgets_DescribeSubscribersForNotification.html",
)
def describe_subscribers(response: BudgetsResponse) -> str:
    """Tell who is told when a budget's threshold is passed; NotFoundException if the budget has no such threshold."""
    return json.dumps({"Subscribers": _notification(response).subscribers})


@BUDGETS.adding(BudgetsResponse, "update_budget", reference=_REFERENCE + "API_budgets_UpdateBudget.html")
def update_budget(response: BudgetsResponse) -> str:
    """Change a budget; its notifications stay as they are."""
    wanted = asked(response, "NewBudget")
    _budget(response, wanted["BudgetName"]).budget.update(wanted)
    return json.dumps({})


@BUDGETS.adding(
    BudgetsResponse,
    "list_tags_for_resource",
    reference=_REFERENCE + "API_budgets_ListTagsForResource.html",
)
def list_tags(response: BudgetsResponse) -> str:
    """Tell a budget's tags, those it was made with."""
    name = str(asked(response, "ResourceARN")).partition("budget/")[2]
    budget = _budget(response, name, account=str(asked(response, "ResourceARN")).split(":")[4])
    tags = getattr(budget, "tags", None) or []
    return json.dumps({"ResourceTags": tags})


@BUDGETS.around(
    BudgetsResponse,
    "describe_notifications_for_budget",
    reference=_REFERENCE + "API_budgets_DescribeNotificationsForBudget.html",
)
def describe_notifications(original: Callable[..., str], response: BudgetsResponse) -> str:
    """Say that there is no budget of the name (NotFoundException), where moto breaks."""
    _budget(response, str(asked(response, "BudgetName")))
    return original(response)


def _budget(response: BudgetsResponse, name: str, account: str | None = None) -> Budget:
    budget = response.backend.budgets[account or str(asked(response, "AccountId"))].get(name)
    if budget is None:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return budget


def _notification(response: BudgetsResponse) -> Notification:
    name = str(asked(response, "BudgetName"))
    wanted = asked(response, "Notification")
    for each in _budget(response, name).notifications:
        # The state is the service's, not the caller's: it is no part of what tells notifications apart.
        if all(each.details.get(key) == wanted.get(key) for key in _COMPARED):
            return each
    raise NotFoundException(f"Unable to get notification for budget: {name} - the notification doesn't exist.")
