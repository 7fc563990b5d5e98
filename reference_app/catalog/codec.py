"""How a product, or the fact that there is none, is kept in the cache: ready to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_app.catalog.schemas import ProductShown

if TYPE_CHECKING:
    from reference_app.catalog.domain import Product

NOTHING = b"-"
"""The entry that says: there is no such product."""


@dataclass(frozen=True)
class Kept:
    """A product as JSON, and its version."""

    version: int
    body: bytes

    @classmethod
    def of(cls, product: Product) -> Kept:
        """Keep *product*."""
        return cls(version=product.version, body=ProductShown.model_validate(product).model_dump_json().encode())

    @classmethod
    def of_entry(cls, entry: bytes) -> Kept | None:
        """Read an entry of the cache; ``None`` for `NOTHING`."""
        if entry == NOTHING:
            return None
        version, _, body = entry.partition(b"\n")
        return cls(version=int(version), body=body)

    @property
    def entry(self) -> bytes:
        """What goes into the cache."""
        return b"%d\n%b" % (self.version, self.body)
