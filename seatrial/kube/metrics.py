"""The metrics of a service, read inside its own pods: no one else is let near them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from seatrial.slo.counters import ReplicaCount
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.kube.pod import Pod
    from seatrial.kube.workload import Workload

PORT = 9000
# What the platform asks, and no customer.
PROBES = frozenset({"/healthz", "/readyz"})
_FIRST_ERROR_STATUS = 400
_READ = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:%d/metrics', timeout=5).read().decode())"


@dataclass(frozen=True)
class Metrics:
    """The samples of all replicas of a service, added up: values by sample name and labels."""

    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    @classmethod
    def of_pod(cls, pod: Pod) -> Metrics:
        """Read what *pod* measures. Raises Inconclusive when it tells nothing."""
        told = pod.execute(["python3", "-c", _READ % PORT])
        if not told.succeeded:
            raise Inconclusive(f"{pod.name} tells no metrics: {told.output.strip()[-300:]}", Missing.SAMPLE)
        return cls.parse(told.output)

    @classmethod
    def of_replicas(cls, workload: Workload) -> Metrics:
        """Read what all ready replicas of *workload* measure. Raises Inconclusive when there is none."""
        pods = workload.ready_pods
        if not pods:
            raise Inconclusive(f"{workload.name} has no replica that is ready", Missing.SAMPLE)
        total = Counter[tuple[str, frozenset[tuple[str, str]]]]()
        for pod in pods:
            total.update(cls.of_pod(pod).samples)
        return cls(total)

    @classmethod
    def parse(cls, text: str) -> Metrics:
        """Read Prometheus's text format. Raises ValueError for anything else."""
        return cls(
            {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
        )

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples called *name* that have at least these *labels*; 0 when there is none."""
        wanted = set(labels.items())
        return sum(value for (known, kept), value in self.samples.items() if known == name and wanted <= kept)

    def replica_count(self) -> ReplicaCount:
        """Return how many requests one replica, which these metrics are of, has answered for others than the platform.

        Raises Inconclusive when it does not say when it was started: its counts could be of any age.
        """
        started = self.total("process_start_time_seconds")
        if not started:
            raise Inconclusive("a replica does not say when it was started", Missing.SAMPLE)
        good = total = 0.0
        for (name, labels), value in self.samples.items():
            told = dict(labels)
            if name == "http_requests_total" and told.get("route") not in PROBES:
                total += value
                good += value if int(told["status"]) < _FIRST_ERROR_STATUS else 0
        return ReplicaCount(started, int(good), int(total), int(self.total("http_requests_in_flight")))


def count_replicas(workload: Workload) -> Mapping[str, ReplicaCount]:
    """Return what each ready replica of *workload* has counted, by its name. Raises Inconclusive when there is none."""
    pods = workload.ready_pods
    if not pods:
        raise Inconclusive(f"{workload.name} has no replica that is ready", Missing.SAMPLE)
    return {pod.name: Metrics.of_pod(pod).replica_count() for pod in pods}
