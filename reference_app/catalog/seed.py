"""The sample catalogue: twelve categories of twenty products, the same on every machine and in every run."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy.dialects.postgresql import insert

from reference_app.catalog.tables import CategoryRow, ProductRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Ids are derived from slugs and SKUs, so that a link to a sample product holds on every installation.
_NAMESPACE: Final = uuid.UUID("5eaa71a1-0000-4000-8000-000000000000")


@dataclass(frozen=True)
class _Kind:
    slug: str
    name: str
    description: str
    things: tuple[str, ...]


_FINISHES: Final = (
    ("Harbour", "plain and sturdy, for every day"),
    ("Breeze", "light, for those who travel far"),
    ("Anchor", "heavy duty, tested in salt water"),
    ("Lagoon", "in sea green, made from recycled material"),
)
_KINDS: Final = (
    _Kind(
        "ropes",
        "Ropes and lines",
        "What holds the boat and what hoists the sail.",
        ("mooring line", "halyard", "jib sheet", "tow rope", "heaving line"),
    ),
    _Kind(
        "anchors",
        "Anchors and chains",
        "What keeps the boat where it is.",
        ("plough anchor", "grapnel", "anchor chain", "shackle", "chain hook"),
    ),
    _Kind(
        "navigation",
        "Navigation",
        "Where am I, and where to?",
        ("compass", "sextant", "chart plotter", "dividers", "log book"),
    ),
    _Kind(
        "safety",
        "Safety",
        "Hopefully never needed.",
        ("life jacket", "flare set", "fire blanket", "harness", "throw line"),
    ),
    _Kind(
        "sails",
        "Sails and rigging",
        "The engine that needs no fuel.",
        ("mainsail", "storm jib", "sail cover", "turnbuckle", "batten"),
    ),
    _Kind(
        "galley",
        "Galley",
        "Good food in rough weather.",
        ("kettle", "gimballed stove", "non-slip bowl", "water filter", "mug"),
    ),
    _Kind(
        "clothing",
        "Clothing",
        "Dry and warm from head to foot.",
        ("oilskin jacket", "sea boots", "wool cap", "sailing gloves", "thermal vest"),
    ),
    _Kind(
        "lights",
        "Lights",
        "To see and to be seen.",
        ("masthead light", "deck lamp", "head torch", "stern light", "cabin lantern"),
    ),
    _Kind(
        "tools",
        "Tools and repair",
        "Every boat is a workshop.",
        ("rigging knife", "marlinspike", "sail needle set", "bilge pump", "epoxy kit"),
    ),
    _Kind(
        "instruments",
        "Instruments",
        "Wind, depth and weather in numbers.",
        ("barometer", "anemometer", "echo sounder", "wind vane", "ship's clock"),
    ),
    _Kind(
        "dinghies",
        "Dinghies and oars",
        "From the anchorage to the beach.",
        ("oar pair", "rowlock", "inflatable dinghy", "foot pump", "boat cushion"),
    ),
    _Kind(
        "books",
        "Books and charts",
        "For the evenings in harbour.",
        ("harbour guide", "knot book", "tide table", "coastal chart", "star atlas"),
    ),
)


@dataclass(frozen=True)
class Planted:
    """How many rows a seeding added; those that were there already stay as they are."""

    categories: int
    products: int


def plant(connection: Connection) -> Planted:
    """Add what the sample catalogue lacks, inside the transaction of *connection*; repeatable."""
    categories = 0
    products = 0
    for kind in _KINDS:
        category_id = uuid.uuid5(_NAMESPACE, kind.slug)
        category = insert(CategoryRow).values(
            id=category_id, slug=kind.slug, name=kind.name, description=kind.description
        )
        added = connection.execute(category.on_conflict_do_nothing().returning(CategoryRow.id))
        categories += len(added.all())
        listed = insert(ProductRow).values(_products(kind, category_id))
        added = connection.execute(listed.on_conflict_do_nothing().returning(ProductRow.id))
        products += len(added.all())
    return Planted(categories=categories, products=products)


def _products(kind: _Kind, category_id: uuid.UUID) -> list[dict[str, object]]:
    products = []
    for thing_number, thing in enumerate(kind.things):
        for finish_number, (finish, praise) in enumerate(_FINISHES):
            number = thing_number * len(_FINISHES) + finish_number + 1
            sku = f"{kind.slug.upper()}-{number:03}"
            products.append(
                {
                    "id": uuid.uuid5(_NAMESPACE, sku),
                    "sku": sku,
                    "name": f"{finish} {thing}",
                    "description": f"{thing.capitalize()} of the {finish} line: {praise}.",
                    "category_id": category_id,
                    "price_cents": 490 + 1250 * thing_number + 375 * finish_number,
                    "stock": 20 + 7 * number % 80,
                }
            )
    return products
