"""How long a three-node cluster takes from nothing, against a plain kubeadm script on the same nodes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import yaml

from seatrial import cluster
from seatrial.cluster import network
from seatrial.cluster.bringup import addons
from seatrial.cluster.layout import INFRA, PLAN, Layout
from seatrial.cluster.lifecycle import prepare
from seatrial.cluster.nodes import ENTER, PROGRAM_PATH
from seatrial.cluster.readiness import edge_answers, name_resolves
from seatrial.cluster.supervisor import Supervisor
from seatrial.kube import Api, Namespace, PodPlan, kinds
from seatrial.kube.api import Interrupted, Refused, settings_from
from seatrial.waiting import eventually
from suites.bench.samples import Measurement, ratios

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.cluster.bringup import BringUp, Foundation
    from seatrial.progress import Progress

# The six of minikube's time-to-k8s benchmark, https://github.com/tstromberg/time-to-k8s; ours count from the start.
PHASES = (
    "command executed",
    "API server answering",
    "kubernetes service there",
    "DNS service there",
    "application running",
    "DNS answering",
)
RATIO_TO_PLAIN = 0.6
WARM_TO_COLD = 0.3
_WITHIN = timedelta(minutes=10)
_FOR_SPEED = ("leader-elect", "kube-api-qps", "kube-api-burst")


@dataclass(frozen=True)
class Start:
    """Seconds from the beginning of one start to each phase, and to names and ingress both answering."""

    phases: dict[str, float]
    serving: float


class _Watcher:
    """Looks at a cluster from the side while it comes up, and notes when each phase is first seen."""

    def __init__(self, layout: Layout) -> None:
        self.seen: dict[str, float] = {}
        self._layout = layout
        self._address = network.free_subnet(network.networks_in_use()).node(PLAN[0])
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def note(self, phase: str) -> None:
        self.seen.setdefault(phase, time.monotonic() - self._began)

    def _until(self, phase: str, look: Callable[[], bool]) -> None:
        def attempt() -> bool:
            with suppress(Interrupted, Refused, OSError, httpx.HTTPError, yaml.YAMLError):
                return look()
            return False

        eventually(attempt, until=bool, within=_WITHIN, what=phase)
        self.note(phase)

    def _follow(self) -> None:
        # Nobody has the authority's certificate yet; only whether it answers is looked at.
        with httpx.Client(verify=False, trust_env=False, timeout=2) as client:  # noqa: S501
            url = f"https://{self._address}:6443/readyz"
            self._until("API server answering", lambda: client.get(url).status_code == httpx.codes.OK)
        self._until("kubeconfig", lambda: bool(self._layout.kubeconfig.stat().st_size))
        api = Api(settings_from(self._layout.kubeconfig, None))
        try:
            self._until("kubernetes service there", lambda: bool(api.find(kinds.SERVICE, "kubernetes", "default")))
            self._until("DNS service there", lambda: bool(api.find(kinds.SERVICE, "kube-dns", "kube-system")))
        finally:
            api.close()

    def end(self, image: str) -> Start:
        """Finish the phases that follow the command, and return all of them."""
        self.note("command executed")
        self._thread.join()
        api = Api(settings_from(self._layout.kubeconfig, None))
        try:
            with Namespace.passing(api, "bench") as namespace:
                namespace.start(PodPlan("application", image, ("sleep", "3600"), labels={}))
                self.note("application running")
                self._until("DNS answering", lambda: name_resolves(self._layout))
        finally:
            api.close()
        return Start({phase: self.seen[phase] for phase in PHASES}, self.seen["serving"])


def ours(layout: Layout, progress: Progress) -> Start:
    """Start the way `seatrial cluster up` does."""
    cluster.down(layout, progress=progress)
    watcher = _Watcher(layout)
    running = cluster.up(layout=layout, progress=progress)
    watcher.note("serving")
    return watcher.end(running.images["toolbox"])


def plain(layout: Layout, progress: Progress) -> Start:
    """Start with `plain.sh` on nodes that Seatrial booted, stock settings but for those that the machine forces."""
    cluster.down(layout, progress=progress)
    watcher = _Watcher(layout)
    build = prepare(layout, progress)
    foundation = build.lay_foundation("bench")
    try:
        with tempfile.TemporaryDirectory() as folder:
            _run_plain(build, foundation, Path(folder))
        for what, look in (
            ("names resolve", lambda: name_resolves(layout)),
            ("the ingress answers", lambda: edge_answers(foundation.running.edge)),
        ):
            eventually(look, until=bool, within=_WITHIN, what=what)
        watcher.note("serving")
        return watcher.end(foundation.record.images["toolbox"])
    finally:
        cluster.down(layout, progress=progress)


def _run_plain(build: BringUp, foundation: Foundation, folder: Path) -> None:
    layout = build.layout
    settings = layout.node_state(PLAN[0]) / "upper" / "etc" / "seatrial" / "kubeadm.yaml"
    settings.write_text(_stock(settings.read_text()))
    supervisor = Supervisor(layout)
    for node in foundation.running.nodes:
        eventually(lambda node=node: node.on, until=bool, within=_WITHIN, what=f"{node.name} runs")  # type: ignore[misc]
        eventually(
            lambda node=node: node.run(["ctr", "version"], check=False).returncode == 0,  # type: ignore[misc]
            until=bool,
            within=_WITHIN,
            what=f"the runtime of {node.name} answers",
        )
    entries = "\n".join(f"  {node.name}) pid={supervisor.first_process(node)} ;;" for node in PLAN)
    enter = folder / "node"
    enter.write_text(
        f'#!/bin/sh\ncase $1 in\n{entries}\nesac\nshift\nexec {" ".join(ENTER)} "$pid" env PATH={PROGRAM_PATH} "$@"\n'
    )
    enter.chmod(0o755)
    (folder / "addons").mkdir()
    for addon in ("kube-router", "storage", "ingress", "metrics-server"):
        text = addons(foundation, INFRA / "addons" / addon)
        (folder / "addons" / f"{addon}.yaml").write_text(text if addon == "ingress" else text.rpartition("\n---\n{")[0])
    log = folder / "log"
    with log.open("w") as output:
        done = subprocess.run(
            [str(Path(__file__).with_name("plain.sh"))],
            env={
                **os.environ,
                "NODE": str(enter),
                "KUBECTL": str(foundation.running.kubectl),
                "KUBECONFIG": str(layout.kubeconfig),
                "ADDONS": str(folder / "addons"),
                "WORKERS": " ".join(node.name for node in PLAN if not node.control_plane),
            },
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode != 0:
        kept = Path(tempfile.gettempdir()) / "seatrial-bench-plain.log"
        shutil.copy(log, kept)
        raise RuntimeError(f"The plain script ended with code {done.returncode}; its output is in {kept}.")


def _stock(text: str) -> str:
    """Take back what is set for speed alone; what this kind of machine forces stays."""
    documents = list(yaml.safe_load_all(text))
    for document in documents:
        document.pop("patches", None)
        if document["kind"] == "ClusterConfiguration":
            del document["etcd"]["local"]["extraArgs"]
            for part in ("controllerManager", "scheduler"):
                document[part]["extraArgs"] = [
                    argument for argument in document[part]["extraArgs"] if argument["name"] not in _FOR_SPEED
                ]
        if document["kind"] == "KubeletConfiguration":
            document.pop("serializeImagePulls")
    return yaml.safe_dump_all(documents)


def measure(layout: Layout, progress: Progress, rounds: int) -> list[Measurement]:
    """Start both ways in turn, *rounds* times, then look at the warm start."""
    own: list[Start] = []
    script: list[Start] = []
    warm: list[float] = []
    for number in range(rounds):
        progress.say(f"Round {number + 1} of {rounds}: plain script, then Seatrial, then the warm start.")
        script.append(plain(layout, progress))
        own.append(ours(layout, progress))
        began = time.monotonic()
        cluster.up(layout=layout, progress=progress)
        warm.append(time.monotonic() - began)
    found = [
        Measurement(f"cold start, {who}: {phase}", "s", tuple(start.phases[phase] for start in starts))
        for who, starts in (("Seatrial", own), ("plain script", script))
        for phase in PHASES
    ]
    cold = [start.serving for start in own]
    plainly = [start.serving for start in script]
    found += [
        Measurement("cold start, Seatrial: names and ingress answer", "s", tuple(cold)),
        Measurement("cold start, plain script: names and ingress answer", "s", tuple(plainly)),
        Measurement("cold start, Seatrial over plain script", "x", ratios(cold, plainly), RATIO_TO_PLAIN),
        Measurement("warm start", "s", tuple(warm)),
        Measurement("warm start over cold start", "x", ratios(warm, cold), WARM_TO_COLD),
    ]
    return found
