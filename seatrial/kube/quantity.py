"""Amounts as Kubernetes writes them: ``250m`` cores, ``64Mi`` bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubernetes.utils.quantity import parse_quantity

if TYPE_CHECKING:
    from decimal import Decimal


def amount(text: str) -> Decimal:
    """Return the exact number that *text* stands for: cores for a CPU quantity, bytes for a memory or storage quantity.

    Raises ValueError, naming *text*, when it is no quantity.
    """
    try:
        parsed: Decimal = parse_quantity(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a Kubernetes quantity such as 250m or 64Mi") from error
    return parsed
