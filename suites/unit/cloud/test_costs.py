"""What a plan would cost: priced, by use, or not priced, and never nothing by mistake."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from seatrial.cloud.costs import FREE, PlannedResource, Price, PriceList, Unit, estimate, read_prices
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_DAY = date(2025, 6, 1)


def price(resource: str, size: str, unit: Unit, usd: str, day: date = _DAY) -> Price:
    return Price(resource, size, unit, Decimal(usd), "thing", "list", "https://aws.amazon.com/", day)


PRICES = PriceList(
    region="ap-northeast-2",
    hours_per_month=Decimal(730),
    prices=(
        price("aws_nat_gateway", "", Unit.HOUR, "0.059"),
        price("aws_nat_gateway", "traffic", Unit.GB, "0.059"),
        price("aws_eks_cluster", "standard support", Unit.HOUR, "0.10"),
        price("aws_eks_cluster", "extended support", Unit.HOUR, "0.60"),
        price("aws_eks_node_group", "t3.medium", Unit.HOUR, "0.052"),
        price("aws_eks_node_group", "t3.large spot", Unit.HOUR, "0.04"),
        price("aws_launch_template", "gp3", Unit.GB_MONTH, "0.0912"),
        price("aws_db_instance", "db.t3.micro", Unit.HOUR, "0.028"),
        price("aws_db_instance", "gp3", Unit.GB_MONTH, "0.131"),
        price("aws_elasticache_replication_group", "cache.t3.micro", Unit.HOUR, "0.025"),
        price("aws_s3_bucket", "standard", Unit.GB_MONTH, "0.025", date(2024, 1, 1)),
        price("aws_kms_key", "", Unit.MONTH, "1"),
    ),
)


def planned(kind: str, address: str = "", /, **values: object) -> PlannedResource:
    return PlannedResource(address or f"{kind}.this", kind, values)


def store(**values: object) -> PlannedResource:
    known: dict[str, object] = {"instance_class": "db.t3.micro", "allocated_storage": 20, "storage_type": "gp3"}
    return planned("aws_db_instance", **{**known, **values})


def group(kind: str = "t3.medium", nodes: object = 3, **values: object) -> PlannedResource:
    scaling = [{"min_size": 1, "desired_size": nodes, "max_size": 9}]
    address = 'module.cluster.aws_eks_node_group.this["system"]'
    return planned("aws_eks_node_group", address, instance_types=[kind], scaling_config=scaling, **values)


@pytest.mark.parametrize(
    ("resource", "monthly"),
    [
        (planned("aws_nat_gateway"), ["43.07"]),
        (planned("aws_eks_cluster"), ["73"]),
        (group(), ["113.88"]),
        (group("t3.large", 2, capacity_type="SPOT"), ["58.4"]),
        (planned("aws_kms_key"), ["1"]),
        (
            planned(
                "aws_db_instance", instance_class="db.t3.micro", multi_az=True, allocated_storage=20, storage_type="gp3"
            ),
            ["40.88", "5.24"],
        ),
        (
            planned(
                "aws_db_instance",
                instance_class="db.t3.micro",
                multi_az=False,
                allocated_storage=20,
                storage_type="gp3",
            ),
            ["20.44", "2.62"],
        ),
        (planned("aws_elasticache_replication_group", node_type="cache.t3.micro", num_cache_clusters=2), ["36.5"]),
        (planned("aws_elasticache_replication_group", node_type="cache.t3.micro", number_cache_clusters=1), ["18.25"]),
        (
            planned(
                "aws_elasticache_replication_group",
                node_type="cache.t3.micro",
                num_node_groups=2,
                replicas_per_node_group=1,
            ),
            ["73"],
        ),
    ],
    ids=lambda each: " and ".join(each) if isinstance(each, list) else each.type,
)
def test_what_has_a_price_is_reckoned(resource: PlannedResource, monthly: list[str]) -> None:
    told = estimate([resource], PRICES)
    assert [each.monthly for each in told.rows] == [Decimal(each) for each in monthly]
    assert told.complete
    assert told.total == sum(map(Decimal, monthly))


def test_disks_are_of_the_nodes_beside_their_template() -> None:
    disks = [{"ebs": [{"volume_type": "gp3", "volume_size": 20}]}]
    template = planned(
        "aws_launch_template", 'module.cluster.aws_launch_template.nodes["system"]', block_device_mappings=disks
    )
    (row,) = (each for each in estimate([template, group()], PRICES).rows if each.address == template.address)
    assert (row.quantity, row.monthly) == (Decimal(60), Decimal("5.472"))
    alone = estimate([template], PRICES)
    assert [each.address for each in alone.unpriced] == [template.address]
    assert alone.total == 0


def test_what_is_charged_by_use_is_no_part_of_the_total_and_said() -> None:
    told = estimate([planned("aws_s3_bucket"), planned("aws_nat_gateway")], PRICES)
    assert [(each.address, each.price.size) for each in told.by_use] == [
        ("aws_nat_gateway.this", "traffic"),
        ("aws_s3_bucket.this", "standard"),
    ]
    assert told.complete
    assert told.total == Decimal("43.07")


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (planned("aws_msk_cluster"), "no price is known for aws_msk_cluster"),
        (planned("aws_eip"), "no price is known for aws_eip"),
        (planned("aws_ecr_repository"), "no price is known for aws_ecr_repository"),
        (group("m7i.large"), "no price is known for aws_eks_node_group m7i.large"),
        (group("t3.large"), "no price is known for aws_eks_node_group t3.large"),
        (group(nodes=None), "its desired_size is not known before an apply"),
        (planned("aws_eks_node_group", instance_types=["t3.medium"]), "how many nodes it has is not known"),
        (planned("aws_eks_node_group"), "which instance type its nodes have is not known"),
        (planned("aws_db_instance", instance_class="db.t3.micro"), "whether it has a standby is not known"),
        (planned("aws_elasticache_replication_group", num_cache_clusters=2), "its node_type is not known"),
        (planned("aws_elasticache_replication_group", node_type="cache.t3.micro"), "its num_node_groups is not known"),
    ],
)
def test_what_cannot_be_priced_is_listed_with_the_reason(resource: PlannedResource, why: str) -> None:
    told = estimate([resource, planned("aws_kms_key")], PRICES)
    assert not told.complete
    (missing,) = told.unpriced
    assert missing.address == resource.address
    assert missing.why.startswith(why)
    assert told.total == 1


def test_a_part_without_a_price_does_not_hide_the_others() -> None:
    told = estimate([store(multi_az=False, storage_type="io2")], PRICES)
    assert [each.what for each in told.rows] == ["1 x db.t3.micro"]
    assert [each.why for each in told.unpriced] == ["no price is known for aws_db_instance io2"]


def test_what_is_free_is_not_listed() -> None:
    told = estimate([planned(each) for each in sorted(FREE)], PRICES)
    assert (told.rows, told.by_use, told.unpriced) == ((), (), ())
    assert told.oldest_price is None


def test_the_table_has_all_three_kinds_of_lines() -> None:
    told = estimate([planned("aws_s3_bucket"), planned("aws_kms_key"), planned("aws_msk_cluster")], PRICES)
    assert told.table() == (
        "| resource | what | monthly (USD) |\n"
        "|---|---|---:|\n"
        "| `aws_kms_key.this` | 1 | 1.00 |\n"
        "| **all of these** | ap-northeast-2, prices of 2024-01-01 or later | **1.00** |\n"
        "| `aws_s3_bucket.this` | 0.025 USD for each gb-month: thing | by use |\n"
        "| `aws_msk_cluster.this` | no price is known for aws_msk_cluster | not priced |\n"
    )


_FILE = """
region = "ap-northeast-2"
currency = "USD"
hours_per_month = 730

