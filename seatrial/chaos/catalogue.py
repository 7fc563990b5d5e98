"""All kinds of faults: what a lease may name, and nothing else."""

from __future__ import annotations

from importlib import import_module

_MODULES = ("network", "processes", "stress", "pods", "nodes", "certificates")


def load() -> None:
    """Register the faults of all modules that have any."""
    for name in _MODULES:
        import_module(f"seatrial.chaos.{name}")
