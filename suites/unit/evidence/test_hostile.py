"""Whatever a feature, a reason, a target or a file is called, a report shows it and does nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser, LexborNode

from seatrial.evidence.compare import compare
from seatrial.evidence.cucumber import cucumber
from seatrial.evidence.html import html
from seatrial.evidence.junit import junit
from seatrial.evidence.markdown import escaped, markdown
from seatrial.evidence.sarif import sarif
from seatrial.evidence.words import visible
from suites.unit.evidence.hostile import PAYLOADS, run_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Skeleton = list[tuple[str, tuple[tuple[str, str | None], ...]]]


def page(texts: tuple[str, ...], folder: Path) -> str:
    record = run_of(texts)
    return html(record, compare(run_of(texts[1:]), record), folder).decode()


def nodes(page: str) -> Iterator[LexborNode]:
    root = LexborHTMLParser(page).root
    assert root is not None
    yield from root.traverse(include_text=False)


def skeleton(page: str) -> Skeleton:
    """Return each element with its attributes; of links to files, only that they lead below the page's own folder."""
    return [
        (
            node.tag or "",
            tuple(
                (name, "./" if name == "href" and str(value).startswith("./") else value)
                for name, value in node.attributes.items()
            ),
        )
        for node in nodes(page)
        if not node.is_comment_node
    ]


def harmless(number: int, text: str) -> str:
    """Return a plain text that has as much to say: links to what lies elsewhere are no links."""
    return f"../plain {number}" if ".." in text.split("/") or "\0" in text else f"plain {number}"


def test_a_page_holds_no_element_and_no_attribute_but_the_templates_own(tmp_path: Path) -> None:
    plain = tuple(harmless(number, text) for number, text in enumerate(PAYLOADS))
    assert skeleton(page(PAYLOADS, tmp_path)) == skeleton(page(plain, tmp_path))


def test_a_page_holds_nothing_that_runs_or_loads(tmp_path: Path) -> None:
    found = skeleton(page(PAYLOADS, tmp_path))
    tags = {tag for tag, _ in found}
    assert not tags & {"script", "iframe", "img", "object", "embed", "form", "base", "video", "audio", "use", "image"}
    attributes = [pair for _, pairs in found for pair in pairs]
    assert not [name for name, _ in attributes if name.startswith("on") or name in ("style", "src", "srcset")]
    addresses = {str(value) for name, value in attributes if name == "href"}
    assert all(address == "./" or address.startswith("#") or address == "data:," for address in addresses)


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_a_text_is_shown_as_it_is(number: int, tmp_path: Path) -> None:
    text = PAYLOADS[number]
    shown = LexborHTMLParser(page((text, "other"), tmp_path)).css_first("article.scenario h5")
    assert shown is not None
    wanted = " ".join(visible(text.replace("\r", "\n")).split())
    assert wanted[:3000] in " ".join(shown.text().split())


@pytest.mark.parametrize("text", PAYLOADS)
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(f"| a |\n|---|\n| {escaped(text)} |\n")
    cells = [token for token in tokens if token.type == "inline"]
    assert len(cells) == 2
    assert {child.type for child in cells[1].children or ()} <= {"text", "text_special"}


def test_each_format_for_machines_takes_every_text() -> None:
    record = run_of(PAYLOADS)
    features, findings = json.loads(cucumber(record)), json.loads(sarif(record))
    assert len(features) == len(ET.fromstring(junit(record)).findall(".//testcase")) == len(PAYLOADS)
    assert len(findings["runs"][0]["results"]) == 75
    said = "".join((*texts_in(features), *texts_in(findings), markdown(record).decode()))
    assert not set(said) & set("\x00\x07\x08\x0b\x0c\x1b\x7f\x9b\u202e\u200b\ufeff\ud800")


def texts_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for inner in value:
                yield from texts_in(inner)
        case dict():
            yield from texts_in([*value.keys(), *value.values()])
