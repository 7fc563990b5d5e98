"""What an experiment's file may hold, and that each thing it may not is refused in one sentence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from seatrial.chaos import actions, engine, probes, session
from seatrial.chaos.experiment import EXPERIMENTS, changed, check, known_experiments, read_experiment
from seatrial.chaos.limits import BeyondLimits, Limits, Touched
from seatrial.errors import UsageError
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = sorted(EXPERIMENTS.glob("*.yaml"))
FEWEST = 8


def good() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXPERIMENTS / "pod-kill.yaml").read_text(encoding="utf-8"))
    return found


def test_there_are_enough() -> None:
    assert len(known_experiments()) == len(FILES) >= FEWEST


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_may_be_run(file: Path) -> None:
    assert read_experiment(file)["title"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_plain_chaos_toolkit_takes_it(file: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chaostoolkit", "--no-version-check", "validate", str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _set(*path: str | int) -> Callable[[dict[str, Any], object], None]:
    def change(experiment: dict[str, Any], value: object) -> None:
        place: Any = experiment
        for part in path[:-1]:
            place = place[part]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value

    return change


PROVIDER = ("method", 0, "provider")
HOSTILE = {
    "a program": (_set(*PROVIDER), {"type": "process", "path": "/bin/sh"}, "not of the type python"),
    "a request": (_set(*PROVIDER), {"type": "http", "url": "http://x"}, "not of the type python"),
    "another module": (_set(*PROVIDER, "module"), "os", "would call os.kill_pods"),
    "another function": (_set(*PROVIDER, "func"), "system", "would call seatrial.chaos.actions.system"),
    "a private function": (_set(*PROVIDER, "func"), "_impair", "would call"),
    "what the module imports": (_set(*PROVIDER, "func"), "component", "would call"),
    "a dunder": (_set(*PROVIDER, "func"), "__import__", "would call"),
    "a probe as an action": (_set(*PROVIDER, "module"), "seatrial.chaos.probes", "would call"),
    "secrets": (_set("secrets"), {"a": {"b": {"type": "env", "key": "TOKEN"}}}, "holds secrets"),
    "configuration": (_set("configuration"), {"a": {"type": "env", "key": "HOME"}}, "holds configuration"),
    "secrets of a provider": (_set(*PROVIDER, "secrets"), ["a"], "provider that is not"),
    "a substitution": (_set(*PROVIDER, "arguments", "deployment"), "${HOME}", "outside of the file"),
    "another control": (_set("controls", 0, "provider", "module"), "evil", "controls must be"),
    "no control": (_set("controls"), None, "controls must be"),
    "two controls": (_set("controls"), good()["controls"] * 2, "controls must be"),
    "a control of one activity": (_set("method", 0, "controls"), [], "not made of type, name"),
    "something in the background": (_set("method", 0, "background"), True, "not made of type, name"),
    "a reference": (_set("method", 0), {"ref": "x"}, "not made of type, name"),
    "a pause": (_set("method", 0, "pauses"), {"after": 9}, "not made of type, name"),
    "an unknown argument": (_set(*PROVIDER, "arguments", "shell"), "x", "arguments of"),
    "an argument of another type": (_set(*PROVIDER, "arguments", "pods"), "many", "arguments of"),
    "a missing argument": (_set(*PROVIDER, "arguments", "namespace"), None, "arguments of"),
    "another namespace": (_set(*PROVIDER, "arguments", "namespace"), "kube-system", "declares shop"),
    "another zone": (
        _set(*PROVIDER),
        good()["method"][0]["provider"] | {"func": "power_off_zone", "arguments": {"zone": "b"}},
        "zone b, but declares none",
    ),
    "no limits": (_set("extensions"), None, "declares no limits"),
    "a share above one": (_set("extensions", 0, "share"), 1.5, "limits of the experiment are not right: share"),
    "a share of nothing": (_set("extensions", 0, "share"), 0, "limits of the experiment are not right: share"),
    "an unknown limit": (_set("extensions", 0, "unlimited"), True, "limits of the experiment are not right"),
    "no steady state": (_set("steady-state-hypothesis"), None, "no steady-state-hypothesis"),
    "no method": (_set("method"), [], "method is empty"),
    "no rollback": (_set("rollbacks"), None, "rollbacks is empty"),
    "a rollback that undoes nothing": (_set("rollbacks", 0, "provider", "func"), "hold", "arguments of|do not undo"),
    "a hold beyond the lease": (_set("method", 1, "provider", "arguments", "seconds"), 61, "holds its faults for 61 s"),
    "no title": (_set("title"), " ", "has no title"),
    "an action in the steady state": (
        _set("steady-state-hypothesis", "probes", 0, "type"),
        "action",
        "is of the type 'action'",
    ),
    "a tolerance that calls something": (
        _set("steady-state-hypothesis", "probes", 0, "tolerance"),
        {"type": "probe", "name": "x", "provider": {"type": "process", "path": "/bin/sh"}},
        "The tolerance of",
    ),
    "no tolerance": (_set("steady-state-hypothesis", "probes", 0, "tolerance"), None, "The tolerance of"),
}


@pytest.mark.parametrize("name", HOSTILE, ids=str)
def test_what_may_not_be_in_it_is_refused(name: str) -> None:
    change, value, why = HOSTILE[name]
    experiment = good()
    check(deepcopy(experiment))
    change(experiment, value)
    with pytest.raises(UsageError, match=why) as refused:
        check(experiment)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- a\n- b\n", "is a mapping"),
        ("a: [", "is not YAML"),
        ("a: !!python/object/apply:os.system [id]\n", "is not YAML"),
        ("a: &a [1]\nb: *a\n", "uses an alias"),
        ("x" * 300_000, "is larger than"),
        ("\0", "is not YAML"),
        ("", "is a mapping"),
    ],
    ids=["a list", "half", "python", "alias", "large", "binary", "empty"],
)
def test_a_file_that_is_none_is_refused(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=why) as refused:
        read_experiment(file)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_experiment(tmp_path / "none.yaml")


def test_all_that_may_be_named_exists_and_says_what_it_does() -> None:
    for module in (actions, probes):
        for name in module.__all__:
            assert re.match(r"\w", getattr(module, name).__doc__ or ""), name


def test_one_argument_is_changed_and_no_other_file() -> None:
    experiment = good()
    other = changed(experiment, "pods", 2)
    assert other["method"][0]["provider"]["arguments"]["pods"] == 2
    assert experiment == good()


LIMITS = Limits(namespaces=("shop",), share=0.5, nodes=("one",), zones=("a",), deviation=2)


def test_pods_are_touched_up_to_the_share_and_no_further() -> None:
    touched = Touched(LIMITS)
    touched.touch("shop", "catalog", ["a"], of=2)
    touched.touch("shop", "catalog", ["a"], of=2)
    with pytest.raises(BeyondLimits, match="2 of 2 pods of shop/catalog"):
        touched.touch("shop", "catalog", ["b"], of=2)
    touched.touch("shop", "orders", ["c"], of=2)
    assert touched.pods["shop", "catalog"] == {"a"}


def test_other_namespaces_nodes_and_zones_are_refused() -> None:
    with pytest.raises(BeyondLimits, match="namespace kube-system, but declares shop"):
        Touched(LIMITS).touch("kube-system", "coredns", ["a"], of=2)
    with pytest.raises(BeyondLimits, match="node two, but declares one"):
        LIMITS.allow_node("two")
    LIMITS.allow_node("one")
    with pytest.raises(BeyondLimits, match="zone b, but declares a"):
        LIMITS.allow_zone("b")
    LIMITS.allow_zone("a")


def _no_ground() -> Any:  # noqa: ANN401 (it must never be asked for)
    raise AssertionError("nothing of a cluster is needed")


def test_it_is_broken_off_once_the_steady_state_was_left_for_too_long() -> None:
    now = iter([0.0, 1.0, 1.5, 3.0, 4.0, 6.1])
    one = session.Session(LIMITS, _no_ground, clock=lambda: next(now))
    one.seen(steady=False, what="x")
    one.seen(steady=False, what="x")
    one.seen(steady=True, what="x")
    one.seen(steady=False, what="x")
    one.seen(steady=False, what="x")
    one.go_on()
    one.seen(steady=False, what="the probe gave 1")
    with pytest.raises(session.BrokenOff, match=r"left for 3.1 s, more than 2 s: the probe gave 1"):
        one.hold(timedelta(seconds=3))


def test_nothing_is_done_without_an_experiment() -> None:
    with pytest.raises(UsageError, match="No limits were declared"):
        actions.kill_pods("shop", "catalog")


class Steady:
    """Stands in for a cluster that is steady (+) or not (-), look by look; the last look lasts."""

    def __init__(self, looks: str) -> None:
        self.looks = [look == "+" for look in looks]

    def __call__(self, **arguments: object) -> bool:
        del arguments
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def _tried(monkeypatch: pytest.MonkeyPatch, looks: Steady, seconds: float, deviation: float) -> engine.Outcome:
    monkeypatch.setattr(probes, "services_are_ready", looks)
    experiment = good()
    experiment["extensions"][0] |= {"deviation": deviation, "every": 0.1}
    experiment["method"] = [experiment["method"][1]]
    experiment["method"][0]["provider"]["arguments"]["seconds"] = seconds
    return engine.run(experiment, _no_ground)


def test_a_steady_state_that_holds_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.chaos.experiment.get_type_hints", _hints)
    outcome = _tried(monkeypatch, Steady("+"), 0.5, 0)
    assert outcome.held, outcome
    assert outcome.looks >= 1


def test_an_experiment_that_deviates_is_broken_off_long_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.chaos.experiment.get_type_hints", _hints)
    outcome = _tried(monkeypatch, Steady("++-"), 59, 0.2)
    assert not outcome.held
    assert outcome.broken_off.startswith("the steady state was left for")
    assert outcome.undone == ()


def test_an_interruption_is_passed_on_after_all_was_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.chaos.experiment.get_type_hints", _hints)
    monkeypatch.setattr(session.Session, "hold", lambda self, length: os.kill(os.getpid(), signal.SIGTERM))  # noqa: ARG005
    with pytest.raises(KeyboardInterrupt):
        _tried(monkeypatch, Steady("+"), 1, 0)
    assert not session.under_way()


def test_one_that_was_not_steady_before_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.chaos.experiment.get_type_hints", _hints)
    with pytest.raises(Inconclusive, match="not steady before"):
        _tried(monkeypatch, Steady("-"), 59, 0)


def test_one_that_does_not_come_back_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.chaos.experiment.get_type_hints", _hints)
    outcome = _tried(monkeypatch, Steady("+-"), 0.3, 600)
    assert (outcome.after, outcome.held, outcome.broken_off) == (False, False, "")


def _hints(function: object, localns: object = None) -> dict[str, object]:
    del localns
    return dict.fromkeys(getattr(function, "__annotations__", {}), object) or {
        "namespace": str,
        "deployments": list[str],
    }
