"""RDS as its API reference has it: what was asked for is what is told."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from moto.rds.exceptions import OptionGroupNotFoundFaultError
from moto.rds.models import RDSBackend

from seatrial.cloud.corrections.registry import Corrections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from moto.rds.models import DBInstance, OptionGroup

RDS: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/"
_RETENTION = 7  # days, what Performance Insights keeps unless asked for more


@RDS.around(RDSBackend, "create_db_instance", reference=_REFERENCE + "API_DBInstance.html")
def create_db_instance(
    original: Callable[..., DBInstance], backend: RDSBackend, db_kwargs: Mapping[str, object]
) -> DBInstance:
    """Tell whether Performance Insights is on, and with which key, as CreateDBInstance was asked."""
    return _with_insights(original(backend, dict(db_kwargs)), db_kwargs)


@RDS.around(RDSBackend, "modify_db_instance", reference=_REFERENCE + "API_ModifyDBInstance.html")
def modify_db_instance(
    original: Callable[..., DBInstance],
    backend: RDSBackend,
    db_instance_identifier: str,
    db_kwargs: Mapping[str, object],
) -> DBInstance:
    """Tell the same after a change."""
    return _with_insights(original(backend, db_instance_identifier, dict(db_kwargs)), db_kwargs)


@RDS.around(RDSBackend, "describe_option_groups", reference=_REFERENCE + "API_DescribeOptionGroups.html")
def describe_option_groups(
    original: Callable[..., list[OptionGroup]], backend: RDSBackend, option_group_kwargs: Mapping[str, object]
) -> list[OptionGroup]:
    """Tell of all option groups, of which there may be none, where no name is given (OptionGroupName)."""
    if option_group_kwargs.get("option_group_name"):
        return original(backend, dict(option_group_kwargs))
    found: list[OptionGroup] = []
    for name in list(backend.option_groups):
        # Each is asked for by its name: moto's other filters still say whether it is meant.
        with suppress(OptionGroupNotFoundFaultError):
            found += original(backend, {**option_group_kwargs, "option_group_name": name})
    return found


def _with_insights(instance: DBInstance, wished: Mapping[str, object]) -> DBInstance:
    enabled = wished.get("enable_performance_insights")
    if enabled is not None:
        attributes = vars(instance)
        attributes["performance_insights_enabled"] = bool(enabled)
        attributes["performance_insights_kms_key_id"] = wished.get("performance_insights_kms_key_id")
        retention = wished.get("performance_insights_retention_period") or _RETENTION
        attributes["performance_insights_retention_period"] = retention if enabled else None
    return instance
