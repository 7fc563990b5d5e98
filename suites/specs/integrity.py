"""Rules that the specification keeps, each a function from what it looks at to the sentences of what breaks it."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.audit.records import MANUAL
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pytest_bdd.parsers import StepParser

    from seatrial.requirements import Register
    from seatrial.specification import Feature, Rule, Scenario, Step

# A name of a mechanism says how; a feature says what.
_PLATFORM = "platform was built from code"
_MECHANISM = re.compile(
    r"\b(kubectl|ya?ml|json|namespaces?|polls?|polling|polled|sleeps?|retry|retries|curl|grep|bash|containerd|"
    r"daemon ?sets?|stateful ?sets?|configmaps?|https?|tcp|udp|ports?|localhost|iptables|nftables|"
    r"endpoints?|status codes?|sql|selectors?|annotations?)\b"
    r"|:\d{2,5}\b|\b\d{1,3}(\.\d{1,3}){3}\b|/[a-z]+/[a-z]+",
    re.IGNORECASE,
)
# A line that cites a control keeps the words of its source.
_CITED = re.compile(r"^\s*(CIS|NIST|RFC)\b.*$", re.MULTILINE)
_FEWEST_STEPS = 3
_MOST_STEPS = 6

# Which package may import which: calls go down, never back.
_LAYERS: Mapping[str, frozenset[str]] = {
    "infra": frozenset(),
    "reference_app": frozenset({"reference_app"}),
    "seatrial": frozenset({"seatrial"}),
    "steps": frozenset({"seatrial", "steps"}),
    "suites": frozenset({"seatrial", "steps", "suites", "reference_app"}),
}


# What a verdict can be made anew with; these import nothing else either.
AUDITED = ("seatrial.audit", "seatrial.errors", "seatrial.requirements", "seatrial.truth", "seatrial.verdict")


@dataclass(frozen=True)
class Definition:
    """One step definition: the kind of step it is for (None for any), how it reads sentences, and where it stands."""

    kind: str | None
    parser: StepParser
    place: str

    def matches(self, step: Step, text: str) -> bool:
        """Whether it says how *step*, worded *text*, is done."""
        return self.kind in (None, step.kind) and self.parser.is_matching(text)


def untested_requirements(register: Register, features: Iterable[Feature]) -> list[str]:
    """Each requirement has a scenario that carries its id."""
    carried = {
        identifier
        for feature in features
        for rule, scenario in feature.scenarios
        for identifier in register.ids_of(feature.tags_of(rule, scenario))
    }
    return [f"requirement {entry.id} has no scenario" for entry in register if entry.id not in carried]


def unknown_ids(register: Register, features: Iterable[Feature]) -> list[str]:
    """A tag that looks like a requirement's is one's."""
    broken = []
    for feature in features:
        for rule, scenario in feature.scenarios:
            for tag in sorted(feature.tags_of(rule, scenario)):
                try:
                    register.check_tag(tag, where=f"{feature.file.name}, line {scenario.line}")
                except UsageError as error:
                    broken.append(str(error))
    return broken


def untraced_scenarios(register: Register, features: Iterable[Feature]) -> list[str]:
    """Each scenario carries at least one requirement id: what proves nothing that is required need not run."""
    return [
        f"{feature.file.name}, line {scenario.line}: {scenario.name!r} carries no requirement id"
        for feature in features
        for rule, scenario in feature.scenarios
        if not register.ids_of(feature.tags_of(rule, scenario))
    ]


def unannounced_platforms(features: Iterable[Feature]) -> list[str]:
    """Each scenario about a platform in an account says so by its tag: it is built beside the scenarios before."""
    return [
        f"{feature.file.name}, line {scenario.line}: {scenario.name!r} is about a platform and is not tagged @cloud"
        for feature in features
        for rule, scenario in feature.scenarios
        if "cloud" not in feature.tags_of(rule, scenario)
        and any(_PLATFORM in step.text for step in (*feature.background, *rule.background, *scenario.steps))
    ]


def wrongly_bound(features: Iterable[Feature], bound: Iterable[tuple[Path, str]]) -> list[str]:
    """Each scenario of each feature is bound exactly once; *bound* has the file and scenario of each binding."""
    times = Counter((file.resolve(), name) for file, name in bound)
    broken = []
    for feature in features:
        for _, scenario in feature.scenarios:
            count = times[feature.file.resolve(), scenario.name]
            if count != 1:
                broken.append(f"{feature.file.name}: {scenario.name!r} is bound {count} times")
    return broken


def undefined_steps(features: Iterable[Feature], definitions: Sequence[Definition]) -> list[str]:
    """Something says how each step is done, except where a person answers."""
    return [
        f"{feature.file.name}, line {step.line}: nothing says how to do {step.keyword} {text!r}"
        for feature, step, text in _sentences(features)
        if not any(definition.matches(step, text) for definition in definitions)
    ]


def ambiguous_steps(features: Iterable[Feature], definitions: Sequence[Definition]) -> list[str]:
    """Exactly one definition fits each step: of several, pytest-bdd takes the last one without a word."""
    broken = []
    for feature, step, text in _sentences(features):
        places = [definition.place for definition in definitions if definition.matches(step, text)]
        if len(places) > 1:
            broken.append(f"{feature.file.name}, line {step.line}: {text!r} is defined in {' and '.join(places)}")
    same = Counter((definition.kind, definition.parser.name) for definition in definitions)
    broken.extend(
        f"{kind or 'step'} {name!r} is defined {count} times" for (kind, name), count in same.items() if count > 1
    )
    return broken


def unused_steps(features: Iterable[Feature], definitions: Sequence[Definition]) -> list[str]:
    """Each definition is used by a feature."""
    sentences = _sentences(features)
    return [
        f"{definition.place}: no feature says {definition.parser.name!r}"
        for definition in definitions
        if not any(definition.matches(step, text) for _, step, text in sentences)
    ]


def lonely_refusals(features: Iterable[Feature]) -> list[str]:
    """Beside each refusal stands its permitted twin, under the same rule: a gate that refuses all is no gate."""
    return [
        f"{feature.file.name}, line {scenario.line}: the refusal {scenario.name!r} has no permitted twin under its rule"
        for feature in features
        for rule in feature.rules
        for scenario in rule.scenarios
        if "refusal" in scenario.tags and not any("permitted" in other.tags for other in rule.scenarios)
    ]


def mechanism_words(features: Iterable[Feature]) -> list[str]:
    """No feature names a mechanism: it would change with the implementation."""
    broken = []
    for feature in features:
        texts = [
            (0, feature.name),
            (0, _CITED.sub("", feature.description)),
            *((rule.line, rule.name or "") for rule in feature.rules),
            *((scenario.line, scenario.name) for _, scenario in feature.scenarios),
            *((step.line, step.text) for step in _all_steps(feature)),
        ]
        for line, text in texts:
            found = _MECHANISM.search(text)
            if found:
                broken.append(
                    f"{feature.file.name}, line {line}: {found.group()!r} is a mechanism, in {text.strip()!r}"
                )
    return broken


def misshapen_scenarios(features: Iterable[Feature]) -> list[str]:
    """A scenario does one thing: exactly one When, a Then, and it does not start with And or But.

    It is read in at least three steps, the background's among them, and has at most six of its own.
    """
    return [
        f"{feature.file.name}, line {scenario.line}: {scenario.name!r} {fault}"
        for feature in features
        for rule, scenario in feature.scenarios
        for fault in _faults(feature, rule, scenario)
    ]


def upward_imports(package: str, modules: Mapping[str, str]) -> list[str]:
    """Calls go down, never back: *modules* of *package*, by name with their source, import only what is below them."""
    return [
        f"{name} imports {imported}, which is not below {package}"
        for name, source in modules.items()
        for imported in sorted(_imports(ast.parse(source)))
        if imported in _LAYERS and imported not in _LAYERS[package]
    ]


def foreign_imports(modules: Mapping[str, str]) -> list[str]:
    """Whoever checks a run needs nothing but Python and `cryptography`; *modules* by name with their source."""
    return [
        f"{name} imports {imported}, which whoever checks a run may not have"
        for name, source in modules.items()
        for imported in sorted(_imported(ast.parse(source)))
        if imported.partition(".")[0] not in sys.stdlib_module_names | {"cryptography"}
        and not any(imported == allowed or imported.startswith(f"{allowed}.") for allowed in AUDITED)
    ]


def unreconciled(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The same things are counted wherever they are shown: *counts*, by place and by what is counted."""
    broken = []
    for what in sorted({what for found in counts.values() for what in found}):
        found = {place: told[what] for place, told in counts.items() if what in told}
        if len(set(found.values())) > 1:
            broken.append(f"{what}: " + ", ".join(f"{count} {place}" for place, count in sorted(found.items())))
    return broken


