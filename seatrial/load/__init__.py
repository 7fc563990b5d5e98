"""Traffic from customers: sent at a rate that does not depend on the answers, each request on record."""

from seatrial.load.edge import Answer, Customer
from seatrial.load.plan import TrafficPlan
from seatrial.load.record import Record, Request
from seatrial.load.traffic import Traffic, customers, traffic

__all__ = ["Answer", "Customer", "Record", "Request", "Traffic", "TrafficPlan", "customers", "traffic"]
