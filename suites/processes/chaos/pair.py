"""Two network namespaces with a cable between them: a customer in one, a small server in the other."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from seatrial.chaos.spaces import NetworkSpace
from seatrial.waiting import eventually

HERE = "10.199.0.1"
THERE = "10.199.0.2"
PORT = 7000
_SERVER = """
import socket, threading
def serve(one):
    with one:
        while data := one.recv(65536):
            one.sendall(data)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("", 7000))
tcp = socket.socket(); tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); tcp.bind(("", 7000)); tcp.listen(64)
def datagrams():
    while True:
        data, sender = udp.recvfrom(65536); udp.sendto(data, sender)
threading.Thread(target=datagrams, daemon=True).start()
while True:
    threading.Thread(target=serve, args=(tcp.accept()[0],), daemon=True).start()
"""
_TALK = """
import json, socket, sys, time
kind, count, pause, patience = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
one.settimeout(patience)
answers, took = [], []
try:
    one.connect((sys.argv[5], 7000))
except OSError as error:
    print(json.dumps({"error": error.errno or type(error).__name__, "answers": [], "took": []})); sys.exit()
if kind == "flood":
    data = b"x" * int(pause); began = time.monotonic(); one.settimeout(60)
    import threading
    threading.Thread(target=one.sendall, args=(data,), daemon=True).start()
    got = 0
    while got < len(data): got += len(one.recv(65536))
    print(json.dumps({"error": "", "answers": [], "took": [time.monotonic() - began]})); sys.exit()
for number in range(count):
    began = time.monotonic()
    one.send(str(number).encode())
    if pause == 0:
        try: answers.append(int(one.recv(4096)))
        except OSError: continue
        took.append(time.monotonic() - began)
if pause:
    one.settimeout(patience)
    while True:
        try: answers.append(int(one.recv(4096)))
        except OSError: break
print(json.dumps({"error": "", "answers": answers, "took": took}))
"""


@dataclass(frozen=True)
class Heard:
    """What a conversation came to: the error of connecting, the numbers that came back, the seconds each one took."""

    error: int | str
    answers: tuple[int, ...]
    took: tuple[float, ...]


@dataclass(frozen=True)
class Pair:
    """*name* is in the names of both namespaces, ``<name>a`` and ``<name>b``."""

    name: str
    server: subprocess.Popen[bytes]

    @classmethod
    def create(cls, name: str) -> Pair:
        """Make both, and start the server."""
        for side, address in (("a", HERE), ("b", THERE)):
            _ip(f"netns add st{name}{side}")
            if side == "b":
                _ip(f"link add eth0 netns st{name}a type veth peer name eth0 netns st{name}b")
                _ip(f"-n st{name}a address add {HERE}/24 dev eth0")
                _ip(f"-n st{name}b address add {address}/24 dev eth0")
        for side in "ab":
            _ip(f"-n st{name}{side} link set lo up")
            _ip(f"-n st{name}{side} link set eth0 up")
        words = ["nsenter", f"--net=/run/netns/st{name}b", sys.executable, "-I", "-S", "-c", _SERVER]
        made = cls(name, subprocess.Popen(words))
        eventually(
            lambda: made.talk("tcp", count=1).answers,
            until=bool,
            within=timedelta(seconds=20),
            what="the server serves",
        )
        # Duplicate address detection of IPv6 changes addresses in the first seconds, and then no more.
        eventually(
            lambda: "tentative" in subprocess.check_output(["ip", "-n", f"st{name}a", "address"], text=True),
            until=lambda tentative: not tentative,
            within=timedelta(seconds=20),
            what="the addresses settle",
        )
        return made

    @property
    def space(self) -> NetworkSpace:
        """The customer's side."""
        return NetworkSpace.at(Path(f"/run/netns/st{self.name}a"), "eth0")

    def talk(self, kind: str, *, count: int, pause: float = 0, patience: float = 2) -> Heard:
        """Send numbers and wait for each; with a *pause*, send all at once and see what comes within *patience*.

        ``flood`` sends *pause* bytes and waits for as many.
        """
        words = ["nsenter", f"--net=/run/netns/st{self.name}a", sys.executable, "-I", "-S", "-c", _TALK]
        done = subprocess.run(
            [*words, kind, str(count), str(pause), str(patience), THERE], capture_output=True, text=True, check=True
        )
        told = json.loads(done.stdout)
        return Heard(told["error"], tuple(told["answers"]), tuple(told["took"]))

    def remove(self) -> None:
        """End the server and remove both namespaces."""
        self.server.kill()
        self.server.wait()
        for side in "ab":
            subprocess.run(["ip", "netns", "delete", f"st{self.name}{side}"], check=False)


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)