def unbound_features(features: Iterable[Feature], bound: Iterable[tuple[Path, str]]) -> list[str]:
    """Each feature file is bound, and each binding is of a scenario that there is."""
    known = {(feature.file.resolve(), scenario.name) for feature in features for _, scenario in feature.scenarios}
    files = {file for file, _ in known}
    told = {(file.resolve(), name) for file, name in bound}
    broken = [f"{file.name} is not bound" for file in sorted(files - {file for file, _ in told})]
    return broken + [f"{file.name}: {name!r} is bound, and is not there" for file, name in sorted(told - known)]


def layers() -> tuple[str, ...]:
    """Return the packages that the import rule is about."""
    return tuple(_LAYERS)


def _faults(feature: Feature, rule: Rule, scenario: Scenario) -> list[str]:
    faults = []
    steps = scenario.steps
    keywords = [step.keyword for step in steps]
    if steps and keywords[0] in ("And", "But", "*"):
        faults.append(f"starts with {keywords[0]}")
    count = len(steps)
    read = len(feature.background) + len(rule.background) + count
    if read < _FEWEST_STEPS or count > _MOST_STEPS:
        faults.append(f"has {count} steps, not {_FEWEST_STEPS} to {_MOST_STEPS}")
    if keywords.count("When") != 1 or sum(step.kind == "when" for step in steps) != keywords.count("When"):
        faults.append(f"has {sum(step.kind == 'when' for step in steps)} steps that act, not exactly one When")
    if not any(step.kind == "then" for step in steps):
        faults.append("has no Then")
    return faults


