"""How the course of a fault is drawn, and that nothing else can come of what is kept of it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from seatrial.audit import ArtefactRecord
from seatrial.chaos.naming import COURSE_FORMAT, COURSE_TITLE
from seatrial.evidence.courses import CoursePicture, course_picture
from seatrial.evidence.html import LIMIT, html
from seatrial.evidence.words import visible
from seatrial.load.bins import MOST
from seatrial.verdict import Verdict
from suites.unit.evidence.hostile import PAYLOADS
from suites.unit.evidence.samples import course_data
from suites.unit.evidence.test_formats import run, scenario
from suites.unit.evidence.test_hostile import skeleton

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Course = dict[str, Any]
LISTS = ("good", "slow", "failed", "middle", "high", "longest")


def course(**more: object) -> Course:
    return dict(json.loads(course_data(0))) | more


def kept(folder: Path, found: Course | bytes, name: str = "course") -> ArtefactRecord:
    content = found if isinstance(found, bytes) else json.dumps(found).encode()
    file = folder / "documents" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return ArtefactRecord(f"documents/{name}.json", hashlib.sha256(content).hexdigest(), len(content), COURSE_TITLE)


def drawn(folder: Path, found: Course) -> CoursePicture:
    picture = course_picture(kept(folder, found), folder)
    assert isinstance(picture, CoursePicture), picture
    return picture


def page_of(folder: Path, *courses: Course) -> str:
    scenarios = [
        replace(scenario(number, Verdict.PASSED), artefacts=(kept(folder, found, f"course-{number}"),))
        for number, found in enumerate(courses)
    ]
    return html(run(*scenarios), None, folder).decode()


def marks(**known: tuple[float, float]) -> list[dict[str, object]]:
    return [
        {"name": name, "source": "x", "known": "happened", "earliest": low, "latest": high, "said": ""}
        for name, (low, high) in known.items()
    ]


def test_what_a_fault_tells_is_in_the_page_as_picture_and_as_text(tmp_path: Path) -> None:
    found = course()
    assert found["format"] == COURSE_FORMAT
    shown = LexborHTMLParser(page_of(tmp_path, found))
    [figure] = shown.css("figure.course")
    rows = [" ".join(cell.text().split()) for cell in figure.css("tbody tr")]
    assert len(rows) == len(found["marks"]) == 8
    assert rows[0] == "1injected+0.00 s ± 0.10 s(the fault)"
    assert rows[4].startswith("5alert-worthy+4.38 s ± 0.12 s")
    assert rows[4].endswith("with the windows of service, 1 h and 5 min: never (customers)")
    [picture] = figure.css("svg")
    labels = (picture.attributes["aria-labelledby"] or "").split()
    said = [node.text() for name in labels for node in shown.css(f"#{name}")]
    assert said[0] == "process-pause on catalog-7f9c/app"
    assert re.fullmatch(r"1200 requests at 20 per second: \d+ failed, \d+ took longer than 250 ms; 0 of .*", said[1])
    assert [node.text() for node in picture.css(".number text")] == [str(number) for number in range(1, 9)]


def test_never_and_not_known_are_said_and_not_drawn(tmp_path: Path) -> None:
    found = course()
    for one, known in zip(found["marks"][-2:], ("never", "not known"), strict=True):
        one.update(known=known, earliest=None, latest=None, said="because")
    picture = drawn(tmp_path, found)
    assert len(picture.marks) == 6
    assert [(row.number, row.when, row.said) for row in picture.rows[-2:]] == [
        ("", "never", "because (customers)"),
        ("", "not known", "because (customers and platform)"),
    ]


def test_what_was_served_well_rises_and_the_rest_falls(tmp_path: Path) -> None:
    bins = {"start": -2.0, "width": 1.0, "good": [20, 10], "slow": [0, 4], "failed": [0, 6]} | {
        name: [0.01, 1.0] for name in ("middle", "high", "longest")
    }
    picture = drawn(tmp_path, course(bins=bins, marks=marks(injected=(0.0, 0.0))))
    # 20 good ones and 10 bad ones share 90 units: 60 above the line, 30 below it.
    assert picture.base == picture.top + 60
    assert picture.good == f"M60 {picture.base}v-60h286v30h286V{picture.base}Z"
    assert picture.bad == f"M60 {picture.base}h286v30h286V{picture.base}Z"
    assert [tick.text for tick in picture.rates] == ["20/s", "10/s"]


def test_marks_stand_where_they_were_with_their_bounds(tmp_path: Path) -> None:
    bins = {"start": 0.0, "width": 143.0, "good": [1, 1, 1, 1], "slow": [0] * 4, "failed": [0] * 4} | {
        name: [0.1] * 4 for name in ("middle", "high", "longest")
    }
    instants = marks(injected=(0.0, 2.0), felt=(3.0, 5.0), steady=(100.0, 140.0))
    picture = drawn(tmp_path, course(bins=bins, marks=instants, span=[0.0, None]))
    assert [(one.at, one.left, one.width) for one in picture.marks] == [(61, 60, 2), (64, 63, 2), (180, 160, 40)]
    heights = [one.label for one in picture.marks]
    assert heights[0] != heights[1], "labels that would cover each other stand one below the other"
    assert heights[0] == heights[2]
    assert picture.span == (60, 572)


def test_a_limit_of_next_to_nothing_makes_no_endless_scale(tmp_path: Path) -> None:
    found = course()
    found["customers"]["limit"] = 1e-300
    assert len(drawn(tmp_path, found).latencies) < 10


def test_stretches_without_a_request_are_left_open(tmp_path: Path) -> None:
    bins = {"start": 0.0, "width": 1.0, "good": [1, 0, 1], "slow": [0] * 3, "failed": [0] * 3} | {
        name: [0.1, None, 0.1] for name in ("middle", "high", "longest")
    }
    picture = drawn(tmp_path, course(bins=bins))
    assert (picture.high.count("M"), picture.band.count("M"), picture.band.count("Z")) == (2, 2, 2)


def bins(one: Course, **more: object) -> Course:
    return one | {"bins": one["bins"] | more}


BROKEN: dict[str, Callable[[Course], Course]] = {
    "of another format": lambda one: one | {"format": "another"},
    "without marks": lambda one: {name: it for name, it in one.items() if name != "marks"},
    "too many stretches": lambda one: bins(one, **dict.fromkeys(LISTS, [1] * (MOST + 1))),
    "lists of several lengths": lambda one: bins(one, good=[]),
    "no stretch": lambda one: bins(one, **{name: [] for name in LISTS}),
    "fewer than none": lambda one: bins(one, good=[-1] * len(one["bins"]["good"])),
    "stretches of no length": lambda one: bins(one, width=0),
    "a beginning that is no number": lambda one: bins(one, start=float("nan")),
    "a beginning beyond all time": lambda one: bins(one, start=1e300),
    "an instant that is infinite": lambda one: one | {"marks": marks(injected=(float("-inf"), 0.0))},
    "an instant beyond all time": lambda one: one | {"marks": marks(injected=(0.0, 1e300))},
    "a mark that nobody knows": lambda one: one | {"marks": marks(boom=(0.0, 0.0))},
    "too many marks": lambda one: one | {"marks": one["marks"] * 5},
    "an endless name": lambda one: one | {"fault": "W" * 5000},
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_no_course_is_not_drawn(broken: str, tmp_path: Path) -> None:
    said = course_picture(kept(tmp_path, BROKEN[broken](course())), tmp_path)
    assert isinstance(said, str)
    assert "cannot be drawn" in said


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe"], ids=["nothing", "a list", "half", "no text"])
def test_what_is_no_document_is_not_drawn(content: bytes, tmp_path: Path) -> None:
    assert course_picture(kept(tmp_path, content), tmp_path) == (
        "The course of the fault cannot be drawn (ValidationError)."
    )


def test_what_was_changed_or_lies_elsewhere_is_not_drawn(tmp_path: Path) -> None:
    artefact = kept(tmp_path, course())
    (tmp_path / artefact.path).write_text(json.dumps(course(target="another")))
    assert course_picture(artefact, tmp_path) == "The course of the fault is not what was kept, so it is not drawn."
    assert isinstance(course_picture(replace(artefact, path="../course.json"), tmp_path), str)
    assert isinstance(course_picture(replace(artefact, path="documents/gone.json"), tmp_path), str)
    large = kept(tmp_path, course() | {"more": "x" * 2**18}, "large")
    assert course_picture(large, tmp_path) == "The course of the fault is too large to be drawn here."


def test_hostile_texts_in_a_course_add_nothing_to_the_page(tmp_path: Path) -> None:
    def said_everywhere(text: str) -> Course:
        found = course(fault=text, target=text)
        for one in found["marks"]:
            one.update(source=text, said=text)
        return found

    texts = [text for text in PAYLOADS if len(text) <= 4000 and not any("\ud800" <= sign <= "\udfff" for sign in text)]
    hostile = page_of(tmp_path, *map(said_everywhere, texts))
    plain = page_of(tmp_path, *(said_everywhere(f"plain {number}") for number in range(len(texts))))
    assert skeleton(hostile) == skeleton(plain)
    shown = LexborHTMLParser(hostile).css("figure.course svg title")
    assert [node.text() for node in shown] == [visible(f"{text} on {text}").replace("\r", "\n") for text in texts]


def test_two_hundred_courses_fit_into_a_page(tmp_path: Path) -> None:
    found = course()
    times = [0.003 * (1 + number * 37 % 101) for number in range(MOST)]
    found["bins"] |= {
        "good": [number * 7 % 20 for number in range(MOST)],
        "slow": [number * 3 % 5 for number in range(MOST)],
        "failed": [number * 5 % 7 for number in range(MOST)],
        "middle": times,
        "high": [2 * one for one in times],
        "longest": [9 * one for one in times],
    }
    page = page_of(tmp_path, *[found] * 200)
    assert len(page.encode()) <= LIMIT
    assert page.count('<figure class="course">') == 200
    assert "This run is large" not in page
