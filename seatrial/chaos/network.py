"""Faults of the network, done inside of a pod's or a node's network namespace.

Packets are delayed, lost and so on by netem where the kernel has it and the whole interface is meant, else by a process
of ours that takes them from a queue past which they go as soon as it ends.
"""

from __future__ import annotations

import socket
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import TypeAdapter

from seatrial.chaos import tools
from seatrial.chaos.fault import registered
from seatrial.chaos.impairing import Settings
from seatrial.chaos.injector import Injector, marked
from seatrial.chaos.spaces import NetworkSpace  # noqa: TC001 (leases are read by these annotations)

if TYPE_CHECKING:
    from seatrial.chaos.lease import State

Direction = Literal["out", "in", "both"]
DNS_PORT = 53
_HOOKS = {"out": ("POSTROUTING", "-o", "--destination"), "in": ("PREROUTING", "-i", "--source")}
# What queues a packet's own copy of a packet carries this, so that it is not taken for a new one.
_NOT_OURS = ("-m", "mark", "!", "--mark", "0x5ea7")
_DISCARD = 9
_REFUSED = 111  # ECONNREFUSED


@dataclass(frozen=True)
class Flow:
    """Which packets of an interface: in what direction, to or from whom, of which protocol and port at the other end.

    No *peers* mean everybody. *peers* are addresses or networks.
    """

    direction: Direction = "out"
    peers: tuple[str, ...] = ()
    protocol: Literal["tcp", "udp", ""] = ""
    port: int = 0

    def __post_init__(self) -> None:
        for peer in self.peers:
            IPv4Network(peer)
        if self.port and not self.protocol:
            raise ValueError("a port needs a protocol")

    @classmethod
    def toward(cls, direction: str, peers: tuple[str, ...] = (), protocol: str = "", port: int = 0) -> Flow:
        """Return it from plain words. Raises ValueError for a direction or a protocol that does not exist."""
        made: Flow = TypeAdapter(cls).validate_python(
            {"direction": direction, "peers": peers, "protocol": protocol, "port": port}
        )
        return made

    @property
    def everything(self) -> bool:
        """Whether it is all that leaves the interface."""
        return self.direction == "out" and not self.peers and not self.protocol

    def matches(self, interface: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return, for each rule it takes, the chain and the words that match its packets."""
        found = []
        for way in ("out", "in") if self.direction == "both" else (self.direction,):
            chain, device, address = _HOOKS[way]
            words = [device, interface]
            if self.protocol:
                words += ["-p", self.protocol]
            if self.port:
                words += ["--dport" if way == "out" else "--sport", str(self.port)]
            found += [(chain, (*words, address, peer)) for peer in self.peers] or [(chain, tuple(words))]
        return tuple(found)

    def __str__(self) -> str:
        whom = ", ".join(self.peers) or "everybody"
        what = f" {self.protocol}{f' port {self.port}' if self.port else ''}" if self.protocol else ""
        return f"{self.direction}{what}, {whom}"


@cache
def netem_there() -> bool:
    """Whether the kernel has netem; tried in a network namespace that is gone at once."""
    try:
        tools.run(["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"])
    except tools.ToolFailed:
        return False
    return True


@registered
@dataclass(frozen=True)
class Impairment:
    """Packets of a flow come late, not at all, twice, changed or out of order; shares are from 0 to 1."""

    kind: ClassVar[str] = "network-impairment"
    space: NetworkSpace
    flow: Flow = Flow()
    delay: timedelta = timedelta(0)
    jitter: timedelta = timedelta(0)
    loss: float = 0.0
    duplication: float = 0.0
    corruption: float = 0.0
    reordering: float = 0.0
    netem: bool = False

    def __post_init__(self) -> None:
        shares = (self.loss, self.duplication, self.corruption, self.reordering)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError("a share of packets is from 0 to 1")
        if self.jitter > self.delay:
            raise ValueError("packets cannot come early: the jitter is at most the delay")
        if self.reordering and not self.delay:
            raise ValueError("packets overtake others only where those are delayed")
        if not (any(shares) or self.delay):
            raise ValueError("nothing is to happen to packets")

    @classmethod
    def best(cls, space: NetworkSpace, flow: Flow, **what: timedelta | float) -> Impairment:
        """Return it done by netem where that is there and can do it, else by a process of ours."""
        return cls(space, flow, **what, netem=flow.everything and netem_there())  # type: ignore[arg-type]

    @property
    def target(self) -> str:
        return f"{self.space} ({self.flow})"

    def inject(self, mark: str) -> Injector | None:
        if self.netem:
            self.space.add_qdisc(mark, self.netem_words())
            return None
        settings = Settings(
            delay=self.delay.total_seconds(),
            jitter=self.jitter.total_seconds(),
            loss=self.loss,
            duplication=self.duplication,
            corruption=self.corruption,
            reordering=self.reordering,
        )
        queue = int(mark[:4], 16)
        given = {"space": str(self.space.path), "queue": queue, "impairment": asdict(settings)}
        injector = Injector.start("seatrial.chaos.impairing", mark, given)
        try:
            for chain, words in self.flow.matches(self.space.interface):
                target = ("-j", "NFQUEUE", "--queue-num", str(queue), "--queue-bypass")
                self.space.add_rule(mark, "mangle", chain, [*words, *_NOT_OURS, *target])
        except BaseException:
            injector.close()
            raise
        return injector

    def netem_words(self) -> tuple[str, ...]:
        """Return how netem is told the same (tc-netem(8))."""
        words = ["netem"]
        if self.delay:
            words += ["delay", f"{self.delay.total_seconds() * 1000:g}ms", f"{self.jitter.total_seconds() * 1000:g}ms"]
        named = {"loss": self.loss, "duplicate": self.duplication, "corrupt": self.corruption}
        for name, share in {**named, "reorder": self.reordering}.items():
            if share:
                words += [name, f"{share * 100:g}%"]
        return tuple(words)

    def effect(self, mark: str, injector: Injector | None) -> str:
        """Return what the queue's process has seen of real packets; one is sent, so that there is any to see."""
        if self.netem:
            return self.space.marked_qdisc(mark)
        rules = self.space.marked_rules(mark)
        if injector is None or len(rules) != len(self.flow.matches(self.space.interface)):
            return ""
        if self.flow.direction == "in":
            # Nothing can be sent from here that comes in; the rules are there, and their queue's process answers.
            injector.ask()
            return "; ".join(rules)
        send_one(self.space, self.flow)
        counts = injector.ask()
        return f"{counts['seen']} packets were taken" if counts["seen"] else ""

    def undo(self, mark: str) -> None:
        if self.netem:
            self.space.remove_qdisc(mark)
        self.space.remove_rules(mark)

    def residue(self, mark: str) -> tuple[str, ...]:
        found = (*self.space.marked_rules(mark), *(f"process {process}" for process in marked(mark)))
        discipline = self.space.marked_qdisc(mark) if self.netem else ""
        return (*found, discipline) if discipline else found

    def state(self) -> State:
        return self.space.state()


def send_one(space: NetworkSpace, flow: Flow) -> None:
    """Send one small packet of *flow* from within *space*, whether or not it arrives."""
    host = str(IPv4Network(flow.peers[0])[0]) if flow.peers else _neighbour(space)
    port = flow.port or _DISCARD
    kind = {"tcp": "SOCK_STREAM"}.get(flow.protocol, "SOCK_DGRAM")
    program = (
        f"import socket, sys; s = socket.socket(socket.AF_INET, socket.{kind}); s.setblocking(False); "
        "s.connect_ex((sys.argv[1], int(sys.argv[2]))); "
    )
    program += "" if flow.protocol == "tcp" else "s.send(b'seatrial')"
    space.run([sys.executable, "-I", "-S", "-c", program, host, str(port)])


def _neighbour(space: NetworkSpace) -> str:
    """Return an address that packets leave the interface for: its gateway, or one beside its own."""
    for line in space.run(["ip", "route", "show", "dev", space.interface]).splitlines():
        words = line.split()
        if "via" in words:
            return words[words.index("via") + 1]
    for line in space.run(["ip", "route", "show", "dev", space.interface]).splitlines():
        network = IPv4Network(line.split()[0])
        own = line.split()[line.split().index("src") + 1] if "src" in line.split() else ""
        return next(str(host) for host in network.hosts() if str(host) != own)
    return str(IPv4Address(socket.INADDR_LOOPBACK))


def partition(space: NetworkSpace, flow: Flow) -> Impairment:
    """Return the fault that no packet of *flow* passes, one way or both."""
    return Impairment(space, flow, loss=1.0)


def name_failure(space: NetworkSpace) -> Impairment:
    """Return the fault that questions for names get no answer."""
    return Impairment(space, Flow("out", protocol="udp", port=DNS_PORT), loss=1.0)


@registered
@dataclass(frozen=True)
class Bandwidth:
    """What leaves the interface passes at most at *rate* bits per second, *burst* bytes of it at once (tc-tbf(8))."""

    kind: ClassVar[str] = "network-bandwidth"
    space: NetworkSpace
    rate: int
    burst: int = 16_384
    latency: timedelta = timedelta(milliseconds=400)

    @property
    def target(self) -> str:
        return str(self.space)

    def inject(self, mark: str) -> Injector | None:
        limits = ["rate", f"{self.rate}bit", "burst", str(self.burst), "latency", f"{self.latency.total_seconds()}s"]
        self.space.add_qdisc(mark, ["tbf", *limits])
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        del injector
        return self.space.marked_qdisc(mark)

    def undo(self, mark: str) -> None:
        self.space.remove_qdisc(mark)

    def residue(self, mark: str) -> tuple[str, ...]:
        found = self.space.marked_qdisc(mark)
        return (found,) if found else ()

    def state(self) -> State:
        return self.space.state()


@registered
@dataclass(frozen=True)
class Refusal:
    """Connections out to *peers*, at *port* or at any, are refused at once, as by a machine on which nobody listens."""

    kind: ClassVar[str] = "network-refusal"
    space: NetworkSpace
    peers: tuple[str, ...]
    port: int = 0

    @property
    def target(self) -> str:
        return f"{self.space} (to {', '.join(self.peers)})"

    def inject(self, mark: str) -> Injector | None:
        for peer in self.peers:
            port = ("--dport", str(self.port)) if self.port else ()
            words = ["-p", "tcp", *port, "--destination", peer, "-j", "REJECT", "--reject-with", "tcp-reset"]
            self.space.add_rule(mark, "filter", "OUTPUT", words)
        return None

    def effect(self, mark: str, injector: Injector | None) -> str:
        del injector
        if len(self.space.marked_rules(mark)) != len(self.peers):
            return ""
        program = (
            "import socket, sys; s = socket.socket(); s.settimeout(2); "
            "print(s.connect_ex((sys.argv[1], int(sys.argv[2]))))"
        )
        host = str(IPv4Network(self.peers[0])[0])
        code = self.space.run([sys.executable, "-I", "-S", "-c", program, host, str(self.port or _DISCARD)]).strip()
        return f"a connection to {host} ended with error {code}" if code == str(_REFUSED) else ""

    def undo(self, mark: str) -> None:
        self.space.remove_rules(mark)

    def residue(self, mark: str) -> tuple[str, ...]:
        return self.space.marked_rules(mark)

    def state(self) -> State:
        return self.space.state()
