"""Filled image stores: made once, kept for the next cluster, shared with nodes without their being able to harm it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from seatrial.cluster.preload import PreloadedStore, hand_over
from seatrial.progress import open_progress
from seatrial.target import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.toolchain import Program

REGISTRY = Registry(push="192.0.2.1:5000", pull="registry.test:5000", insecure=True)
META = "io.containerd.metadata.v1.bolt/meta.db"
SNAPSHOTS = "io.containerd.snapshotter.v1.overlayfs/metadata.db"
LAYER = "io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs/bin/tool"


class Stores(PreloadedStore):
    """Fills a store with what a runtime would leave, without one."""

    def __init__(self, home: Path, key: str = "k1") -> None:
        super().__init__(home, cast("Program", SimpleNamespace(key=key)), open_progress())
        self.pulled = 0
        self.breaks = False

    def _pull(self, root: Path, references: Mapping[str, str], *_: object) -> None:
        self.pulled += 1
        for name in (META, SNAPSHOTS, LAYER):
            place = root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(" ".join(sorted(references.values())))
            if self.breaks:
                raise KeyboardInterrupt


def images(*tags: str) -> dict[str, str]:
    return {f"image{number}": f"registry.test:5000/image{number}:{tag}" for number, tag in enumerate(tags)}


def test_a_store_is_filled_once_for_one_set_of_images(tmp_path: Path) -> None:
    stores = Stores(tmp_path)
    first = stores.fill(images("a", "b"), REGISTRY)
    assert stores.fill(images("a", "b"), REGISTRY) == first
    assert stores.pulled == 1
    assert stores.fill(images("a", "c"), REGISTRY) != first
    assert Stores(tmp_path, key="k2").fill(images("a", "b"), REGISTRY) != first


def test_an_interrupted_filling_is_made_anew(tmp_path: Path) -> None:
    stores = Stores(tmp_path)
    stores.breaks = True
    with pytest.raises(KeyboardInterrupt):
        stores.fill(images("a"), REGISTRY)
    stores.breaks = False
    assert (stores.fill(images("a"), REGISTRY) / LAYER).exists()
    assert not list(tmp_path.glob(".draft-*"))


def test_the_two_stores_used_last_are_kept(tmp_path: Path) -> None:
    stores = Stores(tmp_path)
    first, second = stores.fill(images("a"), REGISTRY), stores.fill(images("b"), REGISTRY)
    for age, store in ((200, first), (100, second)):
        os.utime(store, (store.stat().st_mtime - age,) * 2)
    stores.fill(images("a"), REGISTRY)
    third = stores.fill(images("c"), REGISTRY)
    assert first.exists()
    assert third.exists()
    assert not second.exists()


def test_a_node_shares_layers_and_owns_its_databases(tmp_path: Path) -> None:
    store = Stores(tmp_path / "stores").fill(images("a"), REGISTRY)
    node = tmp_path / "node" / "containerd"
    hand_over(store, node)
    assert (node / LAYER).samefile(store / LAYER)
    for database in (META, SNAPSHOTS):
        (node / database).write_text("written by the node")
        assert (store / database).read_text() == "registry.test:5000/image0:a"


def test_a_store_on_another_file_system_is_copied(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")  # noqa: S108 (a second file system, not a place for secrets)
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has no second file system to copy to")
    store = Stores(tmp_path).fill(images("a"), REGISTRY)
    node = elsewhere / f"seatrial-test-{os.getpid()}"
    try:
        hand_over(store, node)
        assert (node / LAYER).read_text() == "registry.test:5000/image0:a"
        assert not (node / LAYER).samefile(store / LAYER)
    finally:
        shutil.rmtree(node, ignore_errors=True)
