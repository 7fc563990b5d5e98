"""The product catalogue as a customer uses it."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from seatrial.verdict import Inconclusive, Missing
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seatrial.kube.document import Document
    from seatrial.load.edge import Answer, Customer

PRODUCTS = "/catalog/products"
CATEGORIES = "/catalog/categories"
READ_PATHS = (PRODUCTS, CATEGORIES)
_CREATED = 201
_OK = 200
_MISSING = (204, 404)
_CHANGED_MEANWHILE = 412
_SETTLED = timedelta(seconds=5)
_PAGE = 100
_OPENS_WITHIN = timedelta(seconds=60)


@dataclass(frozen=True)
class Draft:
    """What a product says of itself; the price is in cents."""

    sku: str
    name: str
    category_id: str
    price_cents: int
    stock: int

    def body(self) -> Mapping[str, object]:
        """Return it as the catalogue takes it."""
        return dict(vars(self))

    @classmethod
    def read(cls, document: Document) -> Draft:
        """Read it from what the catalogue shows."""
        return cls(
            sku=document.text("sku"),
            name=document.text("name"),
            category_id=document.text("category_id"),
            price_cents=document.number("price_cents"),
            stock=document.number("stock"),
        )


@dataclass(frozen=True)
class Product:
    """One product that was put into the catalogue."""

    customer: Customer
    path: str
    draft: Draft

    @property
    def id(self) -> str:
        """Its id."""
        return self.path.rpartition("/")[2]

    @property
    def stock(self) -> int:
        """How many pieces are there now."""
        return self.shown().stock

    def read(self) -> Answer:
        """Read it. Raises AssertionError when the answer is not 200."""
        return _expect(self.customer.get(self.path), _OK)

    def shown(self) -> Draft:
        """Return what the catalogue shows of it now."""
        return Draft.read(self.read().document)

    def change_price(self, cents: int) -> None:
        """Replace it by itself with another price, though orders change it meanwhile.

        Raises AssertionError when that is not accepted.
        """
        answer = eventually(
            lambda: self.change(cents, self.read().headers["etag"]),
            until=lambda answer: answer.status != _CHANGED_MEANWHILE,
            within=_SETTLED,
            what=f"the price of {self.path} is changed",
        )
        _expect(answer, _OK)

    def remove(self) -> None:
        """Take it out of the catalogue, in whatever version it is."""
        if self.customer.get(self.path).status == _OK:
            _expect(self.customer.request("DELETE", self.path, headers={"If-Match": "*"}), *_MISSING)

    def change(self, cents: int, tag: str) -> Answer:
        """Replace it by itself with another price, as one who read the version *tag*; return the answer."""
        return self.customer.request("PUT", self.path, {**self.draft.body(), "price_cents": cents}, {"If-Match": tag})


@dataclass(frozen=True)
class Category:
    """One category that was put into the catalogue."""

    customer: Customer
    path: str
    slug: str
    name: str

    def shown(self) -> Category:
        """Return what the catalogue shows of it now."""
        seen = _expect(self.customer.get(self.path), _OK).document
        return Category(self.customer, self.path, seen.text("slug"), seen.text("name"))

    def renamed(self, name: str) -> Category:
        """Give it another name and return it. Raises AssertionError when that is not accepted."""
        tag = _expect(self.customer.get(self.path), _OK).headers["etag"]
        body = {"slug": self.slug, "name": name}
        _expect(self.customer.request("PUT", self.path, body, {"If-Match": tag}), _OK)
        return Category(self.customer, self.path, self.slug, name)

    def remove(self) -> None:
        """Take it out of the catalogue, in whatever version it is."""
        answer = self.customer.get(self.path)
        if answer.status == _OK:
            _expect(self.customer.request("DELETE", self.path, headers={"If-Match": answer.headers["etag"]}), *_MISSING)

    @property
    def there(self) -> bool:
        """Whether the catalogue has it."""
        return self.customer.get(self.path).status == _OK


@dataclass(frozen=True)
class Catalogue:
    """The catalogue and, once `counted`, how many categories and products it holds."""

    customer: Customer
    categories: int = 0
    products: int = 0

    def create(self, *, price_cents: int = 1234, stock: int = 7) -> Product:
        """Put a product of a name that nobody else has into the first category, with *stock* pieces of it.

        Raises Inconclusive when there is no category, AssertionError when the product is not accepted.
        """
        categories = self.customer.get(CATEGORIES).document.documents("items")
        if not categories:
            raise Inconclusive("the catalogue has no category to put a product into", Missing.SAMPLE)
        word = secrets.token_hex(5)
        draft = Draft(f"TRIAL-{word.upper()}", f"Trial {word}", categories[0].text("id"), price_cents, stock)
        answer = _expect(self.customer.request("POST", PRODUCTS, draft.body()), _CREATED)
        return Product(self.customer, answer.headers["location"], draft)

    def create_category(self) -> Category:
        """Put a category in of a name that nobody else has. Raises AssertionError when it is not accepted."""
        word = secrets.token_hex(5)
        body = {"slug": f"trial-{word}", "name": f"Trial {word}"}
        answer = _expect(self.customer.request("POST", CATEGORIES, body), _CREATED)
        return Category(self.customer, answer.headers["location"], body["slug"], body["name"])

    def require_open(self) -> None:
        """Return once it answers through the edge. Raises NotObserved."""

        def look() -> str:
            try:
                return str(self.customer.get(CATEGORIES).status)
            except httpx.HTTPError as error:
                return f"{type(error).__name__}: {error}"

        eventually(look, until=lambda seen: seen == str(_OK), within=_OPENS_WITHIN, what="the catalogue answers")

    def counted(self) -> Catalogue:
        """Count what it holds, page by page. Raises Inconclusive when it holds nothing."""
        counts = Catalogue(self.customer, self._count(CATEGORIES), self._count(PRODUCTS))
        if not counts.categories or not counts.products:
            raise Inconclusive("the catalogue is empty", Missing.SAMPLE)
        return counts

    def _count(self, path: str) -> int:
        count, cursor = 0, ""
        while True:
            page = _expect(self.customer.get(f"{path}?limit={_PAGE}{cursor}"), _OK).document
            count += len(page.documents("items"))
            if not page.text("next_cursor"):
                return count
            cursor = f"&cursor={page.text('next_cursor')}"


WRONG_REQUESTS: Mapping[str, Callable[[Customer], Answer]] = {
    "asks for a product that does not exist": lambda customer: customer.get(f"{PRODUCTS}/{uuid.uuid4()}"),
    "asks for something the catalogue does not have": lambda customer: customer.get("/catalog/nothing-of-the-kind"),
    "creates a product without a price": lambda customer: customer.request("POST", PRODUCTS, {"name": "Unpriced"}),
    "deletes a product without saying which version": lambda customer: customer.request("DELETE", _first(customer)),
}


def _first(customer: Customer) -> str:
    return f"{PRODUCTS}/{customer.get(PRODUCTS).document.documents('items')[0].text('id')}"


def _expect(answer: Answer, *statuses: int) -> Answer:
    if answer.status not in statuses:
        raise AssertionError(f"answered with status {answer.status}: {answer.body[:300]}")
    return answer
