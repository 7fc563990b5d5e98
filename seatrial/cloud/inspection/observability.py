"""Log groups, alarms and who is told, as CloudWatch and SNS tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.cloud.account import Account, Answer, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class LogGroup:
    """A log group; *retention* None means that logs are kept for ever."""

    name: str
    retention: timedelta | None
    key: str

    @property
    def encrypted(self) -> bool:
        """Whether it is encrypted with a key of the account's own."""
        return bool(self.key)


def log_group(account: Account, name: str) -> LogGroup:
    """Return the log group of a name; raises NotFound."""
    for each in log_groups(account, prefix=name):
        if each.name == name:
            return each
    raise NotFound(f"the log group {name}", str(account))


def log_groups(account: Account, prefix: str = "") -> tuple[LogGroup, ...]:
    """Return all log groups whose names begin with *prefix*, of which there may be none."""
    only: dict[str, object] = {"logGroupNamePrefix": prefix} if prefix else {}
    return tuple(_log_group(each) for each in account.every("logs", "describe_log_groups", "logGroups", **only))


def _log_group(told: Answer) -> LogGroup:
    days = told.number("retentionInDays")
    return LogGroup(
        name=told.text("logGroupName"),
        retention=None if days is None else timedelta(days=days),
        key=told.text("kmsKeyId"),
    )


@dataclass(frozen=True)
class Alarm:
    """An alarm on one metric; *actions* are told when it goes off, unless it is not *enabled*."""

    name: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    comparison: str
    threshold: float | None
    periods: int
    missing_data: str
    actions: tuple[str, ...]
    enabled: bool

    @property
    def heard(self) -> bool:
        """Whether anybody is told."""
        return self.enabled and bool(self.actions)


def alarms(account: Account, prefix: str = "") -> tuple[Alarm, ...]:
    """Return all alarms on metrics whose names begin with *prefix*, of which there may be none."""
    only: dict[str, object] = {"AlarmNamePrefix": prefix} if prefix else {}
    return tuple(_alarm(each) for each in account.every("cloudwatch", "describe_alarms", "MetricAlarms", **only))


def alarm(account: Account, name: str) -> Alarm:
    """Return the alarm of a name; raises NotFound."""
    for each in alarms(account, prefix=name):
        if each.name == name:
            return each
    raise NotFound(f"the alarm {name}", str(account))


def _alarm(told: Answer) -> Alarm:
    return Alarm(
        name=told.text("AlarmName"),
        namespace=told.text("Namespace"),
        metric=told.text("MetricName"),
        dimensions=told.tags("Dimensions", key="Name"),
        comparison=told.text("ComparisonOperator"),
        threshold=told.amount("Threshold"),
        periods=told.number("EvaluationPeriods") or 0,
        missing_data=told.text("TreatMissingData") or "missing",
        actions=told.texts("AlarmActions"),
        enabled=told.flag("ActionsEnabled"),
    )


@dataclass(frozen=True)
class Topic:
    """What passes messages on to its subscribers, each written ``protocol:endpoint``."""

    arn: str
    key: str
    subscribers: tuple[str, ...]

    @property
    def encrypted(self) -> bool:
        """Whether messages are encrypted while they wait."""
        return bool(self.key)


def topic(account: Account, arn: str) -> Topic:
    """Return the topic of an ARN; raises NotFound."""
    told = account.find(f"the topic {arn}", "sns", "get_topic_attributes", TopicArn=arn)
    found = account.every("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
    return Topic(
        arn=arn,
        key=told.mapping("Attributes").get("KmsMasterKeyId", ""),
        subscribers=tuple(f"{each.text('Protocol')}:{each.text('Endpoint')}" for each in found),
    )
