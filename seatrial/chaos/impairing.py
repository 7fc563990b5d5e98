"""``python -m seatrial.chaos.impairing``: let the packets of a queue pass late, changed, twice, or not at all.

It enters the network namespace given and is the fault as long as it runs: the rules that lead packets here let them
pass by as soon as nobody takes them. It ends when its standard input does. Imports nothing but the standard library, so
that it starts at once.
"""

from __future__ import annotations

import ctypes
import heapq
import json
import os
import random
import select
import socket
import sys
import time
from dataclasses import dataclass, field

from seatrial.chaos.nfqueue import ACCEPT, DROP, WHOLE, Packet, Queue

_NETWORK = 0x40000000  # CLONE_NEWNET
_SO_MARK = 36
_PACKET_MARK = 0x5EA7
_HEADERS = 128
_MOST_HELD = 20000
_IPV4 = 4
_HEADER_LENGTH = 20


@dataclass(frozen=True)
class Settings:
    """What is done to packets: seconds of delay and jitter, and shares (0 to 1) that are lost, doubled and so on."""

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0
    corruption: float = 0.0
    reordering: float = 0.0

    @property
    def needs_content(self) -> bool:
        """Whether a packet's whole content has to be seen."""
        return bool(self.duplication or self.corruption)


@dataclass
class Impairment:
    """Decides what happens to each packet, and counts. *chance* draws between 0 and 1."""

    settings: Settings
    chance: random.Random = field(default_factory=random.Random)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("seen", "delayed", "lost", "duplicated", "corrupted", "reordered"), 0)
    )

    def draw(self, kind: str, share: float) -> bool:
        """Whether it happens to this packet; it is counted if so."""
        happens = share > 0 and self.chance.random() < share
        self.counts[kind] += happens
        return happens

    def pause(self) -> float:
        """Return for how long, in seconds, the next packet is held.

        It is drawn evenly from the delay minus to plus the jitter. The share that is reordered overtakes the others, as
        netem does it: those packets are not held at all.
        """
        wait = self.settings.delay
        if self.settings.jitter:
            wait += self.chance.uniform(-self.settings.jitter, self.settings.jitter)
        if self.draw("reordered", self.settings.reordering):
            wait = 0.0
        self.counts["delayed"] += wait > 0
        return max(0.0, wait)

    def corrupted(self, payload: bytes) -> bytes:
        """Return *payload* with one bit turned, behind the IP header if there is anything."""
        start = min(4 * (payload[0] & 0x0F), len(payload) - 1) if payload else 0
        if not payload:
            return payload
        changed = bytearray(payload)
        place = self.chance.randrange(start, len(changed))
        changed[place] ^= 1 << self.chance.randrange(8)
        return bytes(changed)


def _twin() -> socket.socket:
    """Return a socket that sends whole IP packets, marked so that they are not taken for new ones."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW)
    raw.setsockopt(socket.SOL_SOCKET, _SO_MARK, _PACKET_MARK)
    return raw


def _send_twin(raw: socket.socket, payload: bytes) -> None:
    if len(payload) >= _HEADER_LENGTH and payload[0] >> 4 == _IPV4:
        raw.sendto(payload, (socket.inet_ntoa(payload[16:20]), 0))


@dataclass
class _Line:
    """The packets of a queue on their way: those that are held, each with its time, are let go when that has come."""

    queue: Queue
    impairment: Impairment
    raw: socket.socket | None
    held: list[tuple[float, int, Packet, bytes | None]] = field(default_factory=list)
    order: int = 0

    @property
    def wait(self) -> float | None:
        """How many seconds it is until the next packet is to go; None when none is held."""
        return max(0.0, self.held[0][0] - time.monotonic()) if self.held else None

    def take(self, packet: Packet) -> None:
        """Decide about a packet that has come."""
        impairment = self.impairment
        impairment.counts["seen"] += 1
        if impairment.draw("lost", impairment.settings.loss):
            self.queue.decide(packet, DROP)
            return
        if self.raw is not None and impairment.draw("duplicated", impairment.settings.duplication):
            _send_twin(self.raw, packet.payload)
        corrupt = impairment.draw("corrupted", impairment.settings.corruption)
        changed = impairment.corrupted(packet.payload) if corrupt else None
        pause = impairment.pause()
        if pause and len(self.held) < _MOST_HELD:
            self.order += 1
            heapq.heappush(self.held, (time.monotonic() + pause, self.order, packet, changed))
        else:
            self.queue.decide(packet, ACCEPT, changed)

    def let_go(self, until: float) -> None:
        """Let the packets go whose time has come by *until*."""
        while self.held and self.held[0][0] <= until:
            _, _, packet, changed = heapq.heappop(self.held)
            self.queue.decide(packet, ACCEPT, changed)


def _work(line: _Line) -> None:
    while True:
        readable, _, _ = select.select([line.queue, sys.stdin], [], [], line.wait)
        if sys.stdin in readable:
            if not sys.stdin.readline():
                line.let_go(float("inf"))
                return
            _say(json.dumps(line.impairment.counts))
        if line.queue in readable:
            for packet in line.queue.packets():
                line.take(packet)
        line.let_go(time.monotonic())


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def enter(path: str, kind: int) -> None:
    """Move this process into the namespace at *path*. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if library.setns(descriptor, kind) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")
    finally:
        os.close(descriptor)


def main() -> None:
    """Do what the settings given as JSON say, until standard input ends."""
    given = json.loads(sys.argv[2])
    enter(given["space"], _NETWORK)
    settings = Settings(**given["impairment"])
    queue = Queue(given["queue"], copied=WHOLE if settings.needs_content else _HEADERS)
    raw = _twin() if settings.duplication else None
    _say("ready")
    _work(_Line(queue, Impairment(settings), raw))


if __name__ == "__main__":
    main()
