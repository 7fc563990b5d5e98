"""A visit to the shop: who comes back is known again, with a cart and files of their own."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.kube.document import Document
    from seatrial.load.edge import Answer, Customer

SESSION = "/api/session"
UPLOADS = "/api/uploads"
HEALTH = "/api/health"
_COOKIE = "session"
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class File:
    """A file to leave: its name, what it says it is, and its bytes."""

    name: str
    media_type: str
    content: bytes

    @classmethod
    def picture(cls, size: int) -> File:
        """Return something that begins as a PNG picture does, *size* bytes long and like no other."""
        return cls("sunset.png", "image/png", _PNG + secrets.token_bytes(size - len(_PNG)))

    @classmethod
    def disguised(cls) -> File:
        """Return a program that calls itself a picture."""
        return cls("sunset.png", "image/png", b"\x7fELF" + secrets.token_bytes(1000))

    @property
    def digest(self) -> str:
        """The SHA-256 of its bytes, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Visit:
    """A visit that the shop knows again by the word that it gave out at the door."""

    customer: Customer
    word: str

    @classmethod
    def begun(cls, customer: Customer) -> Visit:
        """Come in. Raises AssertionError when the shop gives out no word."""
        answer = customer.request("POST", SESSION)
        cookie = SimpleCookie(answer.headers.get("set-cookie", "")).get(_COOKIE)
        if cookie is None:
            raise AssertionError(f"no session: answered with status {answer.status}: {answer.body[:300]}")
        return cls(customer, cookie.value)

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request of this visit; return the answer whatever its status."""
        return self.customer.request(method, path, body, {**(headers or {}), "Cookie": f"{_COOKIE}={self.word}"})

    def fill_cart(self, items: Mapping[str, int]) -> None:
        """Let the cart hold exactly *items*, pieces by product id. Raises AssertionError when that is not accepted."""
        listed = [{"product_id": product, "quantity": pieces} for product, pieces in items.items()]
        self._expect(self.request("PUT", f"{SESSION}/cart", {"items": listed}), HTTPStatus.OK)

    def cart(self) -> Mapping[str, int]:
        """Return what the cart holds, pieces by product id."""
        shown = self._expect(self.request("GET", SESSION), HTTPStatus.OK).document
        return {item.text("product_id"): item.number("quantity") for item in shown.documents("cart")}

    def leave(self, file: File) -> Answer:
        """Upload *file*; return the answer whatever its status."""
        path = f"{UPLOADS}?name={quote(file.name)}"
        return self.request("POST", path, file.content, {"Content-Type": file.media_type})

    def left(self, file: File) -> Document:
        """Upload *file* and return what the shop says of it. Raises AssertionError when it is not accepted."""
        return self._expect(self.leave(file), HTTPStatus.CREATED).document

    def fetch(self, identity: str) -> Answer:
        """Ask for the file with that id; return the answer whatever its status."""
        return self.request("GET", f"{UPLOADS}/{identity}")

    def names(self) -> tuple[str, ...]:
        """Return the names of the files that this visitor is shown."""
        shown = self._expect(self.request("GET", UPLOADS), HTTPStatus.OK).document
        return tuple(item.text("name") for item in shown.documents("items"))

    @staticmethod
    def _expect(answer: Answer, status: HTTPStatus) -> Answer:
        if answer.status != status:
            raise AssertionError(f"answered with status {answer.status}: {answer.body[:300]}")
        return answer


def health(customer: Customer) -> Mapping[str, str]:
    """Return what the shop says of its own parts: a status by name."""
    return parts(customer.get(HEALTH))


def parts(answer: Answer) -> Mapping[str, str]:
    """Return what *answer* says of the shop's parts: a status by name."""
    shown = answer.document
    peers = shown.at("peers")
    names = tuple(peers) if isinstance(peers, dict) else ()
    return {name: shown.text(f"peers.[{name}].status") for name in names}
