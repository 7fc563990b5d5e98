"""The network of an embedded cluster: a bridge in a namespace of its own, one cable per node and one to the host.

The host's own network namespace gets one link with one address and nothing else: no bridge, no rule, no forwarding. So
packet filters of the host (Docker's among them) never see the cluster's traffic, and removing the namespaces removes
every route and rule there was.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from seatrial.cluster.command import run
from seatrial.cluster.layout import PLAN, Layout, NodePlan
from seatrial.errors import UsageError

NAMESPACES = Path("/run/netns")
_CANDIDATES = tuple(IPv4Network(f"10.{second}.0.0/24") for second in range(89, 120))
_BRIDGE = "bridge"
_PORT = "eth0"


@dataclass(frozen=True)
class Subnet:
    """The addresses of one cluster's node network."""

    network: IPv4Network

    @property
    def bridge(self) -> IPv4Address:
        """The bridge itself: gateway of the nodes, and where the registry listens."""
        return self.network[1]

    @property
    def host(self) -> IPv4Address:
        """This machine, as the nodes see it."""
        return self.network[254]

    def node(self, node: NodePlan) -> IPv4Address:
        """The address of *node*."""
        return self.network[node.index]


def _json(*words: str) -> list[dict[str, object]]:
    text = run(["ip", "-json", *words]).stdout.strip()
    return json.loads(text) if text else []


def networks_in_use() -> tuple[IPv4Network, ...]:
    """Return every IPv4 network that the host has an address in or a route to, the default route left out."""
    found: list[IPv4Network] = []
    for route in _json("-4", "route", "show", "table", "all"):
        destination = str(route["dst"])
        if destination != "default":
            with contextlib.suppress(ValueError):
                found.append(IPv4Network(destination, strict=False))
    for link in _json("-4", "address", "show"):
        for address in link.get("addr_info", []):  # type: ignore[attr-defined]
            found.append(IPv4Network(f"{address['local']}/{address['prefixlen']}", strict=False))  # noqa: PERF401
    return tuple(found)


def free_subnet(in_use: tuple[IPv4Network, ...]) -> Subnet:
    """Return the first candidate range that overlaps nothing in *in_use*.

    Raises UsageError when all are taken.
    """
    for candidate in _CANDIDATES:
        if not any(candidate.overlaps(other) for other in in_use):
            return Subnet(candidate)
    message = (
        f"No free address range for the cluster: all of {_CANDIDATES[0]} to {_CANDIDATES[-1]} overlap routes of this "
        "machine; remove an unused one (see `ip route`)."
    )
    raise UsageError(message)


def _spaces(layout: Layout) -> tuple[str, ...]:
    return (layout.switch, *(layout.network_namespace(node) for node in PLAN))


def _exists(namespace: str) -> bool:
    return (NAMESPACES / namespace).exists()


def _batch(namespace: str | None, *lines: str) -> None:
    where = ["-netns", namespace] if namespace else []
    run(["ip", *where, "-batch", "-"], stdin="\n".join(lines) + "\n")


def _port(node: NodePlan) -> str:
    return f"port{node.index}"


def create(layout: Layout, subnet: Subnet) -> None:
    """Lay bridge and cables; the namespaces must not exist yet."""
    _batch(None, *(f"netns add {space}" for space in _spaces(layout)))
    cables = [
        f"link add {_PORT} netns {layout.network_namespace(node)} type veth "
        f"peer name {_port(node)} netns {layout.switch}"
        for node in PLAN
    ]
    _batch(None, *cables, f"link add {layout.host_link} type veth peer name host netns {layout.switch}")
    _batch(
        layout.switch,
        "link set lo up",
        f"link add {_BRIDGE} type bridge forward_delay 0",
        f"address add {subnet.bridge}/24 dev {_BRIDGE}",
        f"link set {_BRIDGE} up",
        *(f"link set {port} master {_BRIDGE} up" for port in ["host", *map(_port, PLAN)]),
        # What no node owns is refused at once instead of being waited for.
        "route add unreachable default",
    )
    run(["ip", "netns", "exec", layout.switch, "sysctl", "-qw", "net.ipv4.ip_forward=1"])
    for node in PLAN:
        _batch(
            layout.network_namespace(node),
            "link set lo up",
            f"address add {subnet.node(node)}/24 dev {_PORT}",
            f"link set {_PORT} up",
            f"route add default via {subnet.bridge}",
            *(f"route add {other.pod_network} via {subnet.node(other)}" for other in PLAN if other != node),
        )
    _batch(None, f"address add {subnet.host}/24 dev {layout.host_link}", f"link set {layout.host_link} up")


def attached(layout: Layout) -> bool:
    """Whether every namespace and the host's link exist."""
    return all(map(_exists, _spaces(layout))) and Path("/sys/class/net", layout.host_link).exists()


def set_cable(layout: Layout, node: NodePlan, *, connected: bool) -> None:
    """Connect *node* to the bridge, or cut it off; the node itself keeps its link."""
    _batch(layout.switch, f"link set {_port(node)} {'up' if connected else 'down'}")


def cable_connected(layout: Layout, node: NodePlan) -> bool:
    """Whether *node*'s cable carries traffic."""
    link = _json("-netns", layout.switch, "link", "show", "dev", _port(node))[0]
    flags = link["flags"]
    return isinstance(flags, list) and "UP" in flags


def remove(layout: Layout) -> None:
    """Remove whatever exists of the cluster's links and namespaces; nothing else is touched."""
    if Path("/sys/class/net", layout.host_link).exists():
        run(["ip", "link", "delete", layout.host_link], check=False)
    for space in leftovers(layout):
        if run(["ip", "netns", "delete", space], check=False).returncode != 0:
            # Killed between its two steps, `ip netns add` leaves a plain file that is no mount.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(NAMESPACES / space)  # noqa: PTH108


def leftovers(layout: Layout) -> tuple[str, ...]:
    """Return the cluster's network namespaces that exist."""
    return tuple(filter(_exists, _spaces(layout)))
