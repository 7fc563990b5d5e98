"""Reading an experiment's file: data that names what may be done; whatever else it holds is refused."""

from __future__ import annotations

import inspect
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from seatrial.chaos import actions, probes
from seatrial.chaos.limits import Limits
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

CONTROL = "seatrial.chaos.control"
_MODULES: Mapping[str, ModuleType] = {"action": actions, "probe": probes}
EXPERIMENTS = Path(__file__).resolve().parents[2] / "infra" / "chaos" / "experiments"
_LARGEST = 256 * 1024
_KEYS = {"title", "description", "tags", "extensions", "controls", "steady-state-hypothesis", "method", "rollbacks"}
_ACTIVITY = {"type", "name", "provider", "tolerance"}
_PROVIDER = {"type", "module", "func", "arguments"}
_SCALARS = (bool, int, float, str)


def read_experiment(file: Path) -> dict[str, Any]:
    """Return what *file* holds. Raises UsageError, one sentence, when it may not be run."""
    try:
        if file.stat().st_size > _LARGEST:
            raise UsageError(f"The experiment {file} is larger than {_LARGEST} bytes: it cannot be meant.")
        text = file.read_text(encoding="utf-8")
        # An alias can make a small file unfold into more than memory holds.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise UsageError(f"The experiment {file} uses an alias (*): write out what it stands for.")
        found = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The experiment {file} cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        raise UsageError(f"The experiment {file} is not YAML: {' '.join(str(error).split())}.") from error
    try:
        check(found)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    experiment: dict[str, Any] = found
    return experiment


def check(experiment: object) -> Limits:
    """Return the limits of *experiment*. Raises UsageError, one sentence, when it may not be run."""
    if not isinstance(experiment, dict):
        raise UsageError("An experiment is a mapping with a title, a method and so on.")
    unknown = sorted(str(key) for key in experiment if key not in _KEYS)
    if unknown:
        raise UsageError(
            f"The experiment holds {', '.join(unknown)}: only {', '.join(sorted(_KEYS))} may be in it, so that nothing "
            "comes from outside of the file."
        )
    for key in ("title", "description"):
        if not isinstance(experiment.get(key), str) or not experiment[key].strip():
            raise UsageError(f"The experiment has no {key}: write one.")
    limits = Limits.of(experiment)
    _check_controls(experiment.get("controls"))
    hypothesis = experiment.get("steady-state-hypothesis")
    if not isinstance(hypothesis, dict) or set(hypothesis) != {"title", "probes"}:
        raise UsageError("The experiment has no steady-state-hypothesis of a title and probes: write one.")
    for place, kinds in (("method", {"action", "probe"}), ("rollbacks", {"action"})):
        for activity in _listed(experiment.get(place), place):
            _check_activity(activity, kinds, place, limits)
    for activity in _listed(hypothesis["probes"], "steady-state-hypothesis"):
        _check_activity(activity, {"probe"}, "steady-state-hypothesis", limits)
        _check_tolerance(activity)
    _check_lengths(experiment["method"], limits)
    if not any(one["provider"]["func"] == "undo_all" for one in experiment["rollbacks"]):
        raise UsageError("The experiment's rollbacks do not undo what it does: add the action undo_all.")
    return limits


def _listed(found: object, place: str) -> list[object]:
    if not isinstance(found, list) or not found:
        raise UsageError(f"The experiment's {place} is empty: list what is to be done.")
    return found


def _check_lengths(method: Sequence[Mapping[str, Any]], limits: Limits) -> None:
    """Raise UsageError where a fault would be over before the experiment is: what is held then is nothing."""
    held = sum(one["provider"]["arguments"]["seconds"] for one in method if one["provider"]["func"] == "hold")
    if held >= limits.lasting:
        raise UsageError(
            f"The experiment holds its faults for {held:g} s, but lets them last for {limits.lasting:g} s at most: "
            "hold them for less, or let them last longer."
        )


