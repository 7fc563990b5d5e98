"""Doing a fault under a lease, and undoing it with proof: the only way in which faults are done."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.chaos import catalogue
from seatrial.chaos.fault import arguments_of, made_again
from seatrial.chaos.injector import end_marked
from seatrial.chaos.journal import Journal
from seatrial.chaos.lease import Lease
from seatrial.chaos.reaping import ensure_reaper
from seatrial.chaos.times import Timeline
from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seatrial.chaos.fault import Fault
    from seatrial.chaos.injector import Injector
    from seatrial.chaos.lease import State

LASTING = timedelta(minutes=5)
_EFFECTIVE = timedelta(seconds=20)
_CLEAN = timedelta(seconds=30)
_LONGEST_LIST = 6


class CleanUpFailed(Exception):
    """A fault could not be undone, or something of it is left; the text says what, for each."""


@dataclass
class Injection:
    """A fault that was done: its lease, the process it lives in, and when what happened.

    *patience* is how long what must be gone or as before may take to become so.
    """

    fault: Fault
    lease: Lease
    journal: Journal
    timeline: Timeline = field(default_factory=Timeline)
    injector: Injector | None = None
    patience: timedelta = _CLEAN

    @property
    def shown(self) -> str:
        """What shows that it is in effect now; empty if nothing does."""
        return self.fault.effect(self.lease.mark, self.injector)

    def require_lease(self, lasting: timedelta) -> None:
        """Raise NotObserved unless the lease is still kept: who was stopped for long may find it undone already."""
        if not self.journal.holds(self.lease):
            raise NotObserved(f"{self.lease} begins in time", last="its lease ran out before", within=lasting)

    def end(self) -> Timeline:
        """Undo it, prove that nothing of it is left, and only then forget its lease; once is enough.

        Raises CleanUpFailed.
        """
        if "clean" in self.timeline.instants:
            return self.timeline
        began = self.timeline.clock()
        if self.injector is not None:
            self.injector.close()
        failures = undo(self.lease, self.journal, within=self.patience)
        if failures:
            raise CleanUpFailed("; ".join(failures))
        self.timeline.happened("clean", began)
        self.timeline.tell(f"times of {self.lease.kind} on {self.lease.target}")
        return self.timeline


def inject(
    fault: Fault,
    *,
    lasting: timedelta = LASTING,
    effective: timedelta = _EFFECTIVE,
    journal: Journal | None = None,
    timeline: Timeline | None = None,
) -> Injection:
    """Do *fault* for at most *lasting*, and return it once it is seen to be in effect; note in *timeline* what happens.

    Its lease is on the disk before, and a reaper runs that undoes it if this process does not. Whatever goes wrong, it
    is undone before the error is raised: NotObserved when no effect is seen, CleanUpFailed when undoing does not
    succeed either.
    """
    journal = journal or Journal()
    lease = Lease.new(fault.kind, fault.target, arguments_of(fault), lasting, fault.state())
    done = Injection(fault, lease, journal, timeline if timeline is not None else Timeline())
    with journal.alone():
        # In this order there is no instant at which a lease has nobody but its owner.
        ensure_reaper(journal)
        journal.write(lease)
    try:
        done.injector = done.timeline.done(fault.kind, fault.target, lambda: fault.inject(lease.mark))
        done.require_lease(lasting)
        done.timeline.observe(
            "effective", lambda: done.shown, until=bool, within=effective, what=f"{lease} takes effect"
        )
    except BaseException:
        done.end()
        raise
    return done


@contextmanager
def injected(
    fault: Fault,
    *,
    lasting: timedelta = LASTING,
    effective: timedelta = _EFFECTIVE,
    journal: Journal | None = None,
    timeline: Timeline | None = None,
) -> Iterator[Injection]:
    """Do *fault* as `inject` does, and undo it when the block ends, however it ends."""
    done = inject(fault, lasting=lasting, effective=effective, journal=journal, timeline=timeline)
    try:
        yield done
    finally:
        done.end()


def undo(lease: Lease, journal: Journal, *, within: timedelta = _CLEAN) -> tuple[str, ...]:
    """Undo what was done under *lease*; forget the lease if that is proven, or return what is wrong, one line each.

    It does not matter what of the fault was done, and whether somebody undoes it at the same time.
    """
    failures: list[str] = []

    def attempt(what: str, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 (a failing undo keeps back no other, and its reason is told)
            failures.append(f"{lease}: {what}: {str(error) or type(error).__name__}")

    attempt("its processes", lambda: end_marked(lease.mark))
    try:
        fault = made_again(lease.kind, lease.arguments)
    except Exception as error:  # noqa: BLE001 (the same)
        failures.append(f"{lease}: {error}")
    else:
        attempt("undoing", lambda: fault.undo(lease.mark))
        attempt("the proof that it is gone", lambda: _prove(fault, lease, within))
    if not failures:
        journal.remove(lease)
    elif journal.holds(lease):
        journal.write(lease.failed("; ".join(failures)))
    return tuple(failures)


def _prove(fault: Fault, lease: Lease, within: timedelta) -> None:
    def left() -> tuple[str, ...]:
        return (*fault.residue(lease.mark), *differences(lease.before, fault.state()))

    eventually(left, until=lambda found: not found, within=within, what=f"nothing of {lease} is left")


def differences(before: State, after: State) -> tuple[str, ...]:
    """Return, one line each, what is otherwise *after* than *before*; a target that is gone differs in nothing."""
    if not after:
        return ()
    lines = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, ()), after.get(name, ())
        lines += [f"{name}: gone: {line}" for line in was if line not in now]
        lines += [f"{name}: new: {line}" for line in now if line not in was]
    return tuple(lines[:_LONGEST_LIST])


@dataclass(frozen=True)
class Swept:
    """What a sweep did: the faults undone, those left to their living owners, and what failed, one line each."""

    undone: tuple[str, ...]
    held: tuple[str, ...]
    failures: tuple[str, ...]


def sweep(journal: Journal | None = None, *, everything: bool = False, within: timedelta = _CLEAN) -> Swept:
    """Undo all faults whose owner is dead or whose time is over; with *everything*, those of living owners too.

    One that cannot be undone keeps back no other.
    """
    journal = journal or Journal()
    undone: list[str] = []
    held: list[str] = []
    failures: list[str] = []
    for lease in journal.leases():
        if not (everything or lease.orphaned):
            held.append(f"{lease}, held by process {lease.owner.process}")
            continue
        failed = undo(lease, journal, within=within)
        failures += failed
        if not failed:
            undone.append(str(lease))
    failures += [f"{file} is no lease: look what it is, and remove it" for file in journal.unreadable()]
    return Swept(tuple(undone), tuple(held), tuple(failures))


catalogue.load()
