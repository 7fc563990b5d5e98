"""A budget, as AWS Budgets tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.cloud.account import Account, Answer


@dataclass(frozen=True)
class Notification:
    """Who is told when spending, *actual* or forecast, passes *threshold*, which is in percent unless *absolute*."""

    threshold: float
    absolute: bool
    actual: bool
    subscribers: tuple[str, ...]


@dataclass(frozen=True)
class Budget:
    """What may be spent in a *period*, such as ``MONTHLY``."""

    name: str
    limit: Decimal
    currency: str
    period: str
    kind: str
    notifications: tuple[Notification, ...]

    @property
    def heard(self) -> bool:
        """Whether anybody is told before or when it is spent."""
        return any(each.subscribers for each in self.notifications)


def budget(account: Account, name: str) -> Budget:
    """Return the budget of a name; raises NotFound."""
    of = {"AccountId": account.number, "BudgetName": name}
    told = account.find(f"the budget {name}", "budgets", "describe_budget", **of)
    notifications = account.every("budgets", "describe_notifications_for_budget", "Notifications", **of)
    return Budget(
        name=name,
        limit=Decimal(told.text("Budget.BudgetLimit.Amount") or "0"),
        currency=told.text("Budget.BudgetLimit.Unit"),
        period=told.text("Budget.TimeUnit"),
        kind=told.text("Budget.BudgetType"),
        notifications=tuple(_notification(account, of, each) for each in notifications),
    )


def _notification(account: Account, of: dict[str, str], told: Answer) -> Notification:
    subscribers = account.every(
        "budgets", "describe_subscribers_for_notification", "Subscribers", **of, Notification=told.raw
    )
    return Notification(
        threshold=told.amount("Threshold") or 0.0,
        absolute=told.text("ThresholdType") == "ABSOLUTE_VALUE",
        actual=told.text("NotificationType") == "ACTUAL",
        subscribers=tuple(each.text("Address") for each in subscribers),
    )
