from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.kube.manifests import Manifests
from seatrial.kube.subject import Subject

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: catalog, namespace: shop}
spec: {scaleTargetRef: {kind: Deployment, name: catalog}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: catalog, namespace: shop}
spec:
  replicas: 2
  template:
    spec:
      initContainers: [{name: wait, image: seatrial/toolbox}]
      containers: [{name: main, image: seatrial/catalog}, {name: side, image: "example.org/side:1"}]
---
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
"""


def test_objects_come_in_an_order_in_which_each_can_be_made() -> None:
    kinds = [document.kind.name for document in Manifests.parse(TEXT).ordered]
    assert kinds == ["Namespace", "ConfigMap", "Deployment", "HorizontalPodAutoscaler"]


def test_own_images_are_found_and_filled_in_and_foreign_ones_left_alone() -> None:
    manifests = Manifests.parse(TEXT)
    assert manifests.images == ("catalog", "toolbox")
    filled = manifests.with_images({"catalog": "registry/catalog:1", "toolbox": "registry/toolbox:2"})
    spec = filled.only("Deployment").documents[0]
    images = [item.text("image") for item in spec.documents("spec.template.spec.containers")]
    assert images == ["registry/catalog:1", "example.org/side:1"]
    assert spec.documents("spec.template.spec.initContainers")[0].text("image") == "registry/toolbox:2"


def test_an_image_that_was_not_built_is_named() -> None:
    with pytest.raises(UsageError, match="seatrial/toolbox"):
        Manifests.parse(TEXT).with_images({"catalog": "registry/catalog:1"})


@pytest.fixture
def overlays(tmp_path: Path) -> Path:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on the path")
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    (folder / "all.yaml").write_text(TEXT)
    return tmp_path


def test_an_overlay_is_built_and_names_its_namespace(overlays: Path) -> None:
    subject = Subject.read("small", folder=overlays)
    assert subject.namespace == "shop"
    assert len(subject.manifests.documents) == 4


def test_an_overlay_that_cannot_be_built_is_one_sentence(overlays: Path) -> None:
    with pytest.raises(UsageError, match=r"The kustomization .*/missing cannot be built: .*"):
        Subject.read("missing", folder=overlays)


def test_an_overlay_of_two_namespaces_is_refused(overlays: Path) -> None:
    more = TEXT + "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: elsewhere}\n"
    (overlays / "small" / "all.yaml").write_text(more)
    with pytest.raises(UsageError, match="names elsewhere, shop: let it deploy into exactly one"):
        Subject.read("small", folder=overlays)
