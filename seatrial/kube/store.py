"""The cluster's own store, read past the API: what is on its disk."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.kube.document import Document
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from seatrial.kube.namespace import Namespace
    from seatrial.kube.pod import Pod

_KEYS = "/etc/kubernetes/pki/etcd"
# Where kubeadm puts the certificates that etcd's own health check uses.
_ETCDCTL = (
    "etcdctl",
    "--endpoints=https://127.0.0.1:2379",
    f"--cacert={_KEYS}/ca.crt",
    f"--cert={_KEYS}/healthcheck-client.crt",
    f"--key={_KEYS}/healthcheck-client.key",
)


@dataclass(frozen=True)
class Store:
    """The etcd of a cluster made by kubeadm, through the pod that it runs in."""

    pod: Pod

    @classmethod
    def of(cls, system: Namespace) -> Store | None:
        """Return the one that runs in the namespace *system*, None when the control plane is hidden."""
        pods = system.pods({"component": "etcd"})
        return next((cls(pod) for pod in pods if pod.ready), None)

    def value(self, resource: str, namespace: str | None, name: str) -> bytes:
        """Return the bytes that are kept for an object of the core API's *resource*, such as ``secrets``.

        Raises Inconclusive when they cannot be read, or when there are none.
        """
        key = "/".join(part for part in ("/registry", resource, namespace, name) if part)
        answer = self.pod.execute([*_ETCDCTL, "get", key, "--write-out=json"])
        if not answer.succeeded:
            raise Inconclusive(f"etcd could not be read: {answer.output.strip()[-300:]}", Missing.ANSWER)
        kept = Document(json.loads(answer.output)).documents("kvs")
        if not kept:
            raise Inconclusive(f"etcd keeps nothing at {key}", Missing.SAMPLE)
        return base64.b64decode(kept[0].text("value"))
