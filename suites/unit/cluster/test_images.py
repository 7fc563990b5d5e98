"""Image tags follow every input, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from seatrial.cluster import images
from seatrial.cluster.images import ImageSpec, digest, settled_configuration
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(images, "REPOSITORY", tmp_path)
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "app.py").write_text("one")
    (tmp_path / "Dockerfile").write_text("# inputs: service\nARG BASE\nFROM ${BASE}\nCOPY service /service\n")
    return tmp_path


def _spec(repository: Path, **changes: object) -> ImageSpec:
    given: dict[str, object] = {"programs": {"etcd": ("etcd",)}, "args": {"A": "1"}, **changes}
    return ImageSpec(name="service", recipe=repository / "Dockerfile", **given)  # type: ignore[arg-type]


def test_the_same_inputs_give_the_same_tag(repository: Path) -> None:
    assert digest(_spec(repository), {"etcd": "k"}) == digest(_spec(repository), {"etcd": "k"})


def test_every_input_changes_the_tag(repository: Path) -> None:
    seen = {digest(_spec(repository), {"etcd": "k"})}
    seen.add(digest(_spec(repository), {"etcd": "other"}))
    seen.add(digest(_spec(repository, args={"A": "2"}), {"etcd": "k"}))
    seen.add(digest(_spec(repository, programs={"etcd": ("etcdctl",)}), {"etcd": "k"}))
    (repository / "service" / "app.py").write_text("two")
    seen.add(digest(_spec(repository), {"etcd": "k"}))
    (repository / "service" / "app.py").chmod(0o755)
    seen.add(digest(_spec(repository), {"etcd": "k"}))
    (repository / "service" / "app.py").rename(repository / "service" / "main.py")
    seen.add(digest(_spec(repository), {"etcd": "k"}))
    (repository / "Dockerfile").write_text((repository / "Dockerfile").read_text() + "USER 1\n")
    seen.add(digest(_spec(repository), {"etcd": "k"}))
    assert len(seen) == 8


def test_caches_and_tests_do_not_change_the_tag(repository: Path) -> None:
    before = digest(_spec(repository), {"etcd": "k"})
    for folder in ("__pycache__", "tests"):
        (repository / "service" / folder).mkdir()
        (repository / "service" / folder / "x.py").write_text("x")
    assert digest(_spec(repository), {"etcd": "k"}) == before


def test_a_recipe_that_names_what_is_not_there_is_refused(repository: Path) -> None:
    (repository / "Dockerfile").write_text("# inputs: nothing\nFROM scratch\n")
    with pytest.raises(UsageError, match=r"^Dockerfile names the input nothing, which does not exist\.$"):
        digest(_spec(repository), {"etcd": "k"})


def test_every_recipe_of_the_repository_can_be_read() -> None:
    specs = images.read_specs()
    assert {"catalog", "postgresql", "redis", "toolbox", "node", "pause"} <= set(specs)
    for spec in specs.values():
        assert spec.recipe.is_file(), spec.recipe
        assert all(path.exists() for path in spec.inputs)


def test_package_sources_of_other_vendors_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = "Debian|http://mirror/debian|bookworm|main\nVendor|http://vendor/apt|bookworm|main\n"

    def answer(*_: object, **__: object) -> object:
        return type("Done", (), {"stdout": listed})()

    monkeypatch.setattr(images, "run", answer)
    assert images.debian_sources() == ("deb http://mirror/debian bookworm main",)


def test_a_machine_without_debian_sources_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "run", lambda *_, **__: type("Done", (), {"stdout": ""})())
    with pytest.raises(UsageError, match=r"^apt on this machine knows no Debian bookworm packages, .*\.$"):
        images.debian_sources()


def test_a_configuration_says_nothing_of_the_build() -> None:
    built = {
        "container": "8a6c",
        "parent": "sha256:7dcb",
        "created": "2023-11-14T22:13:20Z",
        "config": {"Hostname": "3b3d", "User": "10001"},
        "container_config": {"Hostname": "3b3d"},
        "history": [{"created_by": "COPY", "comment": "FROM 0fa8"}],
    }
    assert settled_configuration(built) == {
        "created": "2023-11-14T22:13:20Z",
        "config": {"User": "10001"},
        "history": [{"created_by": "COPY"}],
    }


def test_a_configuration_keeps_the_health_check() -> None:
    check = {"Test": ["CMD", "true"]}
    settled = settled_configuration({"config": {"User": "10001"}, "history": []}, check)
    assert settled["config"] == {"User": "10001", "Healthcheck": check}
