"""A real browser, and what a page asked of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright
from rich.console import Console

from seatrial.progress import open_progress
from seatrial.toolchain.debian import install_debian_packages, package_group
from suites.browser.screens import DESKTOP, Screen

if TYPE_CHECKING:
    from collections.abc import Iterator
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


class Show(Protocol):
    def __call__(self, where: Path | str, screen: Screen = DESKTOP, *, scripts: bool = True) -> Shown: ...


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    install_debian_packages(package_group("browser"), progress=open_progress(Console(stderr=True)))
    with sync_playwright() as playwright:
        # Chromium's own sandbox cannot be set up by root, and only pages of this project are shown.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        running = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield running
        running.close()


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    """Opens a file or an address, each for a person who has never been there, with or without scripts."""
    contexts = []

    def open_page(where: Path | str, screen: Screen = DESKTOP, *, scripts: bool = True) -> Shown:
        context = browser.new_context(
            viewport={"width": screen.width, "height": screen.height},
            color_scheme="dark" if screen.dark else "light",
            has_touch=screen.touch,
            is_mobile=screen.touch,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        shown = Shown(context.new_page())
        shown.page.goto(where if isinstance(where, str) else where.as_uri())
        return shown

    yield open_page
    for context in contexts:
        context.close()
