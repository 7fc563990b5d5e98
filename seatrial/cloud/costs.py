"""What an environment would cost in a month: an estimate from its plan and a list of prices, before anything is made.

Three kinds of lines, none of which hides in another: what has a price by the hour or month; what is charged by use,
whose price is known but whose amount no plan says; and what could not be priced, with the reason. The total is of the
first kind alone.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class PlannedResource:
    """A resource of a plan: its address, its type in OpenTofu, and what is known of its arguments before an apply."""

    address: str
    type: str
    values: Mapping[str, object]


class Unit(StrEnum):
    """What a price is for."""

    HOUR = "hour"
    MONTH = "month"
    GB = "gb"
    GB_MONTH = "gb-month"


@dataclass(frozen=True)
class Price:
    """A price: for one *unit* of what *per* says, as *source* had it on *date*; *basis* is list or derived."""

    resource: str
    size: str
    unit: Unit
    usd: Decimal
    per: str
    basis: str
    source: str
    date: date


@dataclass(frozen=True)
class PriceList:
    """The prices of one region."""

    region: str
    hours_per_month: Decimal
    prices: tuple[Price, ...]

    def find(self, resource: str, size: str) -> Price | None:
        """Return the price of a type and size, None if the list has none."""
        return next((each for each in self.prices if (each.resource, each.size) == (resource, size)), None)

    def of(self, resource: str) -> tuple[Price, ...]:
        """Return all prices of a type."""
        return tuple(each for each in self.prices if each.resource == resource)


@dataclass(frozen=True)
class Row:
    """Something with a price: *quantity* of its unit, and what that makes in a month."""

    address: str
    what: str
    quantity: Decimal
    price: Price
    monthly: Decimal


@dataclass(frozen=True)
class ByUse:
    """Something that is charged by use: the price of a unit is known, how many there will be is not."""

    address: str
    price: Price


@dataclass(frozen=True)
class Unpriced:
    """Something whose price is not known, and why."""

    address: str
    why: str


@dataclass(frozen=True)
class Estimate:
    """What an environment would cost in a month."""

    region: str
    rows: tuple[Row, ...]
    by_use: tuple[ByUse, ...]
    unpriced: tuple[Unpriced, ...]

    @property
    def total(self) -> Decimal:
        """What all priced rows make in a month, to the cent. It says nothing of what is charged by use or unpriced."""
        return sum((each.monthly for each in self.rows), Decimal(0)).quantize(_CENT)

    @property
    def complete(self) -> bool:
        """Whether everything was priced, but for what is charged by use."""
        return not self.unpriced

    @property
    def oldest_price(self) -> date | None:
        """The day of the oldest price in it, None if there is none."""
        prices = (*(each.price for each in self.rows), *(each.price for each in self.by_use))
        return min((each.date for each in prices), default=None)

    def table(self) -> str:
        """Return it as a table in Markdown, with all three kinds of lines."""
        lines = ["| resource | what | monthly (USD) |", "|---|---|---:|"]
        lines += [f"| `{each.address}` | {each.what} | {each.monthly.quantize(_CENT)} |" for each in self.rows]
        dated = f", prices of {self.oldest_price} or later" if self.oldest_price else ""
        lines.append(f"| **all of these** | {self.region}{dated} | **{self.total}** |")
        lines += [
            f"| `{each.address}` | {each.price.usd} USD for each {each.price.unit}: {each.price.per} | by use |"
            for each in self.by_use
        ]
        lines += [f"| `{each.address}` | {each.why} | not priced |" for each in self.unpriced]
        return "\n".join(lines) + "\n"


def read_prices(file: Path) -> PriceList:
    """Read a list of prices; raises UsageError, in a sentence, if it cannot be read or lacks something."""
    try:
        told = tomllib.loads(file.read_text())
        prices = tuple(_price(each) for each in told["price"])
        listed = PriceList(str(told["region"]), Decimal(str(told["hours_per_month"])), prices)
    except OSError as missing:
        raise UsageError(f"The prices {file} cannot be read: {missing.strerror}.") from missing
    except KeyError as missing:
        raise UsageError(f"The prices {file} lack {missing}: add it.") from missing
    except (ValueError, TypeError, ArithmeticError) as wrong:
        raise UsageError(f"The prices {file} are not as they should be: {wrong}.") from wrong
    twice = {(each.resource, each.size) for each in prices if prices.count(each) > 1 or _again(each, prices)}
    if twice:
        raise UsageError(f"The prices {file} have {', '.join(map(' '.join, sorted(twice)))} twice: leave one.")
    return listed


def _again(price: Price, prices: Iterable[Price]) -> bool:
    return sum((each.resource, each.size) == (price.resource, price.size) for each in prices) > 1


def _price(told: Mapping[str, object]) -> Price:
    usd = Decimal(str(told["usd"]))
    if not usd.is_finite() or usd <= 0:
        raise ValueError(f"{told['resource']} costs {usd}")
    day = told["date"]
    if not isinstance(day, date):
        raise TypeError(f"{told['resource']} has the date {day!r}")
    return Price(
        resource=str(told["resource"]),
        size=str(told.get("size", "")),
        unit=Unit(str(told["unit"])),
        usd=usd,
        per=str(told.get("per", "")),
        basis=str(told.get("basis", "list")),
        source=str(told["source"]),
        date=day,
    )


@dataclass(frozen=True)
class _Part:
    """What a resource consists of: so many of a size; *hint* says what the many are."""

    size: str
    count: Decimal
    what: str


class _Unknown(Exception):
    """An argument that the price depends on is not known before an apply."""


def estimate(resources: Iterable[PlannedResource], prices: PriceList) -> Estimate:
    """Return what *resources*, all that a plan would have in place afterwards, cost in a month at these *prices*."""
    everything = tuple(resources)
    rows: list[Row] = []
    by_use: list[ByUse] = []
    unpriced: list[Unpriced] = []
    for resource in sorted(everything, key=lambda each: each.address):
        if resource.type in FREE:
            continue
        try:
            parts = tuple(_parts(resource, everything))
        except _Unknown as unknown:
            unpriced.append(Unpriced(resource.address, str(unknown)))
            continue
        charged = [each for each in prices.of(resource.type) if each.size in _USES.get(resource.type, ())]
        by_use += [ByUse(resource.address, each) for each in charged]
        if not parts and not charged:
            unpriced.append(Unpriced(resource.address, f"no price is known for {resource.type}"))
        for part in parts:
            price = prices.find(resource.type, part.size)
            if price is None:
                size = f" {part.size}" if part.size else ""
                unpriced.append(Unpriced(resource.address, f"no price is known for {resource.type}{size}"))
            else:
                rows.append(_row(resource, part, price, prices.hours_per_month))
    return Estimate(prices.region, tuple(rows), tuple(by_use), tuple(unpriced))


def _row(resource: PlannedResource, part: _Part, price: Price, hours: Decimal) -> Row:
    monthly = part.count * price.usd * (hours if price.unit is Unit.HOUR else 1)
    return Row(resource.address, part.what, part.count, price, monthly)


def _parts(resource: PlannedResource, everything: Sequence[PlannedResource]) -> Iterator[_Part]:
    if resource.type == "aws_launch_template":
        yield from _disks(resource, everything)
    elif resource.type in _PRICED:
        yield from _PRICED[resource.type](resource)


def _one(resource: PlannedResource) -> Iterator[_Part]:
    del resource
    yield _Part("", Decimal(1), "1")


def _control_plane(resource: PlannedResource) -> Iterator[_Part]:
    del resource
    yield _Part("standard support", Decimal(1), "1 control plane, while its version has standard support")


def _nodes(resource: PlannedResource) -> Iterator[_Part]:
    kinds = resource.values.get("instance_types")
    if not isinstance(kinds, list) or len(kinds) != 1:
        raise _Unknown("which instance type its nodes have is not known before an apply")
    spot = resource.values.get("capacity_type") == "SPOT"
    size = f"{kinds[0]} spot" if spot else str(kinds[0])
    count = _node_count(resource)
    yield _Part(size, count, f"{count} x {size}")


def _node_count(group: PlannedResource) -> Decimal:
    scaling = group.values.get("scaling_config")
    if not isinstance(scaling, list) or not scaling or not isinstance(scaling[0], dict):
        raise _Unknown("how many nodes it has is not known before an apply")
    return _number(scaling[0], "desired_size")


def _disks(template: PlannedResource, everything: Sequence[PlannedResource]) -> Iterator[_Part]:
    """Yield the disks of the nodes that are made by a template: those of the group beside it, under the same key."""
    groups = [
        each
        for each in everything
        if each.type == "aws_eks_node_group" and _beside(each.address) == _beside(template.address)
    ]
    if len(groups) != 1:
        raise _Unknown("which nodes have the disks of this template is not known before an apply")
    nodes = _node_count(groups[0])
    mappings = template.values.get("block_device_mappings")
    for mapping in mappings if isinstance(mappings, list) else []:
        for disk in mapping.get("ebs") or []:
            size = _number(disk, "volume_size")
            kind = _text(disk, "volume_type")
            yield _Part(kind, nodes * size, f"{nodes} x {size} GB of {kind}")


def _beside(address: str) -> tuple[str, str]:
    """Return the module of an address and the key of its instance, which things made for each other share."""
    module, _, _ = address.rpartition("aws_")
    key = re.search(r"\[[^\]]*\]$", address)
    return module, key[0] if key else ""


# What RDS takes where no type and no IOPS are given:
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
_DEFAULT_DISK: Final = "gp2"


def _database(resource: PlannedResource) -> Iterator[_Part]:
    if not isinstance(resource.values.get("multi_az"), bool):
        raise _Unknown("whether it has a standby is not known before an apply")
    copies = Decimal(2 if resource.values["multi_az"] else 1)
    kind = _text(resource.values, "instance_class")
    yield _Part(kind, copies, f"{copies} x {kind}")
    size = _number(resource.values, "allocated_storage")
    disk = resource.values.get("storage_type") or _DEFAULT_DISK
    yield _Part(str(disk), copies * size, f"{copies} x {size} GB of {disk}")


def _cache(resource: PlannedResource) -> Iterator[_Part]:
    values = resource.values
    named = [name for name in ("num_cache_clusters", "number_cache_clusters") if values.get(name) is not None]
    if named:
        nodes = _number(values, named[0])
    else:
        nodes = _number(values, "num_node_groups") * (_number(values, "replicas_per_node_group") + 1)
    kind = _text(values, "node_type")
    yield _Part(kind, nodes, f"{nodes} x {kind}")


def _number(values: Mapping[str, object], name: str) -> Decimal:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _Unknown(f"its {name} is not known before an apply")
    return Decimal(str(value))


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise _Unknown(f"its {name} is not known before an apply")
    return value


_PRICED: Final[Mapping[str, Callable[[PlannedResource], Iterator[_Part]]]] = {
    "aws_nat_gateway": _one,
    "aws_eip": _one,
    "aws_eks_cluster": _control_plane,
    "aws_eks_node_group": _nodes,
    "aws_db_instance": _database,
    "aws_elasticache_replication_group": _cache,
    "aws_kms_key": _one,
    "aws_secretsmanager_secret": _one,
    "aws_cloudwatch_metric_alarm": _one,
    "aws_cloudwatch_log_metric_filter": _one,
}

# Sizes of the list whose amount is a matter of use.
_USES: Final[Mapping[str, tuple[str, ...]]] = {
    "aws_nat_gateway": ("traffic",),
    "aws_s3_bucket": ("standard",),
    "aws_efs_file_system": ("standard",),
    "aws_ecr_repository": ("",),
    "aws_cloudwatch_log_group": ("ingestion", "kept"),
    "aws_sns_topic": ("",),
}

# What costs nothing by itself: rules, names and settings of things that are priced where they stand. Budgets are free
# without actions (https://aws.amazon.com/aws-cost-management/aws-budgets/pricing/), IAM is free of charge
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/introduction.html), so are the parts of a VPC named here
# (https://aws.amazon.com/vpc/pricing/); a flow log costs what its log group takes in.
FREE: Final = frozenset(
    {
        "aws_budgets_budget",
        "aws_db_parameter_group",
        "aws_db_subnet_group",
        "aws_default_network_acl",
        "aws_default_route_table",
        "aws_default_security_group",
        "aws_ecr_lifecycle_policy",
        "aws_efs_access_point",
        "aws_efs_backup_policy",
        "aws_efs_file_system_policy",
        "aws_efs_mount_target",
        "aws_eks_addon",
        "aws_elasticache_parameter_group",
        "aws_elasticache_subnet_group",
        "aws_flow_log",
        "aws_iam_instance_profile",
        "aws_iam_openid_connect_provider",
        "aws_iam_policy",
        "aws_iam_role",
        "aws_iam_role_policy",
        "aws_iam_role_policy_attachment",
        "aws_internet_gateway",
        "aws_kms_alias",
        "aws_network_acl",
        "aws_network_acl_rule",
        "aws_route",
        "aws_route_table",
        "aws_route_table_association",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_logging",
        "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket_policy",
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_versioning",
        "aws_secretsmanager_secret_policy",
        "aws_secretsmanager_secret_rotation",
        "aws_secretsmanager_secret_version",
        "aws_security_group",
        "aws_security_group_rule",
        "aws_sns_topic_policy",
        "aws_sns_topic_subscription",
        "aws_subnet",
        "aws_vpc",
    }
)
