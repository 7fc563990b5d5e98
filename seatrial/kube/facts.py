"""What a cluster says of itself, for the record of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml
from kubernetes.config import ConfigException

from seatrial.kube import kinds
from seatrial.kube.api import Api, Interrupted, Refused, Selection, settings_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.target import Target


def cluster_facts(target: Target) -> Mapping[str, str]:
    """Return Kubernetes' version and each node's programs, as *target*'s API tells them; unknown if it does not."""
    try:
        api = Api(settings_from(target.kubeconfig, target.context))
    except (ConfigException, Interrupted, Refused, OSError, ValueError, TypeError, yaml.YAMLError):
        return {"kubernetes": "unknown"}
    try:
        version = json.loads(api.request("GET", "/version"))["gitVersion"]
        facts = {"kubernetes": str(version)}
        for node in api.list(Selection(kinds.NODE)).items:
            words = ("kubeletVersion", "containerRuntimeVersion", "osImage", "kernelVersion")
            facts[f"node {node.name}"] = ", ".join(node.text(f"status.nodeInfo.{word}") for word in words)
    except (Interrupted, Refused, ValueError, KeyError):
        return {"kubernetes": "unknown"}
    finally:
        api.close()
    return facts
