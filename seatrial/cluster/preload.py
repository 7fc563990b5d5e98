"""The nodes' image store, filled once and handed to every node at its birth, as kind and minikube preload theirs.

A container runtime that unpacks a dozen images is the longest part of a cluster's start. Here one does it, for all
nodes and all later starts; a node gets hard links to what it unpacked. Layers and blobs are never written to again (a
container writes to a layer of its own), so nodes that share their files cannot disturb each other; the two small
databases that are written to are copied.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from seatrial.cluster.command import run
from seatrial.cluster.configuration import registry_hosts
from seatrial.cluster.layout import REGISTRY_HOST, REGISTRY_PORT
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from seatrial.progress import Phase, Progress
    from seatrial.target import Registry
    from seatrial.toolchain import Program

# The runtime's own databases, below its root; everything else in it is written once.
_DATABASES = ("io.containerd.metadata.v1.bolt/meta.db", "io.containerd.snapshotter.v1.overlayfs/metadata.db")
_KEPT = 2
_RECIPE = "preload 1"


class PreloadedStore:
    """The folder of filled image stores in the user's cache, one per set of images and container runtime."""

    def __init__(self, home: Path, runtime: Program, progress: Progress) -> None:
        """Keep stores in *home*; *runtime* is the containerd that fills them."""
        self._home = home
        self._runtime = runtime
        self._progress = progress

    def _folder(self, references: Mapping[str, str]) -> Path:
        total = hashlib.sha256(f"{_RECIPE}\n{self._runtime.key}\n".encode())
        for reference in sorted(references.values()):
            total.update(f"{reference}\n".encode())
        return self._home / total.hexdigest()[:16]

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._home.mkdir(parents=True, exist_ok=True)
        with (self._home / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def fill(self, references: Mapping[str, str], registry: Registry) -> Path:
        """Return a store that holds *references*, pulled from *registry* and unpacked if there is none yet.

        A store that was interrupted half-way is made anew; the two used last are kept. Raises CommandFailed when an
        image cannot be pulled.
        """
        store = self._folder(references)
        with self._alone():
            if not store.is_dir():
                with self._progress.phase("Images for the nodes", expected=timedelta(seconds=20)) as phase:
                    for other in self._home.glob(".draft-*"):
                        shutil.rmtree(other)
                    draft = self._home / f".draft-{store.name}"
                    draft.mkdir()
                    self._pull(draft, references, registry, phase)
                    draft.rename(store)
            os.utime(store)
            self._retire()
        return store

    def _retire(self) -> None:
        stores = [entry for entry in self._home.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
        for old in sorted(stores, key=lambda store: store.stat().st_mtime, reverse=True)[_KEPT:]:
            doomed = old.with_name(f".draft-{old.name}")
            old.rename(doomed)
            shutil.rmtree(doomed)

    def _pull(self, root: Path, references: Mapping[str, str], registry: Registry, phase: Phase) -> None:
        with tempfile.TemporaryDirectory(prefix="seatrial-preload-") as name:
            short = Path(name)
            hosts = short / "hosts" / f"{REGISTRY_HOST}:{REGISTRY_PORT}"
            hosts.mkdir(parents=True)
            (hosts / "hosts.toml").write_text(registry_hosts(registry.push))
            socket = short / "socket"
            (short / "config.toml").write_text(
                f'version = 3\nroot = "{root}"\nstate = "{short / "state"}"\n'
                'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                f'[grpc]\naddress = "{socket}"\n'
                f'[ttrpc]\naddress = "{socket}.ttrpc"\n'
            )
            client: list[str | Path] = [self._runtime.binary("ctr"), "--address", socket, "--namespace", "k8s.io"]
            server: list[str | Path] = [self._runtime.binary("containerd"), "--config", short / "config.toml"]
            with _running(server, short / "log"):
                eventually(
                    lambda: run([*client, "version"], check=False).returncode,
                    until=lambda code: code == 0,
                    within=timedelta(seconds=30),
                    what="the container runtime that unpacks the images answers",
                )
                for number, reference in enumerate(sorted(references.values()), start=1):
                    phase.note(f"unpacking {number} of {len(references)}")
                    run(
                        [*client, "images", "pull", "--hosts-dir", hosts.parent, reference],
                        timeout=timedelta(minutes=5),
                    )


@contextlib.contextmanager
def _running(command: list[str | Path], log: Path) -> Iterator[None]:
    """Run *command* meanwhile, in namespaces of its own: its mounts end with it, and it ends with this process."""
    words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*words, "--propagation", "private", *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                # Asked, not killed: it closes its databases.
                for child in psutil.Process(process.pid).children():
                    child.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def hand_over(store: Path, place: Path) -> None:
    """Give a node the content of *store* as its runtime's root folder *place*, which does not exist yet.

    Files are shared by hard links where both lie on one file system, and copied where not.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    linked = run(["cp", "--archive", "--link", store, place], check=False)
    if linked.returncode != 0:
        shutil.rmtree(place, ignore_errors=True)
        run(["cp", "--archive", "--reflink=auto", store, place])
        return
    for database in _DATABASES:
        own = place / database
        own.unlink()
        shutil.copy2(store / database, own)
