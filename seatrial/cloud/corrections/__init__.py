"""Corrections of the emulator: where moto's answers differ from the AWS API reference, ours take their place.

Each correction names the page of the reference that it restores, and stands in the module of its service. The files
that OpenTofu applies are the same for the emulator and for AWS; it is the emulator that is bent, never they.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from seatrial.cloud.corrections.budgets import BUDGETS
from seatrial.cloud.corrections.ec2 import EC2
from seatrial.cloud.corrections.efs import EFS
from seatrial.cloud.corrections.eks import EKS
from seatrial.cloud.corrections.elasticache import ELASTICACHE
from seatrial.cloud.corrections.kms import KMS
from seatrial.cloud.corrections.logs import LOGS
from seatrial.cloud.corrections.rds import RDS
from seatrial.cloud.corrections.s3 import S3
from seatrial.cloud.corrections.sts import STS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from seatrial.cloud.corrections.registry import Correction

_SERVICES = (BUDGETS, EC2, EFS, EKS, ELASTICACHE, KMS, LOGS, RDS, S3, STS)


def corrections() -> Sequence[Correction]:
    """Return all corrections."""
    return tuple(correction for service in _SERVICES for correction in service.all)


def apply() -> None:
    """Correct the emulator in this process, for good; once more changes nothing."""
    for correction in corrections():
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
