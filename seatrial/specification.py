"""Reading feature files as what they are for: the specification, before any of it runs."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pytest_bdd.exceptions import GherkinParseError
from pytest_bdd.gherkin_parser import get_gherkin_document
from pytest_bdd.parser import FeatureParser

from seatrial.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_bdd.gherkin_parser import Background as GherkinBackground
    from pytest_bdd.gherkin_parser import Scenario as GherkinScenario
    from pytest_bdd.gherkin_parser import Step as GherkinStep
    from pytest_bdd.gherkin_parser import Tag

_KEYWORDS = ("Given", "When", "Then", "And", "But")
_KINDS = {"Context": "given", "Action": "when", "Outcome": "then"}


@dataclass(frozen=True)
class Step:
    """One sentence: *keyword* as written, *kind* given, when or then (an And has the kind of the step before it)."""

    keyword: str
    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Scenario:
    """One scenario with its own *tags*; *steps* leaves the background out, *examples* are the rows of an outline."""

    name: str
    line: int
    tags: frozenset[str]
    steps: tuple[Step, ...]
    outline: bool
    examples: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Rule:
    """Scenarios that stand under one rule; *name* is None for those that stand under none."""

    name: str | None
    line: int
    tags: frozenset[str]
    background: tuple[Step, ...]
    scenarios: tuple[Scenario, ...]


@dataclass(frozen=True)
class Feature:
    """One feature file."""

    file: Path
    name: str
    description: str
    tags: frozenset[str]
    background: tuple[Step, ...]
    rules: tuple[Rule, ...]

    @property
    def scenarios(self) -> tuple[tuple[Rule, Scenario], ...]:
        """Each scenario with the rule it stands under, in the order of the file."""
        return tuple((rule, scenario) for rule in self.rules for scenario in rule.scenarios)

    def tags_of(self, rule: Rule, scenario: Scenario) -> frozenset[str]:
        """Return the tags that hold for *scenario*: its own, its rule's and its feature's."""
        return self.tags | rule.tags | scenario.tags


def read_feature(file: Path) -> Feature:
    """Read one feature file.

    Raises UsageError where the file is not Gherkin, starts a scenario with And or But, names two scenarios alike (only
    one of them would run), holds a scenario without a step (it would pass), a step with a mistyped keyword (it would be
    passed over) or an outline without a row (its placeholders would run as they stand).
    """
    try:
        # The parser that will run the file has rules of its own, so it is asked as well.
        FeatureParser(str(file.parent), file.name).parse()
        document = get_gherkin_document(str(file))
    except GherkinParseError as error:
        message = " ".join(error.message.split()).rstrip(".")
        raise UsageError(f"{file}, line {error.line}: {message}: correct the feature file.") from error
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise UsageError(f"{file} cannot be read as a feature: it needs a Feature line and UTF-8 text.") from error
    feature = document.feature
    background: tuple[Step, ...] = ()
    rules: list[Rule] = []
    loose: list[Scenario] = []
    for child in feature.children:
        if child.background:
            background = _steps(child.background)
        elif child.scenario:
            loose.append(_scenario(file, child.scenario))
        elif child.rule:
            inner = child.rule.children
            rules.append(
                Rule(
                    name=child.rule.name,
                    line=child.rule.location.line,
                    tags=_tags(child.rule.tags),
                    background=tuple(step for part in inner if part.background for step in _steps(part.background)),
                    scenarios=tuple(_scenario(file, part.scenario) for part in inner if part.scenario),
                )
            )
    if loose:
        rules.insert(0, Rule(None, feature.location.line, frozenset(), (), tuple(loose)))
    read = Feature(file, feature.name, feature.description, _tags(feature.tags), background, tuple(rules))
    seen: set[str] = set()
    for _, scenario in read.scenarios:
        if scenario.name in seen:
            raise UsageError(
                f"{file}, line {scenario.line}: a second scenario is named {scenario.name!r}: give it another name."
            )
        seen.add(scenario.name)
    return read


def read_features(directory: Path) -> tuple[Feature, ...]:
    """Read each feature file below *directory*, sorted by path; raises UsageError as read_feature does."""
    return tuple(read_feature(file) for file in sorted(directory.rglob("*.feature")))


def _scenario(file: Path, scenario: GherkinScenario) -> Scenario:
    place = f"{file}, line {scenario.location.line}"
    for line in scenario.description.splitlines():
        # A mistyped keyword makes a step a line of the description, and the scenario passes without it.
        word = line.split()[0] if line.strip() else ""
        meant = get_close_matches(word.title(), _KEYWORDS, n=1, cutoff=0.7)
        if meant:
            raise UsageError(f"{place}: {line.strip()!r} is no step: begin it with {meant[0]}.")
    if not scenario.steps:
        raise UsageError(f"{place}: the scenario {scenario.name!r} has no step: write what must be true.")
    outline = "outline" in scenario.keyword.lower() or "template" in scenario.keyword.lower() or bool(scenario.examples)
    examples = tuple(
        dict(
            zip(
                (cell.value for cell in table.table_header.cells),
                (cell.value for cell in row.cells),
                strict=True,
            )
        )
        for table in scenario.examples
        if table.table_header is not None
        for row in table.table_body or ()
    )
    if outline and not examples:
        raise UsageError(f"{place}: the outline {scenario.name!r} has no example: give it at least one row.")
    return Scenario(
        name=scenario.name,
        line=scenario.location.line,
        tags=_tags([*scenario.tags, *(tag for table in scenario.examples for tag in table.tags)]),
        steps=_steps(scenario),
        outline=outline,
        examples=examples,
    )


def _steps(holder: GherkinScenario | GherkinBackground) -> tuple[Step, ...]:
    steps: list[Step] = []
    found: list[GherkinStep] = holder.steps
    for step in found:
        kind = _KINDS.get(step.keyword_type, steps[-1].kind if steps else "given")
        steps.append(Step(keyword=step.keyword.strip(), kind=kind, text=step.text, line=step.location.line))
    return tuple(steps)


def _tags(tags: list[Tag]) -> frozenset[str]:
    return frozenset(tag.name.lstrip("@") for tag in tags)
