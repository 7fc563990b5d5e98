"""CloudWatch Logs as its API reference has it: a filter belongs to its group, and there is one of each name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from moto.logs.metric_filters import MetricFilters
from moto.logs.models import LogsBackend

from seatrial.cloud.corrections.registry import Corrections

if TYPE_CHECKING:
    from collections.abc import Callable

LOGS: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/"


@LOGS.around(LogsBackend, "delete_log_group", reference=_REFERENCE + "API_DeleteLogGroup.html")
def delete_log_group(original: Callable[..., None], backend: LogsBackend, log_group_name: str) -> None:
    """Delete the group's metric filters with it."""
    original(backend, log_group_name)
    kept = [each for each in backend.filters.metric_filters if each["logGroupName"] != log_group_name]
    backend.filters.metric_filters = kept


@LOGS.around(MetricFilters, "add_filter", reference=_REFERENCE + "API_PutMetricFilter.html")
def add_filter(
    original: Callable[..., None],
    filters: MetricFilters,
    filter_name: str,
    filter_pattern: str,
    log_group_name: str,
    metric_transformations: str,
) -> None:
    """Put the filter in the place of one of the same name in the same group, where moto keeps both."""
    name = (filter_name, log_group_name)
    kept = [each for each in filters.metric_filters if (each["filterName"], each["logGroupName"]) != name]
    filters.metric_filters = kept
    original(filters, filter_name, filter_pattern, log_group_name, metric_transformations)
