"""Corrections of the emulator: where moto's answers differ from the AWS API reference, ours take their place.

Each correction names the page of the reference that it restores, and stands in the module of its service. The files
that OpenTofu applies are the same for the emulator and for AWS; it is the emulator that is bent, never they.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from seatrial.cloud.corrections.registry import Correction, Corrections

SERVICES: Final = (
    "authorisation",
    "budgets",
    "ec2",
    "efs",
    "eks",
    "elasticache",
    "kms",
    "logs",
    "rds",
    "s3",
    "sessions",
    "sts",
)


def corrections(services: Sequence[str] = SERVICES) -> Sequence[Correction]:
    """Return all corrections, or those of *services* alone: what moto has of the others is not even loaded then."""
    modules = {name: import_module(f"{__name__}.{name}") for name in services}
    made: list[Corrections] = [getattr(module, name.upper()) for name, module in modules.items()]
    return tuple(correction for service in made for correction in service.all)


def apply(services: Sequence[str] = SERVICES) -> None:
    """Correct the emulator of *services* in this process, for good; once more changes nothing."""
    for correction in corrections(services):
        correction.apply()


@contextmanager
def applied(*, without: str | None = None) -> Iterator[None]:
    """Correct the emulator in this process for a while, by all corrections but the one called *without*.

    Raises ValueError if there is none of that name.
    """
    chosen = [each for each in corrections() if str(each) != without]
    if without is not None and len(chosen) == len(corrections()):
        raise ValueError(f"there is no correction {without!r}")
    for each in chosen:
        each.apply()
    try:
        yield
    finally:
        for each in reversed(chosen):
            each.undo()