[[price]]
resource = "aws_kms_key"
unit = "month"
usd = 1.10
per = "key"
basis = "list"
source = "https://aws.amazon.com/kms/pricing/"
date = 2025-06-01
"""


def test_prices_are_read(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(_FILE)
    listed = read_prices(file)
    assert (listed.region, listed.hours_per_month) == ("ap-northeast-2", Decimal(730))
    found = listed.find("aws_kms_key", "")
    assert found == Price(
        "aws_kms_key", "", Unit.MONTH, Decimal("1.1"), "key", "list", "https://aws.amazon.com/kms/pricing/", _DAY
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("usd = 1.10", "usd = 0"), "aws_kms_key costs 0"),
        (("usd = 1.10", "usd = nan"), "aws_kms_key costs NaN"),
        (("usd = 1.10", 'usd = "dear"'), "are not as they should be"),
        (('unit = "month"', 'unit = "year"'), "'year' is not a valid Unit"),
        (("date = 2025-06-01", 'date = "yesterday"'), "has the date 'yesterday'"),
        (("hours_per_month = 730", ""), "lack 'hours_per_month'"),
        (('source = "https://aws.amazon.com/kms/pricing/"', ""), "lack 'source'"),
        (("[[price]]", "[[price"), "are not as they should be"),
        ((_FILE, _FILE + _FILE[_FILE.index("[[price]]") :]), "have aws_kms_key  ?twice"),
    ],
)
def test_prices_that_are_wrong_are_refused_in_a_sentence(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    file = tmp_path / "prices.toml"
    assert change[0] in _FILE
    file.write_text(_FILE.replace(*change))
    with pytest.raises(UsageError, match=said):
        read_prices(file)


def test_prices_that_are_missing_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        read_prices(tmp_path / "none.toml")
