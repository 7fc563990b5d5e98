"""The Chaos Toolkit control that holds an experiment to its limits and undoes all that it did, however it is run.

It is named in the experiment's file, so that plain ``chaos run`` is held to the same as Seatrial's own runner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chaoslib.exceptions import InterruptExecution  # type: ignore[import-untyped]
from chaoslib.run import RunEventHandler  # type: ignore[import-untyped]

from seatrial.chaos import experiment as experiments
from seatrial.chaos import session as sessions
from seatrial.chaos.ground import Ground
from seatrial.chaos.limits import Limits
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from chaoslib.run import EventHandlerRegistry

_own: list[sessions.Session] = []


class Watch(RunEventHandler):  # type: ignore[misc]
    """Breaks the experiment off as soon as the steady state was left for longer than it may be."""

    def continuous_hypothesis_iteration(self, iteration_index: int, state: Any) -> None:  # noqa: ANN401 (chaoslib's own)
        del iteration_index
        if state is not None:
            last = state["probes"][-1] if state["probes"] else {}
            what = f"{last.get('activity', {}).get('name', 'a probe')} gave {last.get('output')}"
            sessions.current().seen(steady=bool(state["steady_state_met"]), what=what)


def configure_control(event_registry: EventHandlerRegistry) -> None:
    """Watch the steady state, where Seatrial's own runner does not watch it already."""
    if not sessions.under_way():
        event_registry.register(Watch())


def before_experiment_control(context: dict[str, Any]) -> None:
    """Refuse what may not be run, and open the session of what may."""
    try:
        experiments.check({key: value for key, value in context.items() if key != "dry"})
        if not sessions.under_way():
            opened = sessions.Session(Limits.of(context), Ground.found)
            sessions.begin(opened)
            _own.append(opened)
    except UsageError as error:
        raise InterruptExecution(str(error)) from error


def after_activity_control(context: dict[str, Any], state: dict[str, Any] | None) -> None:
    """Let nothing more be done once an action failed, or the experiment was broken off."""
    # Without a state, the activity was interrupted, and that is what ends the experiment.
    if state is None or not sessions.under_way() or context["provider"].get("func") == "undo_all":
        return
    session = sessions.current()
    if session.why_broken_off:
        raise InterruptExecution(session.why_broken_off)
    if context["type"] == "action" and state["status"] == "failed":
        # What the engine knows of an exception is its trace; its last line is what it says.
        said = str((state.get("exception") or ["it failed"])[-1]).strip()
        if InterruptExecution.__name__ in said:
            # The signal that asks it to end came while the action was under way, and was taken for the action's own.
            raise InterruptExecution(said)
        session.failed = session.failed or said
        raise InterruptExecution(f"{context['name']}: {session.failed}")


def after_experiment_control(context: dict[str, Any]) -> None:
    """Undo whatever is not undone yet, with or without rollbacks, and close a session that was opened here."""
    del context
    if sessions.under_way():
        session = sessions.current()
        if session in _own:
            try:
                session.close()
            finally:
                _own.remove(session)
                sessions.finish(session)
