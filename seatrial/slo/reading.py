"""Reading objectives from files in the form of OpenSLO v1.

Kinds SLO and SLI of https://github.com/OpenSLO/OpenSLO, one or several to a file. What OpenSLO leaves to each data
source, the ``spec`` of a ``metricSource``, says here what is counted: see `docs/explanation/objectives.md`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from seatrial.errors import UsageError
from seatrial.slo.openslo import SLI, SLO, Unfit, document_of, objective_in

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from seatrial.slo.definition import Objective

OBJECTIVES = Path(__file__).resolve().parents[2] / "infra" / "monitoring" / "objectives"
_MEND = "mend it, as in infra/monitoring/objectives"


def read_objectives(place: Path) -> tuple[Objective, ...]:
    """Read the objectives in the file *place*, or in all ``*.yaml`` files of the folder *place*, in their order.

    An SLO may refer to an SLI in any file that is read with it. Raises UsageError for whatever does not hold: a file
    that cannot be read, is no YAML, is empty, is of another kind or version, has a key that nobody knows or a value
    that cannot be, or holds a name twice; and if no objective is in there.
    """
    files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    if not files:
        raise UsageError(f"There is no objective in {place}: put a file there, named with .yaml at its end.")
    documents = [(file, number, found) for file in files for number, found in _documents(file)]
    indicators = {found.metadata.name: found.spec for _, _, found in documents if isinstance(found, SLI)}
    _refuse_twins((file, found.kind, found.metadata.name) for file, _, found in documents)
    objectives: list[Objective] = []
    for file, number, found in documents:
        if isinstance(found, SLO):
            try:
                objectives.append(objective_in(found, indicators))
            except Unfit as problem:
                raise _refusal(file, number, problem) from problem
    if not objectives:
        raise UsageError(f"There is no objective in {place}, only indicators: add one of the kind SLO.")
    return tuple(objectives)


def objectives_of(service: str, place: Path = OBJECTIVES) -> tuple[Objective, ...]:
    """Return the objectives of *service* in *place*. Raises UsageError as `read_objectives`, or if there is none."""
    objectives = read_objectives(place)
    found = tuple(objective for objective in objectives if objective.service == service)
    if not found:
        known = ", ".join(sorted({objective.service for objective in objectives}))
        raise UsageError(f"{place} holds no objective of {service}: choose from {known}.")
    return found


def _documents(file: Path) -> Iterator[tuple[int, SLO | SLI]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no text in UTF-8"
        raise UsageError(f"The objectives in {file} cannot be read ({why}): name a file that can.") from problem
    try:
        loaded = list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        why = " ".join(str(problem).split()) or "it is nested too deeply"
        raise UsageError(f"{file} is no YAML ({why}): {_MEND}.") from problem
    if all(one is None for one in loaded):
        raise UsageError(f"{file} is empty: write an objective into it, as in infra/monitoring/objectives.")
    for number, one in enumerate(loaded, start=1):
        # A file may begin or end with ---, behind which is nothing.
        if one is not None:
            try:
                yield number, document_of(one)
            except Unfit as problem:
                raise _refusal(file, number, problem) from problem


def _refusal(file: Path, number: int, problem: Unfit) -> UsageError:
    return UsageError(f"{file}, document {number}: {problem}: {_MEND}.")


def _refuse_twins(named: Iterable[tuple[Path, str, str]]) -> None:
    known = list(named)
    times = Counter((kind, name) for _, kind, name in known)
    for file, kind, name in known:
        if times[kind, name] > 1:
            where = " and ".join(sorted({str(other) for other, *rest in known if rest == [kind, name]}))
            what = f"{file} holds" if where == str(file) else f"{where} hold"
            raise UsageError(f"{what} the {kind} {name} {times[kind, name]} times: give each another name.")


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, of which YAML's own loader takes the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:  # noqa: FBT001, FBT002 (PyYAML's)
        keys = Counter(str(key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, count in keys.items():
            if count > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key} stands there twice", node.start_mark
                )
        return super().construct_mapping(node, deep=deep)
