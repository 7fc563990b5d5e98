"""The file that a bundle is: what every tool can open, and nothing between its parts."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile

import pytest

from seatrial.audit.container import RUN, STATEMENT, compress, decompress, is_safe, unwrap, wrap
from seatrial.audit.refusal import NotVerified

FILES = {"a/b.txt": b"x" * 5000, "ein ☃": b"", "c": b"\x00\xff"}
SIZES = {name: len(content) for name, content in FILES.items()}


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 70_000])
def test_any_tar_can_open_a_bundle(size: int) -> None:
    content = wrap(b"s" * size, b"r" * 3)
    assert unwrap(content) == (b"s" * size, b"r" * 3)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == [STATEMENT, RUN]
        for name, expected in ((STATEMENT, b"s" * size), (RUN, b"rrr")):
            file = archive.extractfile(name)
            assert file is not None
            assert file.read() == expected


def test_no_bit_of_the_wrapping_can_be_changed() -> None:
    statement, run = b"statement", b"run"
    content = wrap(statement, run)
    for place in range(len(content)):
        for bit in range(8):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            try:
                found = unwrap(bytes(changed))
            except NotVerified:
                continue
            assert found != (statement, run)


@pytest.mark.parametrize("size", [0, 1, 512, 1024, 1536, 2047, 3071])
def test_a_bundle_that_was_cut_or_added_to_is_refused(size: int) -> None:
    content = wrap(b"statement", b"run")
    assert len(content) == 3072
    for changed in (content[:size], content + bytes(512), content[:size] + b"x" + content[size:]):
        with pytest.raises(NotVerified):
            unwrap(changed)


def test_files_come_back_and_are_always_packed_alike() -> None:
    packed = compress(FILES)
    assert decompress(packed, SIZES) == FILES
    assert compress(dict(reversed(FILES.items()))) == packed


def packed(*members: tuple[zipfile.ZipInfo, bytes], comment: bytes = b"") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for info, content in members:
            archive.writestr(info, content)
        archive.comment = comment
    return target.getvalue()


def entry(name: str, mode: int = stat.S_IFREG | 0o644, kind: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.compress_type = kind
    made.external_attr = mode << 16
    return made


def test_the_odd_archives_below_are_refused_for_their_oddity_alone() -> None:
    assert decompress(packed((entry("a"), b"1")), {"a": 1}) == {"a": b"1"}


@pytest.mark.parametrize(
    ("content", "sizes"),
    [
        (packed((entry("../a"), b"1")), {"../a": 1}),
        (packed((entry("/a"), b"1")), {"/a": 1}),
        (packed((entry("a", stat.S_IFLNK | 0o777), b"b")), {"a": 1}),
        (packed((entry("a", stat.S_IFDIR | 0o755), b"")), {"a": 0}),
        (packed((entry("a", stat.S_IFREG | 0o4755), b"1")), {"a": 1}),
        (packed((entry("a"), b"0" * 10**6)), {"a": 1}),
        (packed((entry("a"), b"1")), {"a": 2}),
        (packed((entry("a"), b"1")), {"a": 1, "b": 1}),
        (packed((entry("a"), b"1"), (entry("b"), b"1")), {"a": 1}),
        (packed((entry("b"), b"1"), (entry("a"), b"1")), {"a": 1, "b": 1}),
        (packed((entry("a"), b"1"), comment=b"x"), {"a": 1}),
        (b"x" + packed((entry("a"), b"1")), {"a": 1}),
        (packed((entry("a"), b"1")) + b"x", {"a": 1}),
        (packed((entry("a"), b"1"))[:-1], {"a": 1}),
        (packed((entry("a", kind=zipfile.ZIP_STORED), b"1")), {"a": 1}),
        (packed((entry("a", kind=zipfile.ZIP_BZIP2), b"1")), {"a": 1}),
        (b"", {}),
        (b"PK", {"a": 1}),
        (packed((entry("a"), b"1")), {"a": 2**40}),
    ],
)
def test_an_archive_with_anything_odd_in_it_is_refused(content: bytes, sizes: dict[str, int]) -> None:
    with pytest.raises(NotVerified):
        decompress(content, sizes)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused() -> None:
    content = packed((entry("a"), b"1"), (entry("a"), b"2"))
    with pytest.raises(NotVerified):
        decompress(content, {"a": 1})


def test_what_follows_a_compressed_file_within_its_place_is_refused() -> None:
    good = compress({"a": b"1" * 100})
    at = good.index(b"PK\x01\x02")
    size = int.from_bytes(good[18:22], "little")
    longer = (size + 1).to_bytes(4, "little")
    content = bytearray(good[:at] + b"x" + good[at:])
    content[18:22] = content[at + 1 + 20 : at + 1 + 24] = longer
    end = content.rindex(b"PK\x05\x06")
    content[end + 16 : end + 20] = (at + 1).to_bytes(4, "little")
    assert zipfile.ZipFile(io.BytesIO(content)).read("a") == b"1" * 100
    with pytest.raises(NotVerified, match="does not unpack to its size"):
        decompress(bytes(content), {"a": 100})


@pytest.mark.parametrize(
    "name", ["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a\\b", "C:x", "a\x00", "a\nb", "x" * 1001]
)
def test_a_name_that_leads_elsewhere_is_not_safe(name: str) -> None:
    assert not is_safe(name)
    with pytest.raises(ValueError, match="not safe"):
        compress({name: b""})


@pytest.mark.parametrize("name", ["a", "a/b.c", "..a", "a b", "주문", "scenarios/001-x/pod:log"])
def test_an_ordinary_name_is_safe(name: str) -> None:
    assert is_safe(name)
