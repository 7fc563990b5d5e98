"""A namespace: made and removed whole, and the things inside it by name."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.kube import kinds
from seatrial.kube.account import Account, Permission
from seatrial.kube.api import Refused, Selection
from seatrial.kube.autoscaler import Autoscaler
from seatrial.kube.execution import Completed
from seatrial.kube.pod import Pod, PodPlan
from seatrial.kube.watching import watched
from seatrial.kube.workload import Job, Workload, selector, summary
from seatrial.verdict import Inconclusive
from seatrial.waiting import NotObserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from seatrial.kube.api import Api
    from seatrial.kube.document import Document, Kind
    from seatrial.kube.watching import Objects

SCENARIO_LABEL = "seatrial.dev/scenario"
_POD_SECURITY = "pod-security.kubernetes.io/enforce"
_GONE_WITHIN = timedelta(minutes=2)
_ENDED = ("Succeeded", "Failed")
_PROBE_WITHIN = timedelta(seconds=90)


@dataclass(frozen=True)
class Namespace:
    """A namespace, by name."""

    api: Api
    name: str

    @classmethod
    def create(
        cls, api: Api, name: str, *, level: str = "restricted", labels: Mapping[str, str] | None = None
    ) -> Namespace:
        """Create a namespace with the Pod Security Standard *level* enforced; return once pods can be made in it.

        Raises Refused when it exists.
        """
        document = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {**(labels or {}), _POD_SECURITY: level}},
        }
        api.create(document)
        # A pod made before its account exists is refused.
        watched(
            api,
            Selection.one(kinds.SERVICE_ACCOUNT, "default", name),
            until=bool,
            within=timedelta(seconds=30),
            what=f"namespace {name} has its default account",
        )
        return cls(api, name)

    @classmethod
    @contextmanager
    def passing(cls, api: Api, purpose: str, *, level: str = "restricted") -> Iterator[Namespace]:
        """Make a namespace of its own for *purpose*, and remove it when the context ends."""
        made = cls.create(api, f"{purpose}-{secrets.token_hex(3)}", level=level, labels={SCENARIO_LABEL: purpose})
        try:
            yield made
        finally:
            made.delete()

    @property
    def exists(self) -> bool:
        """Whether it is there, also while it is on its way out."""
        return self.api.find(kinds.NAMESPACE, self.name) is not None

    def delete(self, *, within: timedelta = _GONE_WITHIN) -> None:
        """Remove it with all it holds; return once it is gone. Raises NotObserved."""
        self.api.delete(kinds.NAMESPACE, self.name)
        watched(
            self.api,
            Selection.one(kinds.NAMESPACE, self.name),
            until=lambda objects: not objects,
            within=within,
            what=f"namespace {self.name} is gone",
            shown=lambda objects: (
                "; ".join(item.text("message") for item in objects[0].documents("status.conditions")) if objects else ""
            ),
        )

    def deployment(self, name: str) -> Workload:
        """Return the Deployment *name*, which need not exist."""
        return Workload(self.api, kinds.DEPLOYMENT, name, self.name)

    def stateful_set(self, name: str) -> Workload:
        """Return the StatefulSet *name*, which need not exist."""
        return Workload(self.api, kinds.STATEFUL_SET, name, self.name)

    def job(self, name: str) -> Job:
        """Return the Job *name*, which need not exist."""
        return Job(self.api, name, self.name)

    def only_job(self, component: str) -> Job:
        """Return the one Job whose name begins with *component*. Raises Inconclusive when there is not exactly one."""
        names = [item.name for item in self.objects(kinds.JOB) if item.name.startswith(component)]
        if len(names) != 1:
            raise Inconclusive(f"{self.name} should have one job of {component}, it has {', '.join(names) or 'none'}")
        return self.job(names[0])

    def autoscaler(self, name: str) -> Autoscaler:
        """Return the HorizontalPodAutoscaler *name*, which need not exist."""
        return Autoscaler(self.api, name, self.name)

    def account(self, name: str) -> Account:
        """Return the ServiceAccount *name*, which need not exist."""
        return Account(self.api, name, self.name)

    def pods(self, labels: Mapping[str, str] | None = None) -> tuple[Pod, ...]:
        """Return its pods, those with *labels* alone if given."""
        chosen = Selection(kinds.POD, self.name, labels=selector(labels) if labels else None)
        return tuple(Pod(self.api, item) for item in self.api.list(chosen).items)

    def objects(self, kind: Kind) -> tuple[Document, ...]:
        """Return its objects of *kind*."""
        return self.api.list(Selection(kind, self.name)).items

    def create_account(self, name: str, *permissions: Permission) -> Account:
        """Create a ServiceAccount that may do exactly what *permissions* say."""
        return Account.create(self.api, name, self.name, permissions)

    def create_config(self, name: str, values: Mapping[str, str]) -> None:
        """Create a ConfigMap."""
        self.api.create(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": self.name},
                "data": dict(values),
            }
        )

    def create_secret(self, name: str, values: Mapping[str, str]) -> None:
        """Create a Secret."""
        metadata = {"name": name, "namespace": self.name}
        self.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict(values)})

    def create_claim(self, name: str, size: str = "16Mi") -> str:
        """Claim a volume of *size* from the default storage class.

        Return the claim's name. It is bound when a pod first uses it.
        """
        self.api.create(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "namespace": self.name},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
            }
        )
        return name

    def create_service(self, name: str, labels: Mapping[str, str], port: int) -> str:
        """Give the pods with *labels* the service name *name*; return the name by which other namespaces find it."""
        self.api.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "namespace": self.name},
                "spec": {"selector": dict(labels), "ports": [{"name": "tcp", "port": port, "targetPort": port}]},
            }
        )
        return f"{name}.{self.name}.svc"

    def start(self, plan: PodPlan, *, within: timedelta = _PROBE_WITHIN) -> Pod:
        """Create the pod of *plan* and return it once it is ready. Raises Refused, NotObserved."""
        self.api.create(plan.manifest(self.name))
        settled = self._wait_pod(
            plan.name,
            lambda pods: bool(pods) and (pods[0].condition("Ready") or pods[0].text("status.phase") in _ENDED),
            "is ready",
            within,
        )
        if settled[0].text("status.phase") in _ENDED:
            last = f"{summary(settled)}: {_why_ended(settled[0])}"
            raise NotObserved(f"pod {self.name}/{plan.name} is ready", last=last, within=within)
        return Pod(self.api, settled[0])

    def run(self, plan: PodPlan, *, within: timedelta = _PROBE_WITHIN) -> Completed:
        """Run the pod of *plan* to its end, remove it, return how it ended. Raises Refused, NotObserved."""
        self.api.create(plan.manifest(self.name))
        try:
            ended = self._wait_pod(
                plan.name,
                lambda pods: bool(pods) and pods[0].text("status.phase") in _ENDED,
                "ends",
                within,
            )
            states = ended[0].documents("status.containerStatuses")
            code = states[0].number("state.terminated.exitCode") if states else 1
            return Completed(code, Pod(self.api, ended[0]).logs())
        finally:
            self.remove_pod(plan.name)

    def must_run(self, plan: PodPlan, *, within: timedelta = _PROBE_WITHIN) -> Completed:
        """Run the pod of *plan* to its end as `run` does. Raises Inconclusive when it did not end well."""
        ended = self.run(plan, within=within)
        if not ended.succeeded:
            raise Inconclusive(f"pod {plan.name} ended with code {ended.exit_code}: {ended.output.strip()[-300:]}")
        return ended

    def remove_pod(self, name: str) -> None:
        """Delete the pod *name* and return once it is gone, so that its name and its volumes are free.

        Raises NotObserved.
        """
        self.api.delete(kinds.POD, name, self.name)
        self._wait_pod(name, lambda pods: not pods, "is gone", _GONE_WITHIN)

    def admits(self, plan: PodPlan) -> str | None:
        """Ask whether the pod of *plan* would be admitted, without making it; return why not, None when it would.

        Raises Refused for any other answer than admitted or forbidden.
        """
        path = self.api.path(kinds.POD, namespace=self.name)
        try:
            self.api.request("POST", path, body=plan.manifest(self.name), query={"dryRun": "All"})
        except Refused as error:
            if error.reason == "Forbidden":
                return error.message
            raise
        return None

    def _wait_pod(self, name: str, until: Callable[[Objects], bool], what: str, within: timedelta) -> Objects:
        return watched(
            self.api,
            Selection.one(kinds.POD, name, self.name),
            until=until,
            within=within,
            what=f"pod {self.name}/{name} {what}",
            shown=summary,
        )


def _why_ended(pod: Document) -> str:
    said = (
        state.text("state.terminated.message") or state.text("state.terminated.reason")
        for state in pod.documents("status.containerStatuses")
    )
    return "; ".join(filter(None, said)) or pod.text("status.message") or "no reason given"
