"""The text of a feature file as a document: what stands beside the sentences that were run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

from gherkin.errors import ParserError
from gherkin.parser import Parser

from seatrial.audit import StepRecord
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Sentence:
    """A step as written, with the *table* or the *text* that belongs to it."""

    keyword: str
    text: str
    line: int
    table: tuple[tuple[str, ...], ...] = ()
    block: str | None = None


@dataclass(frozen=True)
class FeatureText:
    """What a feature file says: descriptions, and the sentences of each scenario by the line of its name."""

    description: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)
    scenarios: Mapping[int, str] = field(default_factory=dict)
    sentences: Mapping[int, tuple[Sentence, ...]] = field(default_factory=dict)
    by_line: Mapping[int, Sentence] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> FeatureText:
        """Read *text*; of one that is no Gherkin (any more), nothing is known."""
        try:
            feature: Mapping[str, Any] | None = Parser().parse(text).get("feature")
        except (ParserError, KeyError, TypeError):
            return cls()
        return _read(feature) if feature else cls()

    def steps_of(self, line: int) -> tuple[StepRecord, ...]:
        """Return what the scenario whose name stands in *line* would have done, none of it run."""
        return tuple(
            StepRecord(sentence.keyword, sentence.text, sentence.line, Verdict.NOT_RUN, timedelta(0))
            for sentence in self.sentences.get(line, ())
        )


def _read(feature: Mapping[str, Any]) -> FeatureText:
    rules: dict[str, str] = {}
    descriptions: dict[int, str] = {}
    sentences: dict[int, tuple[Sentence, ...]] = {}

    def walk(children: Sequence[Mapping[str, Any]], before: tuple[Sentence, ...]) -> None:
        for child in children:
            if "background" in child:
                before = (*before, *map(_sentence, child["background"]["steps"]))
            elif "rule" in child:
                rules[child["rule"]["name"]] = cleandoc(child["rule"]["description"])
                walk(child["rule"]["children"], before)
            else:
                scenario = child["scenario"]
                line = int(scenario["location"]["line"])
                descriptions[line] = cleandoc(scenario["description"])
                sentences[line] = (*before, *map(_sentence, scenario["steps"]))

    walk(feature["children"], ())
    by_line = {sentence.line: sentence for found in sentences.values() for sentence in found}
    return FeatureText(cleandoc(feature["description"]), rules, descriptions, sentences, by_line)


def _sentence(step: Mapping[str, Any]) -> Sentence:
    rows = step.get("dataTable", {}).get("rows", ())
    return Sentence(
        keyword=str(step["keyword"]).strip(),
        text=str(step["text"]),
        line=int(step["location"]["line"]),
        table=tuple(tuple(str(cell["value"]) for cell in row["cells"]) for row in rows),
        block=step["docString"]["content"] if "docString" in step else None,
    )
