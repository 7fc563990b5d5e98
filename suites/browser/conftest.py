"""A real browser, and what a page asked of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright
from rich.console import Console

from seatrial.progress import open_progress
from seatrial.toolchain.debian import install_debian_packages, package_group
from suites.browser.screens import DESKTOP, Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Shown:
    """A page that is shown, and all that it did: what it asked for, said, and opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("popup", lambda popup: self.dialogs.append(popup.url))
        self.page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    install_debian_packages(package_group("browser"), progress=open_progress(Console(stderr=True)))
    with sync_playwright() as playwright:
        # Chromium's own sandbox cannot be set up by root, and only files of the test's own are shown.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        running = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield running
        running.close()


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[..., Shown]]:
    contexts = []

    def open_page(file: Path, screen: Screen = DESKTOP) -> Shown:
        context = browser.new_context(
            viewport={"width": screen.width, "height": screen.height},
            color_scheme="dark" if screen.dark else "light",
        )
        contexts.append(context)
        shown = Shown(context.new_page())
        shown.page.goto(file.as_uri())
        return shown

    yield open_page
    for context in contexts:
        context.close()
