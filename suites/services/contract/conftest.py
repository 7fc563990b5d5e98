"""Whole services on real back ends and real sockets, with the documents that they publish."""

from suites.running import catalog, gateway, lent, orders, orders_settings, serve

__all__ = ["catalog", "gateway", "lent", "orders", "orders_settings", "serve"]
