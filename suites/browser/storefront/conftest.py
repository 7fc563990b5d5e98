"""The whole shop without a cluster: storefront, gateway, catalogue and orders on real back ends, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from suites.backends import object_store_process, postgresql, redis_process, scratch
from suites.running import catalog, gateway, orders, orders_settings, serve

if TYPE_CHECKING:
    from reference_app.orders.settings import Settings as OrdersSettings
    from suites.running import Lent, Running, Serve

__all__ = [
    "catalog",
    "gateway",
    "object_store_process",
    "orders",
    "orders_settings",
    "postgresql",
    "redis_process",
    "scratch",
    "serve",
]

CATEGORY = "anchors"


@dataclass(frozen=True)
class Premises:
    """The shop: the service that people see, and those behind it, each of which can be away."""

    storefront: Running
    gateway: Running
    catalog: Running
    orders: Running
    product: str

    @property
    def address(self) -> str:
        return self.storefront.address

    def stock(self, name: str, *, sku: str) -> str:
        """Put a new product into the catalogue, and return its path among the pages."""
        with httpx.Client(base_url=self.catalog.address, trust_env=False) as clerk:
            listed = clerk.get("/categories", params={"limit": 100}).json()["items"]
            category = next(one["id"] for one in listed if one["slug"] == CATEGORY)
            body = {"sku": sku, "name": name, "description": name, "category_id": category, "price_cents": 1}
            made = clerk.post("/products", json={**body, "stock": 100}).raise_for_status().json()
        assert made["name"] == name
        return f"/products/{made['id']}"


@pytest.fixture(scope="module")
def premises(orders_settings: OrdersSettings, serve: Serve, catalog: Lent, orders: Lent, gateway: Lent) -> Premises:
    from reference_app.orders.app import create_relay, create_worker  # noqa: PLC0415
    from reference_app.storefront.app import create_app  # noqa: PLC0415
    from reference_app.storefront.settings import Settings  # noqa: PLC0415

    for carry in (create_relay, create_worker):
        serve(partial(carry, orders_settings))
    settings = Settings.model_validate({"gateway_url": gateway.address})
    storefront = serve(lambda: create_app(settings))
    return Premises(storefront, gateway.running, catalog.running, orders.running, catalog.product)
