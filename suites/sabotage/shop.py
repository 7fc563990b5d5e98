"""Sabotages of the shop on the cluster: what is deployed lacks a control, or has a bug in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suites.sabotage.changes import added, all_of, edited, planted, pods_of, started_anew, told, without
from suites.sabotage.declaration import Sabotage, Sight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suites.sabotage.changes import Edit

_CATALOGUE = Path(__file__).with_name("planted.py")
# What others have shipped, written for the tests of the checker of orders.
_ORDERS = Path(__file__).parents[1] / "processes" / "orders" / "planted.py"
_CUT_SHORT = timedelta(seconds=75)
_CLOSED = "security/network_policy.feature"
_NO_CONNECTION = "no connection is made"


def _shop_pod(name: str) -> dict[str, Any]:
    return {"matchLabels": {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": "shop"}}


def _edge(source: str, target: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Open the way from one service to another, at both ends."""

    def policy(end: str, pod: str, direction: str, peers: str, peer: str) -> dict[str, Any]:
        rule = {peers: [{"podSelector": _shop_pod(peer)}], "ports": [{"protocol": "TCP", "port": 8000}]}
        spec = {"podSelector": _shop_pod(pod), "policyTypes": [direction], direction.lower(): [rule]}
        metadata = {"name": f"sabotage-{source}-{target}-{end}"}
        return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}

    return policy("out", source, "Egress", "to", target), policy("in", target, "Ingress", "from", source)


