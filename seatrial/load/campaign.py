"""A whole run under load: the generator started, followed, stopped and judged; what it left is in one folder."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.errors import UsageError
from seatrial.load.crew import Crew
from seatrial.load.judging import LoadJudgement, LoadRecord, carried, judge
from seatrial.load.openloop.plan import LoadPlan
from seatrial.load.record import Request
from seatrial.load.schedule import arrivals
from seatrial.verdict import Inconclusive
from seatrial.waiting import NotObserved, eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from seatrial.load.profile import Profile
    from seatrial.load.shop import Shop
    from seatrial.progress import Phase, Progress

_MARGIN = timedelta(seconds=20)
REQUESTS, JUDGEMENT = "requests.jsonl", "judgement.json"


@dataclass(frozen=True)
class Campaign:
    """*profile* carried out at *shop*, by customers who only read *paths* if any are given; kept in *folder*.

    Those who order take *products*, or what the shop has where none are given.
    """

    profile: Profile
    shop: Shop
    folder: Path
    paths: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    @property
    def plan(self) -> LoadPlan:
        """What the generator is told."""
        profile = self.profile.reading() if self.paths else self.profile
        return LoadPlan(
            url=self.shop.urls[0],
            host=self.shop.host,
            ca=self.shop.ca,
            file=self.folder / REQUESTS,
            stages=profile.stages,
            mix=profile.mix,
            at_random=profile.at_random,
            seed=profile.seed,
            paths=self.paths,
            products=self.products,
            in_flight=profile.in_flight,
            patience=profile.patience,
        )

    def run(self, progress: Progress, meanwhile: Callable[[int], object] = lambda _: None) -> LoadJudgement:
        """Carry it out and judge it; the judgement is also written beside the record.

        Once customers come, *meanwhile* is done; it is given the number of the generator's process. Whoever interrupts
        the run ends the generator; the record then holds what happened until then, and the judgement says that it was
        interrupted. Raises UsageError for a folder that cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{self.folder} cannot be a folder for the record: {error.strerror}") from error
        judgement = LoadJudgement.unknown(self.profile.name, "it was interrupted")
        try:
            title = f"Load: {self.profile.name}, {self.profile.duration.total_seconds():g} s"
            with progress.phase(title, expected=self.profile.duration) as phase:
                judgement = self._carried_out(phase, meanwhile)
        finally:
            self._write(judgement)
        return judgement

    def _carried_out(self, phase: Phase, meanwhile: Callable[[int], object]) -> LoadJudgement:
        try:
            self._generate(phase, meanwhile)
            return judge(self.profile, LoadRecord.read(self.plan.file))
        except Inconclusive as problem:
            return LoadJudgement.unknown(self.profile.name, problem.reason)

    def _generate(self, phase: Phase, meanwhile: Callable[[int], object]) -> None:
        plan = self.plan
        crew = Crew.start(
            "the load generator", program="seatrial.load.openloop", plan=plan.written(), under_way="sending"
        )
        watch = _Watch(self.profile, plan.file)
        slack = 2 * plan.patience + _MARGIN

        def over() -> bool:
            phase.note(watch.look())
            return crew.process.poll() is not None or watch.broken

        try:
            meanwhile(crew.process.pid)
            eventually(over, until=bool, within=plan.duration + slack, what="the load is over")
            if crew.process.poll() is None:
                crew.stop(within=slack)
        except NotObserved as late:
            raise Inconclusive(f"the load generator did not end: {late}") from late
        finally:
            crew.kill()

    def _write(self, judgement: LoadJudgement) -> None:
        said = {
            "profile": self.profile.name,
            "url": self.shop.urls[0],
            "verdict": judgement.verdict,
            "findings": [asdict(one) for one in judgement.findings],
            "knee": judgement.knee,
            "stages": [asdict(one) | {"achieved": one.achieved} for one in judgement.results],
        }
        text = json.dumps(said, indent=1, default=lambda value: value.total_seconds())
        (self.folder / JUDGEMENT).write_text(text + "\n", encoding="utf-8")


class _Watch:
    """Reads the record while it grows; where the knee is looked for, tells when a step was not carried."""

    def __init__(self, profile: Profile, file: Path) -> None:
        self.broken = False
        self._profile = profile
        self._file = file
        self._read = 0
        self._rest = b""
        self._requests: list[Request] = []
        self._answered = 0
        self._failed = 0
        self._tenth = -1
        self._note = ""
        self._due = profile.due()
        self._steps = deque(zip(profile.stages, self._due, strict=True))
        self._first = next(arrivals(profile.stages, at_random=profile.at_random, seed=profile.seed), 0.0)
        self._begin = 0.0

    def look(self) -> str:
        """Read on; return in a few words how far it is."""
        with self._file.open("rb") as file:
            file.seek(self._read)
            piece = file.read()
        self._read += len(piece)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        fresh = [Request(**said) for said in map(json.loads, lines) if "planned" not in said]
        self._answered += len(fresh)
        self._failed += sum(not one.succeeded for one in fresh)
        # One note for each tenth: where progress is plain lines, more would be a flood.
        if (tenth := 10 * self._answered // max(1, sum(self._due))) != self._tenth:
            self._tenth = tenth
            self._note = f"{self._answered} of {sum(self._due)} requests ended, {self._failed} of them failed"
        if self._profile.knee_at_least is not None:
            self._requests += fresh
            self._look_for_the_knee()
        return self._note

    def _look_for_the_knee(self) -> None:
        if not self._requests or not self._steps:
            return
        stage, due = self._steps[0]
        # Answers come about in the order of asking, so the first customer is soon among them.
        began = self._begin or min(one.intended for one in self._requests) - self._first
        end = began + stage.duration.total_seconds()
        if time.monotonic() < end + self._profile.limits.latency.total_seconds():
            return
        step = [one for one in self._requests if began <= one.intended < end]
        self.broken = not carried(step, due, self._profile.limits)
        self._requests = [one for one in self._requests if one.intended >= end]
        self._steps.popleft()
        self._begin = end
