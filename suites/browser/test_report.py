"""The report in a real browser: it loads nothing, runs nothing, and can be read by all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from seatrial.evidence.compare import compare
from seatrial.evidence.html import LIMIT, html
from seatrial.evidence.store import load_run
from suites.browser.screens import Screen
from suites.unit.evidence.hostile import PAYLOADS, run_of
from suites.unit.evidence.samples import NOW, sample_run

if TYPE_CHECKING:
    from pathlib import Path

    from suites.browser.conftest import Show

SCREENS = pytest.mark.parametrize(
    "screen",
    [Screen(1280, 800), Screen(1280, 800, dark=True), Screen(390, 844), Screen(390, 844, dark=True)],
    ids=["desktop", "desktop dark", "phone", "phone dark"],
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    sample_run(runs, 22, started=NOW - timedelta(days=1), slow=0.3)
    directory = sample_run(runs, 22)
    directory.write(load_run(directory.path))
    return directory.path / "report.html"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    record = run_of(PAYLOADS)
    (folder / "report.html").write_bytes(html(record, compare(run_of(PAYLOADS[1:]), record), folder))
    return folder / "report.html"


def test_the_page_is_all_that_is_loaded(show: Show, report: Path) -> None:
    shown = show(report)
    shown.page.wait_for_load_state("networkidle")
    assert shown.requests == [report.as_uri()]
    assert shown.said == []


def test_nothing_comes_of_hostile_texts(show: Show, hostile: Path) -> None:
    shown = show(hostile)
    shown.page.wait_for_load_state("networkidle")
    shown.page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    for name in ("mouseover", "click", "focus", "toggle"):
        shown.page.evaluate(
            "name => document.querySelectorAll('main *:not(a)').forEach(node => node.dispatchEvent(new Event(name)))",
            name,
        )
    assert (shown.requests, shown.dialogs, shown.said) == ([hostile.as_uri()], [], [])
    assert shown.page.url == hostile.as_uri()
    assert shown.page.locator("script, iframe, img, object, embed, form, [style], [onload], [onerror]").count() == 0
    assert shown.page.locator("article.scenario").count() == len(PAYLOADS)


def test_a_script_that_got_in_would_not_run(show: Show, report: Path, tmp_path: Path) -> None:
    text = report.read_text(encoding="utf-8")
    worse = tmp_path / "report.html"
    harm = "<script>alert(1)</script><img src='https://evil.example/x' onerror='alert(2)'>"
    worse.write_text(text.replace("<main", f"{harm}<main"), encoding="utf-8")
    shown = show(worse)
    shown.page.wait_for_load_state("networkidle")
    assert shown.dialogs == []
    assert any("Content Security Policy" in said for said in shown.said)


@SCREENS
def test_axe_finds_nothing(show: Show, report: Path, screen: Screen) -> None:
    page = show(report, screen=screen).page
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_axe_finds_nothing_in_hostile_texts(show: Show, hostile: Path) -> None:
    found = Axe().run(show(hostile).page)
    assert found.violations_count == 0, found.generate_report()


@SCREENS
def test_nothing_is_wider_than_the_screen(show: Show, hostile: Path, report: Path, screen: Screen) -> None:
    for file in (hostile, report):
        page = show(file, screen=screen).page
        page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= screen.width


@SCREENS
def test_the_first_screen_says_what_came_of_it(show: Show, report: Path, screen: Screen) -> None:
    page = show(report, screen=screen).page
    for selector in ("h1", ".lead", "#coverage", "#counts", "dl.facts > dd:last-of-type"):
        box = page.locator(selector).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= screen.height, selector
    first = page.locator("header").inner_text()
    for said in (
        "failed",
        "The gate stays closed",
        "41 requirements",
        "not covered",
        "truth label: embedded",
        "6a1f0c2b9d5e",
    ):
        assert said in first
    assert "2031-05-04 03:02 UTC, took" in first
    assert "no longer passed" in first or "unchanged" in first


def test_the_keyboard_reaches_everything(show: Show, report: Path) -> None:
    page = show(report).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    summary = page.locator("article.scenario summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("article.scenario details").first.get_attribute("open") == ""
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_what_passed_can_be_hidden_without_a_script(show: Show, report: Path) -> None:
    page = show(report).page
    passed, other = page.locator("article.scenario.passed"), page.locator("article.scenario:not(.passed)")
    assert passed.first.is_visible()
    page.get_by_label("Show only what did not pass").focus()
    page.keyboard.press("Space")
    assert not any(one.is_visible() for one in passed.all())
    assert all(one.is_visible() for one in other.all())


def test_links_lead_somewhere(show: Show, report: Path) -> None:
    page = show(report).page
    for link in page.locator("a").all():
        href = link.get_attribute("href") or ""
        if href.startswith("#"):
            assert page.locator(f"[id='{href[1:]}']").count() == 1, href
        else:
            file = page.evaluate("node => node.href", link.element_handle())
            assert (report.parent / href).resolve().is_file(), file


def test_on_paper_failures_are_open_and_controls_are_gone(show: Show, report: Path) -> None:
    page = show(report).page
    closed = page.locator("article.scenario.failed details ul").first
    assert not closed.is_visible()
    page.emulate_media(media="print")
    assert closed.bounding_box() is not None
    assert not page.locator("nav").is_visible()
    assert not page.locator("#only").is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.pdf(format="A4")) > 10_000


@SCREENS
def test_the_course_of_a_fault_can_be_read_by_all(show: Show, report: Path, screen: Screen) -> None:
    page = show(report, screen=screen).page
    figure = page.locator("figure.course").first
    picture = figure.get_by_role("img", name="process-pause on catalog-7f9c/app 1200 requests at 20 per second")
    box, table = picture.bounding_box(), figure.locator("table").bounding_box()
    assert box is not None
    assert table is not None
    assert box["x"] + box["width"] <= screen.width
    assert table["x"] + table["width"] <= screen.width
    numbers = figure.locator("svg .number text").all_text_contents()
    assert numbers == [str(number) for number in range(1, 9)]
    assert figure.locator("tbody td:first-child").all_text_contents() == numbers


def test_without_colour_the_course_of_a_fault_says_the_same(show: Show, report: Path) -> None:
    page = show(report).page
    page.emulate_media(media="print")
    figure = page.locator("figure.course").first
    good, bad = (figure.locator(f"svg .{name}").bounding_box() for name in ("good", "bad"))
    assert good is not None
    assert bad is not None
    assert bad["y"] >= good["y"] + good["height"] - 2, "what went badly lies below what went well"
    assert figure.locator("table").is_visible()


def test_a_large_run_is_shown_whole(show: Show, tmp_path: Path) -> None:
    directory = sample_run(tmp_path, 500)
    content = html(load_run(directory.path), None, directory.path)
    assert len(content) <= LIMIT
    (directory.path / "report.html").write_bytes(content)
    page = show(directory.path / "report.html").page
    assert page.locator("article.scenario").count() == 500
    assert page.locator("figure:not(.course) svg").count() == 40
    assert page.locator("figure.course svg").count() == 40
    assert page.get_by_text("Of the courses of faults only the first are here").is_visible()
