"""Network namespaces, found again by what the kernel calls them, whoever is in them by then."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.chaos import tools

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from seatrial.chaos.lease import State

_NAMED = Path("/run/netns")
_COMMENT = "seatrial-"
_KERNELS_OWN = "0:"
_OURS = "5[0-9a-f]{3}:"


@dataclass(frozen=True)
class NetworkSpace:
    """A network namespace and the interface of it that faults are done to.

    *inode* is the kernel's number of it. In one that is *shared*, others change rules and links meanwhile (a node's, in
    which pods come and go): there only what is on the interface itself must stay as it was. *name* is what persons call
    it.
    """

    inode: int
    interface: str
    shared: bool = False
    name: str = ""

    @classmethod
    def at(cls, path: Path, interface: str, *, shared: bool = False, name: str = "") -> NetworkSpace:
        """Return the one at *path*, such as ``/proc/1/ns/net``. Raises OSError when there is none."""
        return cls(path.stat().st_ino, interface, shared, name)

    @property
    def path(self) -> Path | None:
        """Where it can be entered now; None when it does not exist any more, and all in it with it."""
        return next((place for place in _places() if _inode(place) == self.inode), None)

    def run(self, words: Sequence[str]) -> str:
        """Run a command in it and return what it printed. Raises ToolFailed, also when the namespace is gone."""
        path = self.path
        if path is None:
            raise tools.ToolFailed(f"the network namespace {self.inode} is gone")
        return tools.run(["nsenter", f"--net={path}", *words])

    def rules(self) -> tuple[str, ...]:
        """Return its packet filter's rules, each with its table before it; none when it is gone."""
        if self.path is None:
            return ()
        found, table = [], ""
        for line in self.run(["iptables-save"]).splitlines():
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith("-A"):
                found.append(f"{table} {line}")
        return tuple(found)

    def marked_rules(self, mark: str) -> tuple[str, ...]:
        """Return those rules that carry *mark*."""
        return tuple(rule for rule in self.rules() if f"{_COMMENT}{mark}" in rule.split())

    def add_rule(self, mark: str, table: str, chain: str, words: Sequence[str]) -> None:
        """Put a rule that carries *mark* at the head of *chain*. Raises ToolFailed."""
        comment = ("-m", "comment", "--comment", f"{_COMMENT}{mark}")
        matching, target = words[: words.index("-j")], words[words.index("-j") :]
        self.run(["iptables", "--wait", "-t", table, "-I", chain, *matching, *comment, *target])

    def remove_rules(self, mark: str) -> None:
        """Remove all rules that carry *mark*. Raises ToolFailed unless they are gone then."""
        for rule in self.marked_rules(mark):
            table, _, chain, *words = shlex.split(rule)
            with suppress(
                tools.ToolFailed
            ):  # somebody else may remove it at the same time; what counts is what is left
                self.run(["iptables", "--wait", "-t", table, "-D", chain, *words])
        left = self.marked_rules(mark)
        if left:
            raise tools.ToolFailed(f"rules are left: {'; '.join(left)}")

    def add_qdisc(self, mark: str, words: Sequence[str]) -> None:
        """Give the interface a queueing discipline that carries *mark*. Raises ToolFailed."""
        self.run(["tc", "qdisc", "add", "dev", self.interface, "root", "handle", _handle(mark), *words])

    def marked_qdisc(self, mark: str) -> str:
        """Return the queueing discipline that carries *mark*; empty when there is none."""
        if self.path is None:
            return ""
        found = self.run(["tc", "qdisc", "show", "dev", self.interface]).splitlines()
        return next((line for line in found if f" {_handle(mark)} " in line), "")

    def remove_qdisc(self, mark: str) -> None:
        """Remove the queueing discipline that carries *mark*, if there is one. Raises ToolFailed."""
        if self.marked_qdisc(mark):
            self.run(["tc", "qdisc", "del", "dev", self.interface, "root"])

    def disciplines(self) -> tuple[str, ...]:
        """Return the queueing disciplines that somebody gave the interface, those of faults left out."""
        if self.path is None:
            return ()
        found = json.loads(self.run(["tc", "-json", "qdisc", "show", "dev", self.interface]) or "[]")
        return tuple(
            f"{one['kind']} {json.dumps(one.get('options', {}), sort_keys=True)}"
            for one in found
            if one["handle"] != _KERNELS_OWN and not re.fullmatch(_OURS, one["handle"])
        )

    def state(self) -> State:
        """Return its queueing disciplines, links, addresses, routes and rules; nothing at all when it is gone.

        What carries the mark of a fault is left out: several can be done to one, and end in any order.
        """
        if self.path is None:
            return {}
        one = ["dev", self.interface] if self.shared else []
        # A link is told with its discipline.
        links = re.sub(r" qdisc \S+", "", self.run(["ip", "-oneline", "link", "show", *one]))
        whole: State = {
            "queueing disciplines": self.disciplines(),
            "links": tuple(links.splitlines()),
            "addresses": tuple(self.run(["ip", "-brief", "address", "show", *one]).splitlines()),
            "routes": tuple(self.run(["ip", "route", "show", *one]).splitlines()),
        }
        rules = tuple(rule for rule in self.rules() if f"--comment {_COMMENT}" not in rule)
        return whole if self.shared else {**whole, "rules": rules}

    def __str__(self) -> str:
        return f"the network of {self.name}" if self.name else f"{self.interface} in network namespace {self.inode}"


def _handle(mark: str) -> str:
    # The kernel numbers from 8001 on what nobody numbers.
    return f"5{mark[:3]}:"


def _places() -> Iterator[Path]:
    if _NAMED.is_dir():
        yield from sorted(_NAMED.iterdir())
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            yield entry / "ns" / "net"


def _inode(place: Path) -> int | None:
    try:
        return place.stat().st_ino
    except OSError:
        return None
