"""A pod: where it runs, whether it is ready, what it says, and commands inside it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.kube.api import Interrupted
from seatrial.kube.execution import Completed, executing
from seatrial.kube.kinds import POD
from seatrial.kube.quantity import amount
from seatrial.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from seatrial.kube.api import Api
    from seatrial.kube.document import Document, JsonObject

_AT_ONCE = timedelta(0)
# Images of applications bring Python along but no network tools, the toolbox the other way round.
_CONNECT = """
command -v nc >/dev/null && exec nc -w 2 "$0" "$1" -e true
exec python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)' "$0" "$1"
"""
_CANNOT_RUN = (126, 127)
# Each page is written to: only then is it taken.
_FILL = """
import signal, sys
signal.alarm(int(sys.argv[2]))
held = bytearray(b"1") * (int(sys.argv[1]) << 20)
print("filled", flush=True)
sys.stdin.readline()
"""
_FILLED = "filled"
_FILLS = timedelta(minutes=1)
_NOBODY = 65532


@dataclass(frozen=True)
class Pod:
    """One pod as it was when it was looked at."""

    api: Api
    document: Document

    @property
    def name(self) -> str:
        """Its name."""
        return self.document.name

    @property
    def namespace(self) -> str:
        """The name of its namespace."""
        return self.document.namespace or "default"

    @property
    def uid(self) -> str:
        """Its identity, which no successor of the same name shares."""
        return self.document.uid

    @property
    def node(self) -> str:
        """The name of the node that it was placed on; empty before."""
        return self.document.text("spec.nodeName")

    @property
    def address(self) -> str:
        """Its IP address; empty before it has one."""
        return self.document.text("status.podIP")

    @property
    def ready(self) -> bool:
        """Whether it is ready to serve and not on its way out."""
        return is_ready(self.document)

    @property
    def claims(self) -> tuple[str, ...]:
        """The names of the volume claims that it mounts."""
        found = (volume.text("persistentVolumeClaim.claimName") for volume in self.document.documents("spec.volumes"))
        return tuple(name for name in found if name)

    @property
    def account(self) -> str:
        """The name of the ServiceAccount that it runs under."""
        return self.document.text("spec.serviceAccountName")

    @property
    def containers(self) -> tuple[str, ...]:
        """The names of its containers, those that only prepare it included."""
        return tuple(
            container.text("name")
            for part in ("initContainers", "containers")
            for container in self.document.documents(f"spec.{part}")
        )

    @property
    def memory_limit(self) -> int:
        """How many bytes its first container may use. Raises Inconclusive when it has no limit."""
        for container in self.document.documents("spec.containers"):
            if limit := container.text("resources.limits.memory"):
                return int(amount(limit))
            break
        raise Inconclusive(f"{self.namespace}/{self.name} has no limit of memory")

    def logs(self, container: str | None = None, *, previous: bool = False) -> str:
        """Return what *container* (the only one if None) wrote.

        With *previous*, what it wrote before its last restart.
        """
        query = {"container": container} if container else {}
        if previous:
            query["previous"] = "true"
        return self.api.request("GET", self.api.path(POD, self.name, self.namespace) + "/log", query=query)

    def kill(self) -> None:
        """End it at once: no grace for its processes, no waiting for the node's word."""
        self.api.delete(POD, self.name, self.namespace, grace=_AT_ONCE)

    def evict(self) -> None:
        """Ask for its eviction. Raises Refused with status 429 when a disruption budget forbids it now."""
        body: JsonObject = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": self.name, "namespace": self.namespace},
        }
        self.api.request("POST", self.api.path(POD, self.name, self.namespace) + "/eviction", body=body)

    def execute(
        self, command: Sequence[str], *, within: timedelta = timedelta(seconds=30), container: str | None = None
    ) -> Completed:
        """Run *command* inside, return how it ended.

        Raises Refused when the API does not allow it, Interrupted when the command did not end *within* that time.
        """
        with executing(self, command, container=container) as execution:
            return execution.ended(within=within)

    @contextmanager
    def filled(self, mebibytes: int, *, at_most: timedelta) -> Iterator[None]:
        """Have *mebibytes* of memory in use beside what its service uses, until the block ends.

        They are given back as well when this process dies, and after *at_most* whatever happens. Raises Refused as
        `execute` does, and Interrupted when they could not be had: a container that is over its limit is ended.
        """
        command = ["python3", "-c", _FILL, str(mebibytes), str(int(at_most.total_seconds()))]
        with executing(self, command, stdin=True) as execution:
            execution.said(_FILLED, within=_FILLS)
            yield
            execution.tell("\n")
            left = execution.ended(within=_FILLS)
            if not left.succeeded:
                raise Interrupted(f"The memory in {self.name} was given back early: {left.output or left.exit_code}")

    def connects(self, address: str, port: int) -> bool:
        """Whether a TCP connection from inside to *address* is accepted within two seconds.

        Raises Inconclusive when the pod has nothing to connect with, Refused and Interrupted as `execute` does.
        """
        tried = self.execute(["sh", "-c", _CONNECT, address, str(port)])
        if tried.exit_code in _CANNOT_RUN:
            raise Inconclusive(f"{self.namespace}/{self.name} has no program to connect with: {tried.output.strip()}")
        return tried.succeeded

    def call(self, name: str, port: int) -> Completed:
        """Look up *name* from inside, connect to what was found.

        Return the look-up if it failed, else the connecting.
        """
        looked_up = self.execute(["nslookup", "-type=a", f"{name}."])
        if not looked_up.succeeded:
            return looked_up
        address = looked_up.output.split("Name:")[-1].split("Address:")[-1].split()[0]
        return self.execute(["sh", "-c", _CONNECT, address, str(port)])


