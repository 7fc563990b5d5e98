"""The shop as its customers use it, through the edge: orders, visits with a cart and files, and pages in a browser."""

from seatrial.shop.ordering import Order, Orders
from seatrial.shop.visit import File, Visit

__all__ = ["File", "Order", "Orders", "Visit"]
