"""The subject under test: the reference services, deployed once and shared by all scenarios."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.errors import UsageError
from seatrial.kube import kinds
from seatrial.kube.api import Refused
from seatrial.kube.manifests import PART_OF, Manifests
from seatrial.kube.namespace import Namespace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.kube.api import Api
    from seatrial.kube.document import JsonObject

OVERLAYS = Path(__file__).resolve().parents[2] / "infra" / "kubernetes" / "overlays"
_ENTROPY_BYTES = 24
_CONFLICT = 409
_DEPLOYED_WITHIN = timedelta(minutes=5)
_PRUNED = (
    kinds.JOB,
    kinds.DEPLOYMENT,
    kinds.STATEFUL_SET,
    kinds.SERVICE,
    kinds.INGRESS,
    kinds.AUTOSCALER,
    kinds.DISRUPTION_BUDGET,
    kinds.NETWORK_POLICY,
    kinds.CONFIG_MAP,
    kinds.SERVICE_ACCOUNT,
    kinds.ROLE_BINDING,
    kinds.ROLE,
)
# Keys of AWS that services had before they got their rights by token.
_RETIRED = ("object-store",)


@dataclass(frozen=True)
class Credential:
    """A Secret made at deploy time: *fixed* values as given, *drawn* ones from the system's random source."""

    name: str
    fixed: Mapping[str, str]
    drawn: tuple[str, ...]

    def values(self) -> Mapping[str, str]:
        """Return the values of a new Secret, other ones at each call."""
        return {**self.fixed, **{key: secrets.token_urlsafe(_ENTROPY_BYTES) for key in self.drawn}}


@dataclass(frozen=True)
class Subject:
    """A deployment of an overlay into the namespace that the overlay names."""

    manifests: Manifests
    namespace: str
    part_of: str

    @classmethod
    def read(cls, overlay: str, *, kubectl: Path | None = None, folder: Path = OVERLAYS) -> Subject:
        """Render the overlay called *overlay*.

        Raises UsageError when it cannot be built, or does not name exactly one namespace.
        """
        manifests = Manifests.render(folder / overlay, kubectl)
        namespaces = sorted({document.namespace for document in manifests.documents if document.namespace})
        if len(namespaces) != 1:
            named = ", ".join(namespaces) or "none"
            raise UsageError(f"The overlay {folder / overlay} names {named}: let it deploy into exactly one namespace.")
        labels = (document.labels.get(PART_OF) for document in manifests.documents)
        return cls(manifests, namespaces[0], next(filter(None, labels), overlay))

    def deploy(self, api: Api, images: Mapping[str, str], *, within: timedelta = _DEPLOYED_WITHIN) -> Namespace:
        """Bring the cluster to what the overlay says and return the namespace once all of it serves.

        A second call on an unchanged overlay changes nothing. Secrets that exist are kept, so that a database that was
        made with one still opens. Raises Refused, NotObserved.
        """
        wanted = self.manifests.with_images(images)
        wanted.only("Namespace").apply(api, within=within)
        for credential in CREDENTIALS:
            ensure_credential(api, self.namespace, credential)
        tell_issuer(api, self.namespace)
        wanted.without("Namespace").apply(api, within=within)
        wanted.prune(api, self.namespace, self.part_of, _PRUNED)
        namespace = Namespace(api, self.namespace)
        self.wait_serving(namespace, within=within)
        for name in _RETIRED:
            api.delete(kinds.SECRET, name, self.namespace)
        return namespace

    def wait_serving(self, namespace: Namespace, *, within: timedelta) -> None:
        """Return once each workload of the overlay is rolled out and each of its Jobs has ended well.

        Raises NotObserved, also when a Job failed.
        """
        for document in self.manifests.only("StatefulSet").documents:
            namespace.stateful_set(document.name).wait_complete(within=within)
        for document in self.manifests.only("Job").documents:
            namespace.job(document.name).wait_complete(within=within)
        for document in self.manifests.only("Deployment").documents:
            namespace.deployment(document.name).wait_rolled_out(within=within)


# A database's account for each service that has one, and what the emulator of AWS seals the credentials with that
# it gives.
CREDENTIALS = (
    Credential("catalog-database", {"username": "catalog", "database": "catalog"}, ("password",)),
    Credential("orders-database", {"username": "orders", "database": "orders"}, ("password",)),
    Credential("aws-seal", {}, ("key",)),
)


def ensure_credential(api: Api, namespace: str, credential: Credential) -> None:
    """Make the Secret of *credential* unless it exists. Its values leave this process only towards the API."""
    if api.find(kinds.SECRET, credential.name, namespace) is not None:
        return
    document: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": credential.name, "namespace": namespace},
        "stringData": dict(credential.values()),
    }
    try:
        api.create(document)
    except Refused as error:
        # Another run may have been first.
        if error.status != _CONFLICT:
            raise


def tell_issuer(api: Api, namespace: str) -> None:
    """Let the ConfigMap ``cluster-issuer`` say who issues the cluster's tokens and with which keys (a JWK set's).

    A real account fetches both from the issuer's address; an emulator that pods alone reach is told.
    """
    issuer = api.ask("GET", "/.well-known/openid-configuration").text("issuer")
    keys = json.loads(api.request("GET", "/openid/v1/jwks"))["keys"]
    api.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "cluster-issuer", "namespace": namespace},
            "data": {"issuer.json": json.dumps({"issuer": issuer, "keys": keys}, indent=2)},
        }
    )
