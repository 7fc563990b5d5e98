from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psutil
import pytest

from suites.soak.commands import BEFORE, COMMANDS, DOWN, LONGEST, PROOF, UP, Command
from suites.soak.instants import Phase, Victim

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from pathlib import Path

    from suites.soak.instants import Instant


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Phase, timedelta]:
    """How long each phase takes when nobody is killed."""
    log = tmp_path_factory.mktemp("usual") / "commands.log"
    Command.completed(DOWN, log)
    up = Command.completed(UP, log)
    # The first scenario deploys the services, and is not what the later ones take.
    Command.completed(PROOF, log)
    scenario = Command.completed(COMMANDS[Phase.SCENARIO], log)
    down = Command.completed(DOWN, log)
    return {Phase.UP: up, Phase.SCENARIO: scenario, Phase.DOWN: down}


def test_the_next_run_passes_after_a_kill(instant: Instant, usual: Mapping[Phase, timedelta], tmp_path: Path) -> None:
    log = tmp_path / "commands.log"
    assert any(_killed(instant, usual[instant.phase] * part, log) for part in (1, 0.5, 0.25)), "it was always too late"
    Command.completed(PROOF, log)


def _killed(instant: Instant, usual: timedelta, log: Path) -> bool:
    """Start the command, kill at the instant; return False when the command was over before."""
    Command.completed(BEFORE[instant.phase], log)
    disturbed = Command.start(COMMANDS[instant.phase], log)
    disturbed.pass_time(usual * instant.share)
    if disturbed.process.poll() is not None:
        return False
    # Before the first node, and after the last, there is no supervisor to kill; then it is the worker's turn.
    victims = (disturbed.victim(who) for who in (instant.victim, Victim.WORKER, Victim.LAUNCHER))
    victim = next(filter(None, victims), None)
    if victim is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.send_signal(instant.signal)
    disturbed.process.wait(LONGEST.total_seconds())
    return victim is not None


def test_nothing_is_left_when_all_is_over(tmp_path: Path) -> None:
    Command.completed(DOWN, tmp_path / "commands.log")
