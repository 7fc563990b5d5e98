"""Which addresses the cluster may take."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from seatrial.cluster.layout import PLAN, Layout
from seatrial.cluster.network import free_subnet
from seatrial.errors import UsageError


def test_the_first_range_that_overlaps_nothing_is_taken() -> None:
    in_use = (IPv4Network("10.89.0.0/16"), IPv4Network("10.90.0.128/25"), IPv4Network("192.168.1.0/24"))
    assert free_subnet(in_use).network == IPv4Network("10.91.0.0/24")


def test_a_machine_without_a_free_range_is_told_so_in_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"^No free address range for the cluster: .*ip route.*\.$"):
        free_subnet((IPv4Network("10.0.0.0/8"),))


def test_every_address_of_a_subnet_is_another() -> None:
    subnet = free_subnet(())
    addresses = [subnet.bridge, subnet.host, *(subnet.node(node) for node in PLAN)]
    assert len(set(addresses)) == len(addresses)
    assert all(address in subnet.network for address in addresses)
    assert subnet.node(PLAN[0]) == IPv4Address("10.89.0.2")


def test_pod_ranges_do_not_overlap() -> None:
    ranges = [IPv4Network(node.pod_network) for node in PLAN]
    assert not any(one.overlaps(other) for one in ranges for other in ranges if one is not other)


def test_the_link_on_the_host_has_a_name_that_the_kernel_takes() -> None:
    assert len(Layout("a-name-that-is-much-too-long").host_link) <= 15
