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
    OTHER = "other"
