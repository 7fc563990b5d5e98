"""Which cluster a run is against, and how true a result from it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import urllib3
import yaml

from seatrial.errors import UsageError
from seatrial.truth import TruthLabel

if TYPE_CHECKING:
    from pathlib import Path

    from kubernetes import client

    from seatrial.cluster import RunningCluster

_ANSWER_WITHIN_SECONDS = 5.0
_HTTPS = 443
_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class Registry:
    """An image registry: *push* as seen from here, *pull* as a node sees it, each ``host[:port][/prefix]``.

    *insecure* means plain HTTP.
    """

    push: str
    pull: str
    insecure: bool


@dataclass(frozen=True)
class Edge:
    """Where traffic enters the cluster, over TLS; *ca* is the authority's PEM file, None for a public authority."""

    address: str
    port: int
    ca: Path | None


@dataclass(frozen=True)
class Target:
    """The cluster under test. *context* None means the kubeconfig's current one."""

    name: str
    label: TruthLabel
    kubeconfig: Path
    context: str | None
    registry: Registry | None
    edge: Edge | None


def target_of(running: RunningCluster) -> Target:
    """Return the target that an embedded cluster already running is."""
    return Target(
        name=running.name,
        label=TruthLabel.EMBEDDED,
        kubeconfig=running.kubeconfig,
        context=None,
        registry=running.registry,
        edge=running.edge,
    )


def embedded_target() -> Target:
    """Bring the embedded cluster up, unless it is, and return it as a target.

    Raises UsageError where the machine lacks what the cluster needs.
    """
    from seatrial import cluster  # noqa: PLC0415 (a run against another cluster must not need this one's parts)

    return target_of(cluster.up())


def kubeconfig_target(
    file: Path, context: str | None, registry: str | None, edge: str | None, *, edge_ca: Path | None = None
) -> Target:
    """Return the cluster that *context* (the current one if None) of the kubeconfig *file* names, once it has answered.

    *registry* is ``[http://]host[:port][/prefix]``, followed by ``=host[:port][/prefix]`` where nodes reach it by
    another name. *edge* is ``host[:port]``, port 443 if none is given.

    Raises UsageError for a file that is missing or broken, an unknown context, an API that does not answer or refuses
    the credentials, and for a registry or an edge that cannot be read.
    """
    current, known = _contexts(file)
    chosen = context or current
    if chosen is None:
        raise UsageError(f"{file} names no current context: choose one with --context, it has {_listed(known)}.")
    if chosen not in known:
        raise UsageError(f"{file} has no context {chosen!r}: choose one of {_listed(known)}.")
    if edge_ca is not None and not edge_ca.is_file():
        raise UsageError(f"The edge's authority {edge_ca} is not a file: give the PEM file with --edge-ca.")
    parsed_registry = parse_registry(registry) if registry else None
    parsed_edge = parse_edge(edge, ca=edge_ca) if edge else None
    return Target(
        name=chosen,
        label=_label(file, chosen),
        kubeconfig=file,
        context=chosen,
        registry=parsed_registry,
        edge=parsed_edge,
    )


def parse_registry(text: str) -> Registry:
    """Read ``[http://|https://]host[:port][/prefix][=host[:port][/prefix]]``; raises UsageError for anything else."""
    insecure = text.startswith("http://")
    push, _, pull = text.removeprefix("http://").removeprefix("https://").partition("=")
    place = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9._-]+)*", re.IGNORECASE)
    if not place.fullmatch(push) or (pull and not place.fullmatch(pull)):
        raise UsageError(f"The registry {text!r} cannot be read: write it as host:port or host:port/prefix.")
    return Registry(push=push, pull=pull or push, insecure=insecure)


def parse_edge(text: str, *, ca: Path | None = None) -> Edge:
    """Read ``host[:port]``, port 443 if none is given; raises UsageError for anything else."""
    match = re.fullmatch(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?", text)
    port = int(match["port"] or _HTTPS) if match else 0
    if match is None or not 0 < port <= _HIGHEST_PORT:
        raise UsageError(f"The edge {text!r} cannot be read: write it as host or host:port.")
    return Edge(address=match["host"].strip("[]"), port=port, ca=ca)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


def _contexts(file: Path) -> tuple[str | None, tuple[str, ...]]:
    """Return the current context, if any, and all contexts of *file*."""
    if not file.is_file():
        raise UsageError(f"The kubeconfig {file} is not a file: give one that exists with --kubeconfig.")
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        where = f" (line {mark.line + 1})" if mark else ""
        raise UsageError(f"The kubeconfig {file} cannot be read{where}: give a valid one with --kubeconfig.") from error
    entries = document.get("contexts") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"The kubeconfig {file} has no list of contexts: give a valid one with --kubeconfig.")
    names = tuple(str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry)
    current = document.get("current-context")
    return (current if isinstance(current, str) and current else None), names


def _label(file: Path, context: str) -> TruthLabel:
    """Ask the cluster what it is; raises UsageError if it cannot be asked."""
    from kubernetes import client, config  # noqa: PLC0415 (it takes long to import, and most runs do not need it here)

    settings = client.Configuration()
    try:
        config.load_kube_config(str(file), context=context, client_configuration=settings)
    except (config.ConfigException, KeyError, TypeError, ValueError, OSError) as error:
        raise UsageError(
            f"Context {context!r} of {file} cannot be used ({_short(error)}): give a valid one with --kubeconfig."
        ) from error
    settings.retries = False
    with client.ApiClient(settings) as api:
        try:
            version = client.VersionApi(api).get_code(_request_timeout=_ANSWER_WITHIN_SECONDS)
            client.CoreV1Api(api).get_api_resources(_request_timeout=_ANSWER_WITHIN_SECONDS)
        except client.ApiException as error:
            raise UsageError(
                f"The cluster of context {context!r} at {settings.host} refuses the credentials in {file}"
                f" ({error.status} {error.reason}): renew them."
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UsageError(
                f"The cluster of context {context!r} does not answer at {settings.host} ({_short(error)}):"
                " check that it runs and can be reached from here."
            ) from error
        try:
            nodes = client.CoreV1Api(api).list_node(_request_timeout=_ANSWER_WITHIN_SECONDS).items
        except (client.ApiException, urllib3.exceptions.HTTPError):
            nodes = []
    return truth_label(nodes, version.git_version)


def truth_label(nodes: list[client.V1Node], version: str) -> TruthLabel:
    """Say what a cluster is by what its *nodes* and its API server's *version* say of themselves; other if nothing."""
    labels = [(node.metadata.labels if node.metadata else None) or {} for node in nodes]
    providers = [(node.spec.provider_id if node.spec else None) or "" for node in nodes]
    if "-eks-" in version:
        return TruthLabel.EKS
    if not nodes:
        return TruthLabel.OTHER
    if all(provider.startswith("kind://") for provider in providers):
        return TruthLabel.KIND
    if all("minikube.k8s.io/name" in of_node for of_node in labels):
        return TruthLabel.MINIKUBE
    if all("seatrial.dev/pool" in of_node for of_node in labels):
        return TruthLabel.EMBEDDED
    return TruthLabel.OTHER


def _short(error: BaseException) -> str:
    """The last, most telling part of a chained network error, on one line."""
    text = str(error) or type(error).__name__
    return " ".join(text.rsplit("object at ", maxsplit=1)[-1].split())[:160]
