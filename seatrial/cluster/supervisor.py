"""What keeps a cluster's nodes alive between runs: runit, outside every test process.

`runsvdir` watches the cluster's service folders; per folder a `runsv` starts the program and restarts it when it ends.
Both are small C programs that hold no state but the folder, so killing one of them loses nothing: `start` finds what is
missing and brings it back.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil

from seatrial.cluster import cgroups
from seatrial.cluster.layout import INFRA, PLAN, REGISTRY_PORT, Layout, NodePlan
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from seatrial.cluster.network import Subnet

_REGISTRY = "registry"
# About as many processes as a small cluster has busy at once.
_WEIGHT = 20


@dataclass(frozen=True)
class NodeRecipe:
    """What a node is made of: its file system and the folders of the programs mounted into it."""

    root: Path
    programs: Mapping[str, Path]


def _script(lines: list[str]) -> str:
    return "\n".join(["#!/bin/sh", *lines, ""])


def _enter_groups(path: str) -> list[str]:
    return [f"echo $$ > {shlex.quote(str(folder / 'cgroup.procs'))}" for folder in cgroups.Group(path).folders()]


def _node_cgroups() -> str:
    trees = cgroups.hierarchies()
    return "2" if trees[0].unified else " ".join(tree.options for tree in trees)


class Supervisor:
    """The process tree that keeps one cluster's services running."""

    def __init__(self, layout: Layout) -> None:
        """Describe the supervisor of *layout*'s cluster; nothing is started."""
        self._layout = layout

    @property
    def group(self) -> cgroups.Group:
        """The control group of the supervisor itself."""
        return cgroups.Group(f"{self._layout.cgroup}/supervisor")

    def node_group(self, node: NodePlan) -> cgroups.Group:
        """The control group of *node*: all its processes, pods included."""
        return cgroups.Group(f"{self._layout.cgroup}/{node.name}")

    def _write_service(self, name: str, lines: list[str], *, held: bool = False) -> None:
        # runsvdir starts what it sees: the folder appears complete, by a rename.
        draft = self._layout.runtime / f"draft-{name}"
        draft.mkdir(parents=True, exist_ok=True)
        (draft / "run").write_text(_script(lines))
        (draft / "run").chmod(0o755)
        if held:
            (draft / "down").touch()
        self._layout.services.mkdir(parents=True, exist_ok=True)
        draft.rename(self._layout.services / name)

    def define_registry(self, subnet: Subnet, program: Path, storage: Path) -> None:
        """Add the image registry, listening on the bridge's address."""
        configuration = self._layout.runtime / "registry.yaml"
        configuration.parent.mkdir(parents=True, exist_ok=True)
        storage.mkdir(parents=True, exist_ok=True)
        configuration.write_text(
            "version: 0.1\n"
            "log: {level: warn}\n"
            f"storage: {{filesystem: {{rootdirectory: {storage}}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: '{subnet.bridge}:{REGISTRY_PORT}'}}\n"
        )
        self.group.create()
        self._write_service(
            _REGISTRY,
            [
                f"exec >> {shlex.quote(str(self._layout.state / 'registry.log'))} 2>&1",
                (
                    f"exec nsenter --net=/run/netns/{self._layout.switch} env OTEL_TRACES_EXPORTER=none "
                    f"{shlex.quote(str(program))} serve {shlex.quote(str(configuration))}"
                ),
            ],
        )

    def define_node(self, node: NodePlan, recipe: NodeRecipe) -> None:
        """Add *node*, held back until it is released.

        The supervisor looks for new services every five seconds only; one that is there when it starts can be released
        at any moment.
        """
        state = self._layout.node_state(node)
        state.mkdir(parents=True, exist_ok=True)
        init = self._layout.runtime / "node-init"
        init.write_text((INFRA / "node" / "init.sh").read_text())
        init.chmod(0o755)
        group = f"{self._layout.cgroup}/{node.name}"
        programs = " ".join(f"{name}={folder}" for name, folder in sorted(recipe.programs.items()))
        first = shlex.quote(str(cgroups.Group(group).folders()[0]))
        folders = " ".join(shlex.quote(str(folder)) for folder in cgroups.Group(group).folders())
        self.node_group(node).create()
        self._write_service(
            node.name,
            [
                f"exec >> {shlex.quote(str(state / 'console.log'))} 2>&1 < /dev/null",
                # A supervisor that was killed leaves its node running; two on one disk must never be.
                f'while processes=$(find {first} -name cgroup.procs -exec cat {{}} +) && [ -n "$processes" ]; do',
                "  kill -KILL $processes 2> /dev/null || true",
                "done",
                # Groups of pods that were running when the power went are of no use to the new kubelet.
                f"for folder in {folders}; do find $folder -mindepth 1 -depth -type d -exec rmdir {{}} +; done",
                *_enter_groups(group),
                f"export NODE_NAME={node.name} NODE_STATE={shlex.quote(str(state))}",
                f"export NODE_LOWER={shlex.quote(str(recipe.root))}",
                f"export NODE_PROGRAMS={shlex.quote(programs)}",
                f"export NODE_CGROUPS={shlex.quote(_node_cgroups())}",
                "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                (
                    f"exec nsenter --net=/run/netns/{self._layout.network_namespace(node)} "
                    "unshare --mount --uts --ipc --pid --cgroup --fork --kill-child --propagation private "
                    f"{shlex.quote(str(init))}"
                ),
            ],
            held=True,
        )

    def release(self, node: NodePlan) -> None:
        """Let *node*, whose disk is prepared, start, now and whenever its supervisor does."""
        (self._layout.node_service(node) / "down").unlink(missing_ok=True)
        self.power(node, on=True)

    def defined(self) -> bool:
        """Whether the registry's and every node's service folder exist."""
        return all((self._layout.services / name / "run").exists() for name in [_REGISTRY, *(n.name for n in PLAN)])

    def _tree(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if words[:1] == ["runsvdir"] and str(self._layout.services) in words:
                found.append(process)
        return found

    def alive(self) -> bool:
        """Whether the root of the tree runs."""
        return bool(self._tree())

    def start(self) -> None:
        """Start the root of the tree; it outlives this process and its terminal. Nothing of the cluster may run yet."""
        self._layout.services.mkdir(parents=True, exist_ok=True)
        self._layout.state.mkdir(parents=True, exist_ok=True)
        self.group.create()
        cgroups.Group(self._layout.cgroup).weigh(_WEIGHT)
        folders = [folder / "cgroup.procs" for folder in self.group.folders()]
        join = "; ".join(f"echo $$ > {shlex.quote(str(folder))}" for folder in folders)
        log = self._layout.state / "supervisor.log"
        with log.open("ab") as output:
            # setsid forks and does not wait: the root is nobody's child that this process would have to reap.
            inner = f"{join}; exec runsvdir -P {shlex.quote(str(self._layout.services))}"
            subprocess.run(
                ["setsid", "--fork", "/bin/sh", "-c", inner],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            )

    def stop(self) -> None:
        """End the supervisor and everything it supervises, nodes and pods included, and remove their control groups.

        Works on any mixture of what is left; raises NotObserved when something cannot be ended.
        """
        # The root first, so that nothing is restarted; then its runsv children, which would do the same.
        self.group.kill()
        whole = cgroups.Group(self._layout.cgroup)
        whole.kill()
        whole.remove()

    def power(self, node: NodePlan, *, on: bool, within: timedelta = timedelta(seconds=20)) -> None:
        """Start *node*, or cut its power: its first process is killed and the kernel ends all others with it.

        Raises NotObserved when processes are left after *within*.
        """
        service = str(self._layout.node_service(node))
        if on:
            eventually(
                lambda: subprocess.run(["sv", "up", service], capture_output=True, check=False).returncode,
                until=lambda code: code == 0,
                within=within,
                what=f"the supervisor takes the order to start {node.name}",
            )
            return
        for order in ("down", "kill"):
            subprocess.run(["sv", order, service], capture_output=True, check=False)
        self.node_group(node).kill(within=within)

    def first_process(self, node: NodePlan) -> int | None:
        """Return the id, as the host sees it, of *node*'s init, or None when the node is off."""
        for process in self.node_group(node).processes():
            with contextlib.suppress(OSError, StopIteration):
                with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123
                    line = next(line for line in status if line.startswith("NSpid:"))
                if line.split()[2:] == ["1"]:
                    return process
        return None


def processes_of(layout: Layout) -> frozenset[int]:
    """Return every process of the cluster."""
    return cgroups.Group(layout.cgroup).processes() - {os.getpid()}
