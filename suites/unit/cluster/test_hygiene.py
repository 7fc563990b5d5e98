"""Each kind of trace that a builder may leave in an image is found, and a clean image is clean."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from seatrial.cluster.hygiene import LENT_MARK, ImageContent, faults, strangers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def image(tmp_path: Path) -> ImageContent:
    (tmp_path / "etc" / "apt" / "sources.list.d").mkdir(parents=True)
    (tmp_path / "etc" / "pip.conf").touch()
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr" / "program").write_bytes(b"\0" * 3_000_000)
    return ImageContent("service", tmp_path, {"PATH": "/usr/bin"}, ("RUN apt-get install redis",))


def test_a_clean_image_is_clean(image: ImageContent) -> None:
    assert strangers(image, {"HTTPS_PROXY": "http://proxy.example:3128"}) == ()


@pytest.mark.parametrize("offset", [0, 1_048_570, 2_999_000])
def test_a_copy_of_a_lent_file_is_found_wherever_it_lies(image: ImageContent, offset: int) -> None:
    content = bytearray(image.root.joinpath("usr/program").read_bytes())
    content[offset : offset + len(LENT_MARK)] = LENT_MARK.encode()
    image.root.joinpath("usr/program").write_bytes(bytes(content))
    assert strangers(image, {}) == ("lent file /usr/program",)


@pytest.mark.parametrize("name", ["etc/apt/sources.list", "etc/pip.conf", "root/.netrc", "etc/environment"])
def test_a_setting_that_is_not_empty_is_found(image: ImageContent, name: str) -> None:
    file = image.root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("something")
    assert strangers(image, {}) == (f"setting /{name}",)


def test_a_package_source_is_found(image: ImageContent) -> None:
    image.root.joinpath("etc/apt/sources.list.d/company.list").touch()
    assert strangers(image, {}) == ("setting /etc/apt/sources.list.d/company.list",)


@pytest.mark.parametrize("name", ["https_proxy", "PIP_INDEX_URL", "REGISTRY_TOKEN", "DB_PASSWORD"])
def test_a_variable_that_sounds_like_a_secret_is_found(image: ImageContent, name: str) -> None:
    dressed = ImageContent(image.name, image.root, {name: "x"}, image.history)
    assert strangers(dressed, {}) == (f"variable {name}",)


def test_the_builders_proxy_in_the_history_is_found(image: ImageContent) -> None:
    proxy = "http://proxy.example:3128"
    dressed = ImageContent(image.name, image.root, image.environment, (f"RUN |1 https_proxy={proxy} apt-get update",))
    assert strangers(dressed, {"https_proxy": proxy}) == (f"history names {proxy}",)


_LABELS = {f"org.opencontainers.image.{key}": "x" for key in ("title", "description", "licenses")}


@pytest.fixture
def fit(image: ImageContent) -> ImageContent:
    return replace(
        image,
        user="10001:10001",
        entrypoint=("python3", "-m", "reference_app.catalog", "serve"),
        health=("CMD", "python3"),
        labels=_LABELS,
    )


def test_an_image_that_is_fit_has_no_faults(fit: ImageContent) -> None:
    assert faults(fit) == ()


@pytest.mark.parametrize(
    ("user", "fault"),
    [
        ("0:0", "runs as root"),
        ("root", "runs as root"),
        ("", "runs as root"),
        ("nobody", "runs as nobody, whose number nobody can tell from outside"),
    ],
)
def test_who_it_runs_as_can_be_a_fault(fit: ImageContent, user: str, fault: str) -> None:
    assert faults(replace(fit, user=user)) == (fault,)


@pytest.mark.parametrize("entrypoint", [("/bin/sh", "-c", "catalog"), ()])
def test_a_shell_between_the_node_and_the_program_is_a_fault(fit: ImageContent, entrypoint: tuple[str, ...]) -> None:
    assert faults(replace(fit, entrypoint=entrypoint)) == ("is started by a shell",)


@pytest.mark.parametrize("health", [("NONE",), ()])
def test_no_word_about_its_health_is_a_fault(fit: ImageContent, health: tuple[str, ...]) -> None:
    assert faults(replace(fit, health=health)) == ("does not say how to tell whether it is well",)


def test_an_annotation_that_is_missing_is_a_fault(fit: ImageContent) -> None:
    found = faults(replace(fit, labels={}))
    assert found == tuple(f"lacks the annotation {key}" for key in ("title", "description", "licenses"))


@pytest.mark.parametrize("place", ["usr/bin/pip3", "usr/local/bin/pip3"])
def test_a_tool_that_installs_is_a_fault(fit: ImageContent, place: str) -> None:
    (fit.root / place).parent.mkdir(parents=True, exist_ok=True)
    (fit.root / place).symlink_to("/nowhere/pip3.11")
    assert faults(fit) == ("holds the tool pip3",)


def test_a_file_of_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(bytes(1000))
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    assert ImageContent("service", tmp_path, {}, ()).size == 1000
