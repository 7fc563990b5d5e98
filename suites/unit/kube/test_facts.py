"""What a cluster says of itself is kept; that it does not say it is no reason for a run to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.kube.facts import cluster_facts
from seatrial.target import Target
from seatrial.truth import TruthLabel

if TYPE_CHECKING:
    from pathlib import Path


def target(kubeconfig: Path) -> Target:
    return Target("t", TruthLabel.OTHER, kubeconfig, None, None, None)


def test_a_cluster_that_cannot_be_asked_is_unknown(tmp_path: Path, refusing_api: str) -> None:
    assert cluster_facts(target(tmp_path / "absent")) == {"kubernetes": "unknown"}
    (tmp_path / "broken").write_text(": [")
    assert cluster_facts(target(tmp_path / "broken")) == {"kubernetes": "unknown"}
    (tmp_path / "refusing").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nusers: [{name: u, user: {token: x}}]\n"
        "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
        f"clusters: [{{name: k, cluster: {{server: '{refusing_api}'}}}}]\n"
    )
    assert cluster_facts(target(tmp_path / "refusing")) == {"kubernetes": "unknown"}
