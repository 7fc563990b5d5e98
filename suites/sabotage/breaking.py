"""The pytest plugin that breaks a control for one run: ``-p suites.sabotage.breaking --sabotage NAME``.

No suite loads it, so no other run can be sabotaged by accident. What it breaks lives in this process, or in what this
process deploys and builds; the next run, of whatever kind, deploys and builds what is sound. It runs the scenarios that
have to see the sabotage, or those given with ``--sight``, and no others.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from seatrial.cloud.platform import Platform, emulated_platform
from seatrial.errors import UsageError
from seatrial.evidence.recording import template_of
from seatrial.waiting import eventually
from suites.sabotage.listing import named

if TYPE_CHECKING:
    from seatrial.kube import Namespace
    from seatrial.kube.subject import Subject
    from seatrial.progress import Progress
    from suites.sabotage.declaration import Sabotage

# Whoever routes and filters learns of a change a little after it is made: the edge looks every two seconds.
_LEARNED = timedelta(seconds=5)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sabotage", "controls that are broken on purpose")
    group.addoption("--sabotage", metavar="NAME", help="break this control in what this run deploys and builds")
    group.addoption("--sight", action="append", default=[], metavar="ID", help="run this scenario; may be repeated")


def pytest_configure(config: pytest.Config) -> None:
    """Break what is to be broken in this process, and take the place of the fixtures that deploy and build."""
    sabotage = _sabotage(config)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    if sabotage is not None:
        if sabotage.patch is not None:
            sabotage.patch(patch)
        for place, length in sabotage.patience:
            patch.setattr(place, length)
    # Registered last, so that its fixtures go before those of the same names; each gets the other one.
    config.pluginmanager.register(_broken(sabotage), "sabotaged fixtures")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out all scenarios but those that are asked for."""
    sabotage = _sabotage(config)
    wanted = {*config.option.sight, *(sight.id for sight in (sabotage.sights if sabotage is not None else ()))}
    left_out = [item for item in items if scenario_id(item) not in {*wanted, None}]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if scenario_id(item) in {*wanted, None}]


def scenario_id(item: pytest.Item) -> str | None:
    """Return what the scenario that *item* runs is called by, with the values of its example; None if it is none."""
    template = template_of(item)
    if template is None:
        return None
    example = getattr(item, "callspec", None)
    values: Mapping[str, str] = example.params.get("_pytest_bdd_example", {}) if example is not None else {}
    file = Path(template.feature.filename).resolve().relative_to(item.config.rootpath)
    return f"{file}::{template.render(values).name}"


def _sabotage(config: pytest.Config) -> Sabotage | None:
    name: str | None = config.option.sabotage
    try:
        return named(name) if name is not None else None
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


@dataclass
class Built(Mapping[str, "Future[Platform]"]):
    """Platforms in the cloud as their code is, each built when it is asked for."""

    folder: Path
    progress: Progress
    held: ExitStack
    made: dict[str, Future[Platform]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Future[Platform]:
        if name not in self.made:
            platform = self.held.enter_context(emulated_platform(self.folder / name, progress=self.progress))
            platform.build()
            self.made[name] = Future()
            self.made[name].set_result(platform)
        return self.made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)


def _broken(sabotage: Sabotage | None) -> ModuleType:
    """Return the fixtures that deploy and build, with the sabotage in what they do."""

    @pytest.fixture(scope="session")
    def subject(subject: Subject) -> Subject:
        """The manifests of the reference services, without the control."""
        if sabotage is None or sabotage.change is None:
            return subject
        return replace(subject, manifests=sabotage.change(subject.manifests))

    @pytest.fixture(scope="session")
    def shop(shop: Namespace) -> Namespace:
        """The namespace of the deployed subject, once all who must know have had time to learn of it."""
        end = time.monotonic() + _LEARNED.total_seconds()
        within = _LEARNED + timedelta(minutes=1)
        eventually(lambda: time.monotonic() >= end, until=bool, within=within, what="time passes")
        return shop

    @pytest.fixture(scope="session")
    def platforms(tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Iterator[Built]:
        """The platforms that scenarios look at, and no others."""
        with ExitStack() as held:
            yield Built(tmp_path_factory.mktemp("platforms"), progress, held)

    # Functions in a module: pytest gives up session fixtures that are methods.
    holder = ModuleType("sabotaged_fixtures")
    vars(holder).update(subject=subject, shop=shop, platforms=platforms)
    return holder
