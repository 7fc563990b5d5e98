"""A person with a browser: real Chromium, which trusts the edge's key and no other, and pictures of what was seen."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import expect, sync_playwright

from seatrial.witness import tell_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from playwright.sync_api import Browser, Page

    from seatrial.load.edge import Customer
    from seatrial.shop.visit import File

CHROMIUM = Path("/usr/bin/chromium")
_WIDTH, _HEIGHT = 1280, 900
# Chromium's own services, which a test machine does not let it reach.
_QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
PAGES = {"catalogue": "/", "cart": "/cart", "history": "/history", "files": "/files", "dashboard": "/dashboard"}


@dataclass(frozen=True)
class Person:
    """One who shops with a browser. What is expected of a page raises AssertionError when it does not come true."""

    page: Page
    address: str

    def open(self, name: str) -> None:
        """Open one of `PAGES`."""
        answer = self.page.goto(f"{self.address}{PAGES[name]}")
        if answer is None or not answer.ok:
            raise AssertionError(f"the {name} page answered with status {answer.status if answer else 'none'}")
        self._look(f"the {name} page")

    def order(self, product: str) -> str:
        """Search for *product*, put the first that is found into the cart and order it; return the order's address."""
        self.open("catalogue")
        self.page.get_by_role("searchbox").fill(product)
        self.page.get_by_role("button", name="Search").click()
        card = self.page.locator(".card", has_text=re.compile(re.escape(product), re.IGNORECASE)).first
        card.get_by_role("button", name="Add to cart").click()
        expect(self.page.locator("#cart-link .badge")).to_contain_text("1")
        self._look("found, and in the cart")
        self.open("cart")
        self.page.get_by_role("button", name="Place the order").click()
        self.page.wait_for_url("**/history/*")
        self._look("ordered")
        return self.page.url.partition("?")[0]

    def wait_shown(self, status: str, *, within: timedelta) -> None:
        """Return once the open order's page shows *status*, without being loaded anew."""
        milliseconds = within.total_seconds() * 1000
        mark = self.page.locator("#progress [aria-current=step]")
        expect(mark).to_contain_text(status.capitalize(), timeout=milliseconds)
        self._look(f"the order is {status}")

    def history(self) -> tuple[str, ...]:
        """Return the addresses of the orders that the history lists."""
        self.open("history")
        links = self.page.locator(".orders a")
        return tuple(f"{self.address}{links.nth(place).get_attribute('href')}" for place in range(links.count()))

    def leave(self, file: File) -> None:
        """Upload *file*, and return once the page lists it."""
        self.open("files")
        self.page.get_by_label("File", exact=True).set_input_files(
            {"name": file.name, "mimeType": file.media_type, "buffer": file.content}
        )
        self.page.get_by_role("button", name="Upload").click()
        expect(self.page.locator(".files").get_by_role("link", name=file.name)).to_be_visible()
        self._look("the file is listed")

    def lists(self, file: File) -> bool:
        """Whether the open page lists *file*."""
        return self.page.locator(".files").get_by_role("link", name=file.name).is_visible()

    def fetch(self, file: File) -> bytes:
        """Download *file* by its link; return what came."""
        with self.page.expect_download() as download:
            self.page.locator(".files").get_by_role("link", name=file.name).click()
        return download.value.path().read_bytes()

    def dashboard(self) -> dict[str, str]:
        """Return what the open dashboard says of each part."""
        cards = self.page.locator(".peer")
        return {
            cards.nth(place).locator("h2").inner_text().lower(): cards.nth(place).locator(".state").inner_text().strip()
            for place in range(cards.count())
        }

    def wait_dashboard(self, part: str, state: str, *, within: timedelta) -> None:
        """Return once the open dashboard says that *part* is in *state*, without being loaded anew."""
        card = self.page.locator(".peer", has=self.page.get_by_role("heading", name=part.capitalize()))
        expect(card.locator(".state")).to_have_text(state, timeout=within.total_seconds() * 1000)
        self._look(f"the dashboard says that {part} is {state}")

    def barriers(self) -> tuple[str, ...]:
        """Return what on the open page keeps somebody out, one line each, by the rules of axe-core."""
        found: Sequence[dict[str, str]] = Axe().run(self.page).response["violations"]
        return tuple(f"{one['id']}: {one['help']}" for one in found)

    def _look(self, what: str) -> None:
        tell_picture(f"{what}, as the person saw it", self.page.screenshot())


@contextmanager
def started(customer: Customer) -> Iterator[Browser]:
    """Start a browser for what *customer* reaches; it ends with the block. Chromium must be there.

    The edge's certificate is checked against its authority first; the browser then accepts that one key. Raises
    ssl.SSLError when the certificate is not good for the host name.
    """
    edge = customer.edge
    arguments = [f"--host-resolver-rules=MAP {customer.host} {edge.address}:{edge.port}", *_QUIET]
    if edge.ca is not None:
        arguments.append(f"--ignore-certificate-errors-spki-list={_key_of(customer)}")
    if os.geteuid() == 0:
        # Chromium's own sandbox cannot be set up by root, and only pages of the subject under test are shown.
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def browsing(browser: Browser, customer: Customer) -> Iterator[Person]:
    """Let a person browse who has never been there before, until the block ends."""
    context = browser.new_context(viewport={"width": _WIDTH, "height": _HEIGHT}, accept_downloads=True)
    try:
        yield Person(context.new_page(), f"https://{customer.host}")
    finally:
        context.close()


def _key_of(customer: Customer) -> str:
    """Return the SHA-256 of the edge's public key (SubjectPublicKeyInfo), in base64, as Chromium names a key."""
    edge = customer.edge
    trusted = ssl.create_default_context(cafile=edge.ca)
    with (
        socket.create_connection((str(edge.address), edge.port), timeout=10) as plain,
        trusted.wrap_socket(plain, server_hostname=customer.host) as connection,
    ):
        certificate = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
