"""How long an autoscaler's reaction waits for things that happen once in a while, reckoned from their settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from seatrial.kube.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterable

_INFRA = Path(__file__).resolve().parents[2] / "infra"
_SYNC, _RESOLUTION = "horizontal-pod-autoscaler-sync-period", "--metric-resolution"
_WINDOW = "/spec/behavior/scaleDown/stabilizationWindowSeconds"
# The kubelet sets this for its cAdvisor (pkg/kubelet/cadvisor), whose next look is between one and two of it away
# (manager/container.go, nextHousekeepingInterval).
_HOUSEKEEPING = 10.0
_JITTER = 2.0


@dataclass(frozen=True)
class Settings:
    """Seconds between looks: the kubelet's at its containers (at least), metrics-server's, the autoscaler's.

    *window* is for how many seconds fewer replicas must have been enough before one is removed.
    """

    housekeeping: float
    resolution: float
    sync: float
    window: float

    @classmethod
    def here(cls) -> Settings:
        """Read what the embedded cluster and the shop on it are set to. Raises KeyError for what is not set there."""
        flags = {
            flag.text("name"): flag.text("value")
            for part in _read("cluster/kubeadm/init.yaml")
            for flag in part.documents("controllerManager.extraArgs")
        }
        (server,) = _read("cluster/addons/metrics-server/deployment.yaml")
        (container,) = server.documents("spec.template.spec.containers")
        arguments = container.at("args")
        said = dict(word.partition("=")[::2] for word in arguments) if isinstance(arguments, list) else {}
        (overlay,) = _read("kubernetes/overlays/embedded/kustomization.yaml")
        patched = {
            change["path"]: change["value"]
            for patch in overlay.documents("patches")
            for change in yaml.safe_load(patch.text("patch")) or ()
        }
        return cls(_HOUSEKEEPING, _seconds(said[_RESOLUTION]), _seconds(flags[_SYNC]), patched[_WINDOW])


# The defaults of the kubelet, of metrics-server's manifests (--metric-resolution) and of the controller manager
# (--horizontal-pod-autoscaler-sync-period, --horizontal-pod-autoscaler-downscale-stabilization).
STOCK = Settings(_HOUSEKEEPING, 15, 15, 300)


@dataclass(frozen=True)
class Wait:
    """How long one part waits, at *worst* and in the *mean*, in seconds."""

    worst: float
    mean: float

    @classmethod
    def until_next(cls, least: float, most: float) -> Wait:
        """Return how long it is from any moment to the next of events that are *least* to *most* apart, evenly spread.

        The mean is E[X²] / 2 E[X] (renewal theory: a moment is likelier to fall into a long gap than into a short one).
        """
        return cls(most, (least**2 + least * most + most**2) / 3 / (least + most))

    def __add__(self, other: Wait) -> Wait:
        return Wait(self.worst + other.worst, self.mean + other.mean)


def waits(settings: Settings, *, down: bool = False) -> dict[str, Wait]:
    """Return what each part waits for by *settings*, growing or, if *down*, shrinking; "together" is their sum.

    For a load that one reading of any part of it shows; where a reading that had only some of it is not enough, the
    next one is waited for as well. The window counts from the last look that wanted as many as before, which is one
    look before the first that wants fewer: it holds that back for the window less none or one look.
    """
    found = {
        "measured": Wait.until_next(settings.housekeeping, settings.housekeeping * _JITTER),
        "published": Wait.until_next(settings.resolution, settings.resolution),
        "decided": Wait.until_next(settings.sync, settings.sync),
    }
    if down:
        found["wished"] = found.pop("decided")
        found["decided"] = Wait(settings.window, settings.window - settings.sync / 2)
    return {**found, "together": _sum(found.values())}


def table(here: Settings, stock: Settings = STOCK, *, down: bool = False) -> str:
    """Return a table in Markdown: the waits by the *stock* settings beside those *here*."""
    ours, theirs = waits(here, down=down), waits(stock, down=down)
    rows = [
        "| until | stock, at worst | stock, in the mean | here, at worst | here, in the mean |",
        "|---|---|---|---|---|",
    ]
    for name, one in ours.items():
        other = theirs[name]
        rows.append(f"| {name} | {other.worst:.1f} s | {other.mean:.1f} s | {one.worst:.1f} s | {one.mean:.1f} s |")
    return "\n".join(rows)


def _sum(parts: Iterable[Wait]) -> Wait:
    return sum(parts, start=Wait(0, 0))


def _read(name: str) -> tuple[Document, ...]:
    return tuple(map(Document, yaml.safe_load_all((_INFRA / name).read_text(encoding="utf-8"))))


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))
