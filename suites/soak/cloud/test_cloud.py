"""A platform whose OpenTofu and provider are killed at random instants: what comes next heals what was left.

After each kill nothing may exist that no state knows of, the state must be readable, and no lock may be in the way.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from seatrial.cloud.inventory import difference, inventory
from seatrial.cloud.orphans import orphans, words
from seatrial.cloud.plan import TofuFailed
from seatrial.cloud.platform import emulated_platform
from seatrial.waiting import NotObserved, eventually
from suites.soak.cloud.kills import Kill, Stage, draw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from seatrial.cloud.platform import Platform

_LONGEST = timedelta(minutes=15)
_ATTEMPTS = 4


@dataclass
class Trial:
    """A platform under kills. *usual* is how long each stage takes when nobody is killed."""

    platform: Platform
    usual: dict[Stage, timedelta] = field(default_factory=dict)
    struck: int = 0
    healed: int = 0

    def measure(self) -> None:
        """Build it and take it down once, and note how long each stage takes."""
        tofu = self.platform.tofu
        self.platform.before = inventory(self.platform.account)
        with self._timed(Stage.PLAN):
            plan = tofu.plan()
        with self._timed(Stage.APPLY):
            tofu.apply(plan)
        plan = tofu.plan(destroy=True)
        with self._timed(Stage.DESTROY):
            tofu.apply(plan)

    def go_up(self, kills: tuple[Kill, ...]) -> None:
        """Build it, killed on the way; at the end it is what the code says."""
        for kill in kills:
            self._disturb(kill)
        self.platform.build()
        assert self.platform.planned_anew().empty

    def go_down(self, kills: tuple[Kill, ...]) -> None:
        """Take it down, killed on the way; at the end nothing is left."""
        for kill in kills:
            self._disturb(kill)
        self.platform.take_down()
        assert self.platform.tofu.addresses() == ()
        assert str(difference(self.platform.before or frozenset(), inventory(self.platform.account))) == "no difference"

    def _disturb(self, kill: Kill) -> None:
        # On a busy machine the stage may be over sooner than it usually is; then the next try comes sooner too.
        assert any(self._killed(kill, kill.share / 2**attempt) for attempt in range(_ATTEMPTS)), (
            f"it was always too late: {kill}"
        )
        self.struck += 1
        self.healed += len(self.platform.heal())
        known = frozenset(words(self.platform.tofu.state()))
        left = orphans(self.platform.account, self.platform.before or frozenset(), known)
        assert left == (), f"{kill} left {', '.join(map(str, left))}"

    def _killed(self, kill: Kill, share: float) -> bool:
        """Let it work and kill the program at the instant; return False when the work was over before."""
        work = self._work(kill.stage)
        with ThreadPoolExecutor(max_workers=1) as pool:
            working = pool.submit(work)
            _wait(self.usual[kill.stage] * share, working)
            victims = [] if working.done() else _below(kill.program)
            for victim in victims:
                with suppress(psutil.NoSuchProcess):
                    victim.kill()
            error = working.exception(_LONGEST.total_seconds())
        if error is not None and not isinstance(error, TofuFailed):
            raise error
        return bool(victims) and error is not None

    def _work(self, stage: Stage) -> Callable[[], object]:
        tofu = self.platform.tofu
        if stage is Stage.PLAN:
            return tofu.plan
        plan = tofu.plan(destroy=stage is Stage.DESTROY)
        return lambda: tofu.apply(plan)

    @contextmanager
    def _timed(self, stage: Stage) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.usual[stage] = timedelta(seconds=time.monotonic() - began)


def _wait(duration: timedelta, working: Future[object]) -> None:
    """Return when *duration* has passed, or earlier when *working* is over."""
    with suppress(NotObserved):
        eventually(working.done, until=bool, within=duration, what="it is over")


def _below(program: str) -> list[psutil.Process]:
    """Return the processes below this one that run *program*; the system keeps 15 letters of a name."""
    return [child for child in psutil.Process().children(recursive=True) if child.name() == program[:15]]


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    with emulated_platform(tmp_path / "platform") as platform:
        yield Trial(platform)


def test_what_is_killed_is_healed_by_what_comes_next(trial: Trial, pytestconfig: pytest.Config) -> None:
    kills = pytestconfig.option.kills
    trial.measure()
    with trial.platform.tofu.progress.phase(f"Killing OpenTofu and its provider {kills} times") as phase:
        for each in draw(pytestconfig.option.seed, kills):
            trial.go_up(each.up)
            phase.note(f"{trial.struck} kills, {trial.healed} orphans removed, up")
            trial.go_down(each.down)
            phase.note(f"{trial.struck} kills, {trial.healed} orphans removed, down")
    assert trial.struck >= kills
