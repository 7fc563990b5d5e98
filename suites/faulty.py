"""``python -m suites.faulty KIND SPACE PROCESS``: a runner that does one fault and waits, to be killed at any instant.

It says ``begins`` before it does anything and ``done`` once the fault is in effect. SPACE is the name of a network
namespace, PROCESS a process to be stopped or to be a neighbour of; SEATRIAL_FAULTS names the folder of leases.
"""

from __future__ import annotations

import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.chaos.injection import injected
from seatrial.chaos.network import Bandwidth, Flow, Impairment, Refusal, name_failure, partition
from seatrial.chaos.processes import ProcessId, ProcessPause
from seatrial.chaos.spaces import NetworkSpace
from seatrial.chaos.stress import CpuStress, DiskFill, IoStress, MemoryStress
from seatrial.ending import GoodOrder

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.chaos.fault import Fault

_LATE = timedelta(milliseconds=200)
_PEER = "10.199.0.2"
FAULTS: dict[str, Callable[[NetworkSpace, ProcessId], Fault]] = {
    "delay": lambda space, _: Impairment(space, delay=_LATE),
    "jitter": lambda space, _: Impairment(space, delay=_LATE, jitter=_LATE),
    "loss": lambda space, _: Impairment(space, loss=0.5),
    "duplication": lambda space, _: Impairment(space, duplication=0.5),
    "corruption": lambda space, _: Impairment(space, corruption=0.5),
    "reordering": lambda space, _: Impairment(space, delay=_LATE, reordering=0.5),
    "bandwidth": lambda space, _: Bandwidth(space, rate=1_000_000),
    "partition": lambda space, _: partition(space, Flow("both", (_PEER,))),
    "names": lambda space, _: name_failure(space),
    "refusal": lambda space, _: Refusal(space, (_PEER,), 7000),
    "pause": lambda _, process: ProcessPause((process,)),
    "cpu": lambda _, process: CpuStress(process, workers=1, share=0.2),
    "memory": lambda _, process: MemoryStress(process, size=8 << 20),
    "disk": lambda _, process: DiskFill(process, size=4 << 20),
    "io": lambda _, process: IoStress(process),
}


def main() -> None:
    """Do the fault named, and hold it until somebody ends this."""
    kind, space, process = sys.argv[1:]
    GoodOrder(say=lambda text: print(text, file=sys.stderr)).install()  # noqa: T201 (a program of its own)
    fault = FAULTS[kind](NetworkSpace.at(Path("/run/netns", space), "eth0"), ProcessId.of(int(process)))
    print("begins", flush=True)  # noqa: T201 (as above)
    with injected(fault):
        print("done", flush=True)  # noqa: T201 (as above)
        signal.pause()


if __name__ == "__main__":
    main()