def _reads_secrets(account: str) -> Sequence[dict[str, Any]]:
    name = f"sabotage-{account}"
    group = "rbac.authorization.k8s.io"
    role: dict[str, Any] = {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]}
    binding: dict[str, Any] = {
        "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "shop"}],
    }
    kinds = {"Role": role, "RoleBinding": binding}
    return [
        {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": name}, **content}
        for kind, content in kinds.items()
    ]


def _let_none_leave(raw: dict[str, Any]) -> None:
    del raw["spec"]["minAvailable"]
    raw["spec"]["maxUnavailable"] = 0


def _open_to_all(raw: dict[str, Any]) -> None:
    del raw["spec"]["ingress"][0]["from"]


def _without_the_gateway(raw: dict[str, Any]) -> None:
    raw["spec"]["ingress"] = [
        rule for rule in raw["spec"]["ingress"] if {"protocol": "TCP", "port": 9000} in rule["ports"]
    ]


def _unpoliced(raw: dict[str, Any]) -> None:
    raw["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "privileged"


def _trusting_the_storefront(raw: dict[str, Any]) -> None:
    account = raw["data"]["account.json"]
    raw["data"]["account.json"] = account.replace('"trusts": "shop/gateway"', '"trusts": "shop/storefront"')


def _all_to_the_gateway(raw: dict[str, Any]) -> None:
    for path in raw["spec"]["rules"][0]["http"]["paths"]:
        path["backend"]["service"]["name"] = "gateway"


def _all_at_once(raw: dict[str, Any]) -> None:
    raw["spec"]["strategy"] = {"type": "Recreate"}


def _without_probes(*names: str) -> Edit:
    def edit(pods: dict[str, Any]) -> None:
        for container in pods["containers"]:
            for name in names:
                del container[name]

    return edit


def _on_one_node(pods: dict[str, Any]) -> None:
    del pods["topologySpreadConstraints"]
    pods["nodeSelector"] = {"seatrial.dev/pool": "application"}


def _waiting_for_dead_nodes(pods: dict[str, Any]) -> None:
    del pods["tolerations"]


def _without_growth(raw: dict[str, Any]) -> None:
    raw["spec"]["maxReplicas"] = raw["spec"]["minReplicas"]


SHOP = (
    Sabotage(
        "no-disruption-budget",
        "The catalogue has no disruption budget.",
        (Sight("scaling/disruption.feature", "All replicas may not leave at once", "not all may leave"),),
        change=without("PodDisruptionBudget", "catalog"),
    ),
    Sabotage(
        "budget-for-nobody",
        "The catalogue's disruption budget lets no replica leave, so that no node can be drained.",
        (Sight("scaling/disruption.feature", "One replica may leave", "it may leave"),),
        change=edited("PodDisruptionBudget", "catalog", _let_none_leave),
    ),
    Sabotage(
        "no-network-policies",
        "The shop has no network policy at all, the one that denies by default included.",
        (
            Sight(_CLOSED, "A service without a database does not", _NO_CONNECTION),
            Sight(_CLOSED, "A stranger next door does not", _NO_CONNECTION),
        ),
        change=without("NetworkPolicy"),
    ),
    Sabotage(
        "database-open",
        "The database takes connections from anywhere.",
        (Sight(_CLOSED, "A stranger from elsewhere does not", _NO_CONNECTION),),
        change=edited("NetworkPolicy", "postgresql", _open_to_all),
    ),
    Sabotage(
        "edge-too-many",
        "The storefront may go past the gateway to the catalogue.",
        (Sight(_CLOSED, "The storefront does not reach catalog", _NO_CONNECTION),),
        change=added(*_edge("storefront", "catalog")),
    ),
    Sabotage(
        "edge-too-few",
        "The order service takes no connections from the gateway.",
        (Sight(_CLOSED, "The gateway reaches orders", "the connection is made"),),
        change=edited("NetworkPolicy", "orders", _without_the_gateway),
    ),
    Sabotage(
        "unpoliced-pods",
        "The shop's namespace admits privileged pods.",
        (
            Sight(
                "security/pod_security.feature", "A privileged pod is refused", 'it is refused, because of "privileged"'
            ),
        ),
        change=edited("Namespace", "shop", _unpoliced),
    ),
    Sabotage(
        "account-reads-secrets",
        "The catalogue's service account may read the secrets around it.",
        (
            Sight(
                "security/service_accounts.feature",
                "The catalogue's account reads no secrets",
                "it is refused for want of rights",
            ),
        ),
        change=added(*_reads_secrets("catalog")),
    ),
    Sabotage(
        "trust-turned-around",
        "The role that is the gateway's trusts the storefront instead.",
        (
            Sight(
                "security/cloud_keys.feature",
                "What runs under the gateway's account keeps a file",
                "the cloud has kept it",
            ),
            Sight(
                "security/cloud_keys.feature",
                "What runs under another service's account is refused the same",
                "the cloud refuses it for want of rights",
            ),
        ),
        change=all_of(edited("ConfigMap", "aws-account-", _trusting_the_storefront), started_anew("aws", "trust")),
    ),
    Sabotage(
        "key-in-the-shop",
        "A key to the cloud that lasts stands in the storefront's settings.",
        (Sight("security/cloud_keys.feature", "The shop's pods are given none", "there is none"),),
        change=told("storefront", AWS_ACCESS_KEY_ID="EXAMPLE"),
    ),
    Sabotage(
        "pages-misrouted",
        "The edge sends to the gateway what is the storefront's.",
        (Sight("infrastructure/ingress.feature", "All else is the storefront's", "a page comes back"),),
        change=edited("Ingress", "shop", _all_to_the_gateway),
    ),
    Sabotage(
        "stopped-before-started",
        "A release of the catalogue stops all old replicas before it starts new ones.",
        (
            Sight(
                "delivery/rollout.feature",
                "All replicas are replaced while customers come",
                "every request meanwhile succeeds",
            ),
        ),
        change=edited("Deployment", "catalog", _all_at_once),
    ),
    Sabotage(
        "asked-before-ready",
        "New replicas of the catalogue are asked at once, without probes, and the gateway does not try again.",
        (
            Sight(
                "delivery/rollout.feature",
                "All replicas are replaced while customers come",
                "every request meanwhile succeeds",
            ),
        ),
        change=all_of(
            pods_of("Deployment", "catalog", _without_probes("startupProbe", "readinessProbe")),
            told("gateway", "gateway", GATEWAY_RETRY_SHARE="0", GATEWAY_RETRY_MINIMUM="0"),
        ),
    ),
    Sabotage(
        "no-readiness-probe",
        "Nobody asks the catalogue's replicas whether they are ready.",
        (
            Sight(
                "resilience/process_faults.feature",
                "It stands still",
                "it stood still meanwhile, and the platform noticed",
            ),
        ),
        change=pods_of("Deployment", "catalog", _without_probes("readinessProbe")),
    ),
    Sabotage(
        "breaker-stays-open",
        "The gateway's circuit breaker tries a service that is back only after ten minutes.",
        (
            Sight(
                "services/degradation.feature",
                "The order service comes back",
                "orders are answered again within 30 seconds",
            ),
        ),
        change=told("gateway", "gateway", GATEWAY_BREAKER_RECOVERY="600"),
    ),
    Sabotage(
        "yesterdays-price",
        "What is changed in the catalogue stays in its cache as it was.",
        (
            Sight(
                "services/catalogue.feature",
                "A new price replaces the cached one",
                "each of the next 10 reads shows 4321 cents",
            ),
        ),
        change=planted("Deployment", "catalog", _CATALOGUE, "keep_what_was_changed"),
    ),
    Sabotage(
        "no-cache",
        "Each read of the catalogue asks the database.",
        (
            Sight(
                "services/catalogue.feature",
                "The second read is answered from the cache",
                "the answer comes from the cache",
            ),
        ),
        change=planted("Deployment", "catalog", _CATALOGUE, "load_each_time"),
    ),
    Sabotage(
        "ordered-twice",
        "The order service takes an order that is sent again for another one.",
        (Sight("services/orders.feature", "An order is sent a second time", "the same order is shown again"),),
        change=planted("Deployment", "orders", _ORDERS, "no_unique_key"),
    ),
    Sabotage(
        "stock-kept",
        "What was set aside for an order that is taken back is not given back.",
        (Sight("services/orders.feature", "A confirmed order is taken back", "7 pieces are left within 20 seconds"),),
        change=planted("Deployment", "orders-worker", _ORDERS, "no_compensation"),
    ),
    Sabotage(
        "answers-late",
        "The catalogue takes a second and a half for each product.",
        (Sight("scaling/load.feature", "A usual day", "the agreed limits are kept"),),
        change=planted("Deployment", "catalog", _CATALOGUE, "answer_late"),
    ),
    Sabotage(
        "migrations-that-lose",
        "Each run of the catalogue's migrations loses a product.",
        (
            Sight(
                "data/migrations.feature",
                "The migrations of catalog are run a second time",
                "catalog holds what it held before",
            ),
        ),
        change=planted("Job", "catalog-migration", _CATALOGUE, "lose_a_product"),
    ),
    Sabotage(
        "no-spread",
        "All replicas of the catalogue stand on one node.",
        (
            Sight(
                "scaling/disruption.feature",
                "A node is drained while customers come",
                "the catalog service is ready on 2 nodes",
            ),
        ),
        change=pods_of("Deployment", "catalog", _on_one_node),
        patience=(("steps.deployment._SETTLES", _CUT_SHORT),),
    ),
    Sabotage(
        "no-growth",
        "The catalogue's autoscaler may ask for no more replicas than the fewest.",
        (
            Sight(
                "scaling/cpu.feature",
                "A rush of customers comes and goes",
                "a rush of 40 requests per second comes and goes",
            ),
            Sight(
                "scaling/memory.feature",
                "Much has to be remembered, and is forgotten again",
                "the memory of its replicas fills and is given back",
            ),
        ),
        change=edited("HorizontalPodAutoscaler", "catalog", _without_growth),
        patience=(("steps.workload._GROWN", _CUT_SHORT),),
        slow=True,
    ),
    Sabotage(
        "dead-nodes-waited-for",
        "Pods of the catalogue stay for five minutes on a node that is lost.",
        (
            Sight(
                "resilience/node_loss.feature",
                "A node loses its power while customers come",
                "all replicas are ready on other nodes within 120 seconds",
            ),
        ),
        change=pods_of("Deployment", "catalog", _waiting_for_dead_nodes),
        slow=True,
    ),
)
