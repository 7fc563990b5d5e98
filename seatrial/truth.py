"""How true a result is: what it was obtained on."""

from __future__ import annotations

from enum import StrEnum


class TruthLabel(StrEnum):
    """What a result was obtained on, from the least to the most like production."""

    PLAN_ONLY = "plan-only"
    EMULATED = "emulated"
    EMBEDDED = "embedded"
    KIND = "kind"
    MINIKUBE = "minikube"
    EKS = "eks"
    AWS = "aws"
    OTHER = "other"

    def is_less_than(self, other: TruthLabel) -> bool:
        """Whether what was observed on this says less about production than what was observed on *other*."""
        order = tuple(TruthLabel)
        return order.index(self) < order.index(other)
