"""The whole shop, for the customers of a load."""

from suites.running import catalog, gateway, orders, orders_settings, serve

__all__ = ["catalog", "gateway", "orders", "orders_settings", "serve"]
