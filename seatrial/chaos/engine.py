"""Running an experiment with Chaos Toolkit, and saying what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chaoslib.run import Runner  # type: ignore[import-untyped]
from chaoslib.types import Schedule, Strategy  # type: ignore[import-untyped]

from seatrial.chaos import session as sessions
from seatrial.chaos.control import Watch
from seatrial.chaos.experiment import check, read_experiment
from seatrial.chaos.ground import Ground
from seatrial.verdict import Inconclusive, Missing
from seatrial.witness import tell_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from seatrial.chaos.times import Timeline


class ExperimentFailed(Exception):
    """An action of the experiment could not be done; all others were undone."""


@dataclass(frozen=True)
class Outcome:
    """What an experiment came to: was the state steady before, in how many looks during, and after?

    *broken_off* says why it was broken off, empty if it was not. *undone* is what kept the rollbacks from succeeding.
    """

    title: str
    before: bool
    looks: int
    misses: int
    after: bool | None
    broken_off: str
    undone: tuple[str, ...]
    timelines: tuple[Timeline, ...]

    @property
    def held(self) -> bool:
        """Whether the steady state held as the experiment declares it, and all was undone."""
        return self.before and bool(self.after) and not self.broken_off and not self.undone

    def __str__(self) -> str:
        if self.broken_off:
            how = f"broken off and undone: {self.broken_off}"
        elif self.undone:
            how = f"not undone: {'; '.join(self.undone)}"
        else:
            how = "the steady state held" if self.held else "the steady state did not come back"
        return f"{self.title}: {how} ({self.looks} looks meanwhile, {self.misses} of them not steady)"


def run_file(file: Path, make_ground: Callable[[], Ground] = Ground.found) -> Outcome:
    """Run the experiment in *file*, as `run` does. Raises UsageError, one sentence, when it may not be run."""
    return run(read_experiment(file), make_ground)


def run(experiment: dict[str, Any], make_ground: Callable[[], Ground] = Ground.found) -> Outcome:
    """Run *experiment*: look at the steady state before, all the time during, and after; undo all at the end.

    Raises UsageError when it may not be run or goes beyond its limits, Inconclusive when the state was not steady
    before or nothing was looked at meanwhile, ExperimentFailed when an action could not be done. An exception leaves
    nothing of the experiment behind.
    """
    limits = check(experiment)
    session = sessions.Session(limits, make_ground)
    sessions.begin(session)
    try:
        schedule = Schedule(continuous_hypothesis_frequency=limits.every)
        runner = Runner(Strategy.CONTINUOUS, schedule)
        runner.register_event_handler(Watch())
        journal = runner.run(experiment, settings={"runtime": {"rollbacks": {"strategy": "always"}}})
    finally:
        try:
            session.close()
        finally:
            sessions.finish(session)
    if journal["status"] == "interrupted" and not (session.why_broken_off or session.failed or session.refused):
        # The engine ends in good order when a person interrupts it, and says no more about it.
        raise KeyboardInterrupt
    outcome = _outcome(experiment["title"], journal, session)
    tell_document(f"experiment: {outcome.title}", _told(outcome, journal))
    _raise_for(session, outcome)
    return outcome


def _outcome(title: str, journal: Mapping[str, Any], session: sessions.Session) -> Outcome:
    states = journal["steady_states"]
    during = [state for state in states["during"] if state is not None]
    after = states["after"]
    return Outcome(
        title=title,
        before=bool(states["before"] and states["before"]["steady_state_met"]),
        looks=len(during),
        misses=sum(not state["steady_state_met"] for state in during),
        after=None if after is None else bool(after["steady_state_met"]),
        broken_off=session.why_broken_off,
        undone=tuple(_why(one) for one in journal["rollbacks"] if one["status"] != "succeeded"),
        timelines=tuple(session.timelines),
    )


def _why(run: Mapping[str, Any]) -> str:
    return f"{run['activity']['name']}: {str((run.get('exception') or ['it failed'])[-1]).strip()}"


def _raise_for(session: sessions.Session, outcome: Outcome) -> None:
    if session.refused is not None:
        raise session.refused
    if session.failed:
        raise ExperimentFailed(f"{outcome.title}: {session.failed}")
    if not outcome.before:
        raise Inconclusive(f"{outcome.title}: the state was not steady before anything was done", Missing.SAMPLE)
    if not outcome.looks:
        raise Inconclusive(f"{outcome.title}: nobody looked at the steady state meanwhile", Missing.SAMPLES)


def _told(outcome: Outcome, journal: Mapping[str, Any]) -> str:
    lines = [str(outcome)]
    lines += [f"{one['activity']['name']}: {one['status']}: {one.get('output')}" for one in journal["run"]]
    lines += [timeline.text() for timeline in outcome.timelines]
    return "\n".join(lines)
