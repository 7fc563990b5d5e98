"""A client of the kernel's packet queue (nfnetlink_queue), with nothing but the standard library.

The messages are those of linux/netfilter/nfnetlink.h and nfnetlink_queue.h: a netlink header, four bytes that name the
queue, attributes. ADR 17 says why this is not a binding of libnetfilter_queue.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_NETLINK_NETFILTER: Final = 12
_SOL_NETLINK: Final = 270
_NETLINK_NO_ENOBUFS: Final = 5
_SO_RCVBUFFORCE: Final = 33
_QUEUE_SUBSYSTEM: Final = 3 << 8
_PACKET, _VERDICT, _CONFIG = _QUEUE_SUBSYSTEM, _QUEUE_SUBSYSTEM | 1, _QUEUE_SUBSYSTEM | 2
_ERROR: Final = 2  # NLMSG_ERROR
_REQUEST, _ACKNOWLEDGE = 1, 4
_COMMAND, _PARAMETERS, _LENGTH, _MASK, _FLAGS = 1, 2, 3, 4, 5  # NFQA_CFG_*
_BIND: Final = 1
_COPY_PACKET: Final = 2
_FAIL_OPEN: Final = 1  # what does not fit into the queue passes
_HEADER_ATTRIBUTE, _VERDICT_ATTRIBUTE, _PAYLOAD_ATTRIBUTE = 1, 2, 10  # NFQA_*
DROP, ACCEPT = 0, 1
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_MOST_PENDING: Final = 20000
_BUFFER: Final = 8 * 1024 * 1024
WHOLE: Final = 0xFFFF


@dataclass(frozen=True)
class Packet:
    """A packet that waits for a verdict; *payload* is as much of it as was asked for, from the IP header on."""

    number: int
    payload: bytes


def _attribute(kind: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + b"\0" * (-length % 4)


def message(kind: int, queue: int, attributes: bytes, *, flags: int = _REQUEST, sequence: int = 0) -> bytes:
    """Return one netlink message to *queue*."""
    body = struct.pack("!BBH", socket.AF_UNSPEC, 0, queue) + attributes
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, sequence, 0) + body


def attributes_of(data: bytes) -> dict[int, bytes]:
    """Return the attributes in *data* by their kind; what is cut off in the middle is left out."""
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            break
        found[kind & 0x3FFF] = data[_ATTRIBUTE.size : length]
        data = data[length + -length % 4 :]
    return found


def messages_in(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Return the messages in *data*: the kind and what follows the netlink header of each."""
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        if not _HEADER.size <= length <= len(data):
            break
        yield kind, data[_HEADER.size : length]
        data = data[length + -length % 4 :]


class Queue:
    """One queue of this process's network namespace; it ends with the process, and packets then pass by it."""

    def __init__(self, number: int, *, copied: int) -> None:
        """Take queue *number*, with the first *copied* bytes of each packet. Raises OSError when it is taken."""
        self._number = number
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_NO_ENOBUFS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._configure(_attribute(_COMMAND, struct.pack("!BBH", _BIND, 0, 0)))
        self._configure(
            _attribute(_PARAMETERS, struct.pack("!IB", copied, _COPY_PACKET))
            + _attribute(_LENGTH, struct.pack("!I", _MOST_PENDING))
            + _attribute(_FLAGS, struct.pack("!I", _FAIL_OPEN))
            + _attribute(_MASK, struct.pack("!I", _FAIL_OPEN))
        )
        self._socket.settimeout(0)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when packets wait."""
        return self._socket.fileno()

    def packets(self) -> Iterator[Packet]:
        """Return the packets that wait, as far as they are known by now."""
        while True:
            try:
                data = self._socket.recv(1 << 18)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.ENOBUFS, errno.EINTR):
                    continue
                raise
            for kind, body in messages_in(data):
                if kind == _PACKET:
                    found = attributes_of(body[4:])
                    number = struct.unpack_from("!I", found[_HEADER_ATTRIBUTE])[0]
                    yield Packet(number, found.get(_PAYLOAD_ATTRIBUTE, b""))

    def decide(self, packet: Packet, verdict: int, payload: bytes | None = None) -> None:
        """Let *packet* pass (ACCEPT), with *payload* in place of its own if one is given, or not (DROP)."""
        attributes = _attribute(_VERDICT_ATTRIBUTE, struct.pack("!II", verdict, packet.number))
        if payload is not None:
            attributes += _attribute(_PAYLOAD_ATTRIBUTE, payload)
        self._socket.send(message(_VERDICT, self._number, attributes))

    def _configure(self, attributes: bytes) -> None:
        self._socket.send(message(_CONFIG, self._number, attributes, flags=_REQUEST | _ACKNOWLEDGE))
        for kind, body in messages_in(self._socket.recv(1 << 16)):
            if kind == _ERROR:
                code = struct.unpack_from("=i", body)[0]
                if code:
                    raise OSError(-code, f"packet queue {self._number}: {os.strerror(-code)}")
