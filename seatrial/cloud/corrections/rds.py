"""RDS as its API reference has it: what was asked for is what is told."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError, OptionGroupNotFoundFaultError
from moto.rds.models import DBParameterGroup, RDSBackend
from moto.rds.responses import RDSResponse

from seatrial.cloud.corrections.registry import Corrections, asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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


@RDS.around(RDSResponse, "describe_db_parameter_groups", reference=_REFERENCE + "API_DescribeDBParameterGroups.html")
def describe_db_parameter_groups(original: Callable[..., ActionResult], response: RDSResponse) -> ActionResult:
    """Say that there is no group of the name (DBParameterGroupNotFound), where moto tells of none."""
    name = asked(response, "DBParameterGroupName")
    if name and str(name).lower() not in response.backend.db_parameter_groups:
        raise DBParameterGroupNotFoundError(str(name))
    return original(response)


@RDS.around(DBParameterGroup, "update_parameters", reference=_REFERENCE + "API_Parameter.html")
def update_parameters(
    original: Callable[..., None], group: DBParameterGroup, new_parameters: Iterable[Mapping[str, object]]
) -> None:
    """Say of a parameter that was set who has set it (Source): the user."""
    original(group, [{**each, "Source": "user"} for each in new_parameters])


@RDS.around(RDSResponse, "describe_db_parameters", reference=_REFERENCE + "API_DescribeDBParameters.html")
def describe_db_parameters(original: Callable[..., ActionResult], response: RDSResponse) -> ActionResult:
    """Tell only of the parameters that were set by whom is asked about (Source); an engine's own are not known here."""
    told = original(response)
    wanted = asked(response, "Source")
    if wanted in (None, "user"):
        return told
    return ActionResult({"Parameters": []})


@RDS.adding(RDSResponse, "reset_db_parameter_group", reference=_REFERENCE + "API_ResetDBParameterGroup.html")
def reset_db_parameter_group(response: RDSResponse) -> ActionResult:
    """Give some parameters of a group, or all (ResetAllParameters), their engine's values back."""
    name = str(asked(response, "DBParameterGroupName"))
    group = response.backend.db_parameter_groups.get(name.lower())
    if group is None:
        raise DBParameterGroupNotFoundError(name)
    everything = asked(response, "ResetAllParameters") in (True, "true")
    named = [str(each["ParameterName"]) for each in asked(response, "Parameters", [])]
    for each in list(group.parameters) if everything else named:
        group.parameters.pop(each, None)
    return ActionResult({"DBParameterGroupName": group.name})


def _with_insights(instance: DBInstance, wished: Mapping[str, object]) -> DBInstance:
    enabled = wished.get("enable_performance_insights")
    if enabled is not None:
        attributes = vars(instance)
        attributes["performance_insights_enabled"] = bool(enabled)
        attributes["performance_insights_kms_key_id"] = wished.get("performance_insights_kms_key_id")
        retention = wished.get("performance_insights_retention_period") or _RETENTION
        attributes["performance_insights_retention_period"] = retention if enabled else None
    return instance
