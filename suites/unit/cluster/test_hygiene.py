"""Each kind of trace that a builder may leave in an image is found, and a clean image is clean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from seatrial.cluster.hygiene import LENT_MARK, ImageContent, strangers

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