def _check_controls(found: object) -> None:
    named = [
        one.get("provider") if isinstance(one, dict) and set(one) == {"name", "provider"} else None
        for one in (found if isinstance(found, list) else ())
    ]
    if named != [{"type": "python", "module": CONTROL}]:
        raise UsageError(f"The experiment's controls must be {CONTROL} alone, which holds it to its limits.")


def _check_activity(activity: object, kinds: set[str], place: str, limits: Limits) -> None:
    if not isinstance(activity, dict) or not {"type", "name", "provider"} <= set(activity) <= _ACTIVITY:
        raise UsageError(
            f"In {place}, an activity is not made of type, name, provider and tolerance alone: {_short(activity)}."
        )
    name = activity["name"]
    if activity["type"] not in kinds:
        raise UsageError(
            f"In {place}, {name!r} is of the type {activity['type']!r}: only {', '.join(sorted(kinds))} may be."
        )
    provider = activity["provider"]
    if not isinstance(provider, dict) or not set(provider) <= _PROVIDER or provider.get("type") != "python":
        raise UsageError(f"In {place}, {name!r} has a provider that is not of the type python: {_short(provider)}.")
    module = _MODULES[activity["type"]]
    if provider.get("module") != module.__name__ or provider.get("func") not in module.__all__:
        raise UsageError(
            f"In {place}, {name!r} would call {provider.get('module')}.{provider.get('func')}: {activity['type']}s may "
            f"only be one of {module.__name__}: {', '.join(module.__all__)}."
        )
    _check_arguments(name, getattr(module, provider["func"]), provider.get("arguments", {}), limits)


def _check_arguments(name: str, function: Callable[..., object], arguments: object, limits: Limits) -> None:
    if not isinstance(arguments, dict):
        raise UsageError(f"The arguments of {name!r} are no mapping: {_short(arguments)}.")
    try:
        inspect.signature(function).bind(**arguments)
        hints = get_type_hints(function, localns={"TYPE_CHECKING": False})
        for key, value in arguments.items():
            TypeAdapter(hints[key]).validate_python(value)
    except (TypeError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise UsageError(f"The arguments of {name!r} are not right: {reason}.") from error
    if any(isinstance(value, str) and "${" in value for value in arguments.values()):
        raise UsageError(f"The arguments of {name!r} name something outside of the file with ${{: write it out.")
    if "namespace" in arguments:
        limits.allow_namespace(arguments["namespace"])
    if "node" in arguments and function.__module__ == actions.__name__:
        limits.allow_node(arguments["node"])
    if "zone" in arguments:
        limits.allow_zone(arguments["zone"])


def _check_tolerance(activity: Any) -> None:  # noqa: ANN401 (whatever YAML can hold)
    tolerance = activity.get("tolerance")
    if isinstance(tolerance, dict):
        bounds = tolerance.get("range")
        if set(tolerance) == {"type", "range"} and tolerance["type"] == "range" and isinstance(bounds, list):
            tolerance = bounds
        else:
            tolerance = None
    plain = tolerance if isinstance(tolerance, list) and tolerance else [tolerance]
    if not all(isinstance(one, _SCALARS) for one in plain):
        raise UsageError(
            f"The tolerance of {activity['name']!r} is neither a value, a list of values nor a range of two."
        )


def _short(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 120 else f"{text[:120]}..."  # noqa: PLR2004 (as much as fits into a sentence)


def known_experiments() -> dict[str, Path]:
    """Return the project's own experiments by their titles. Raises UsageError when one of them may not be run."""
    return {str(read_experiment(file)["title"]): file for file in sorted(EXPERIMENTS.glob("*.yaml"))}


def changed(experiment: Mapping[str, Any], argument: str, value: object) -> dict[str, Any]:
    """Return *experiment* with another *value* of *argument* in its first action."""
    other: dict[str, Any] = deepcopy(dict(experiment))
    other["method"][0]["provider"]["arguments"][argument] = value
    return other