def is_ready(pod: Document) -> bool:
    """Whether the pod is ready to serve and not on its way out."""
    return pod.condition("Ready") and not pod.text("metadata.deletionTimestamp")


@dataclass(frozen=True)
class Mount:
    """A volume claim and where in the pod it appears."""

    claim: str
    path: str


@dataclass(frozen=True)
class Identity:
    """Who a pod is to others: its service account, and a token for *audience* that lies at *folder*/token."""

    account: str
    audience: str
    folder: str


@dataclass(frozen=True)
class PodPlan:
    """A pod of one container that meets the restricted Pod Security Standard, unless *privileged*.

    *settings* and *secrets* name a ConfigMap and a Secret whose values are in its environment; *memory* is its limit.
    """

    name: str
    image: str
    command: tuple[str, ...]
    labels: Mapping[str, str]
    node: str | None = None
    mount: Mount | None = None
    privileged: bool = False
    ready_on_port: int | None = None
    identity: Identity | None = None
    settings: str | None = None
    secrets: str | None = None
    memory: str = "64Mi"

    def manifest(self, namespace: str) -> JsonObject:
        """Return the object to create in *namespace*."""
        container: dict[str, object] = {
            "name": "main",
            "image": self.image,
            "command": list(self.command),
            "securityContext": self._container_security(),
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": self.memory}},
            "envFrom": [
                *([{"configMapRef": {"name": self.settings}}] if self.settings else []),
                *([{"secretRef": {"name": self.secrets}}] if self.secrets else []),
            ],
        }
        spec: dict[str, object] = {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "restartPolicy": "Never",
            "containers": [container],
            "enableServiceLinks": False,
        }
        if not self.privileged:
            spec["securityContext"] = {
                "runAsNonRoot": True,
                "runAsUser": _NOBODY,
                "runAsGroup": _NOBODY,
                "fsGroup": _NOBODY,
                "seccompProfile": {"type": "RuntimeDefault"},
            }
        if self.ready_on_port:
            container["readinessProbe"] = {"tcpSocket": {"port": self.ready_on_port}, "periodSeconds": 1}
        if self.node:
            # By affinity and not by nodeName, so that the scheduler still binds the volume.
            term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [self.node]}]}
            spec["affinity"] = {
                "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}},
            }
        volumes: list[JsonObject] = []
        mounts: list[JsonObject] = []
        if self.mount:
            mounts.append({"name": "data", "mountPath": self.mount.path})
            volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": self.mount.claim}})
        if self.identity:
            spec["serviceAccountName"] = self.identity.account
            token = {"path": "token", "audience": self.identity.audience, "expirationSeconds": 3600}
            mounts.append({"name": "token", "mountPath": self.identity.folder, "readOnly": True})
            volumes.append({"name": "token", "projected": {"sources": [{"serviceAccountToken": token}]}})
        container["volumeMounts"], spec["volumes"] = mounts, volumes
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self.name, "namespace": namespace, "labels": dict(self.labels)},
            "spec": spec,
        }

    def _container_security(self) -> dict[str, object]:
        if self.privileged:
            return {"privileged": True}
        return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