def _sentences(features: Iterable[Feature]) -> list[tuple[Feature, Step, str]]:
    """Each step as it will be run, an outline's once per row; what a person answers is not run."""
    found: list[tuple[Feature, Step, str]] = []
    for feature in features:
        run = [(rule, one) for rule, one in feature.scenarios if MANUAL not in feature.tags_of(rule, one)]
        backgrounds = [step for rule in feature.rules if any(rule is of for of, _ in run) for step in rule.background]
        found.extend((feature, step, step.text) for step in (*(feature.background if run else ()), *backgrounds))
        for _, scenario in run:
            for row in scenario.examples or ({},):
                for step in scenario.steps:
                    text = step.text
                    for name, value in row.items():
                        text = text.replace(f"<{name}>", value)
                    found.append((feature, step, text))
    return found


def _all_steps(feature: Feature) -> list[Step]:
    return [
        *feature.background,
        *(step for rule in feature.rules for step in rule.background),
        *(step for _, scenario in feature.scenarios for step in scenario.steps),
    ]


def _imported(tree: ast.AST) -> set[str]:
    """The modules that are imported, by their whole names; of ``from seatrial import x``, seatrial.x."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"seatrial.{alias.name}" for alias in node.names] if node.module == "seatrial" else [node.module]
            found.update(names)
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def _imports(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found
