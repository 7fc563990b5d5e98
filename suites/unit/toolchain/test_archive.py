from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.toolchain.archive import export_archive, import_archive
from seatrial.toolchain.store import Identity, State, Store
from suites.unit.toolchain.conftest import manifest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(tmp_path / "other")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "toolchain.tar.gz"


def _content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(("name", "magic"), [("store.tar", b""), ("store.tar.gz", b"\x1f\x8b"), ("store", b"\x1f\x8b")])
def test_what_is_exported_is_imported(
    store: Store, other: Store, put: Callable[..., Identity], tmp_path: Path, name: str, magic: bytes
) -> None:
    anchor, buoy = put("anchor", anchor="a", helper="h"), put("buoy", buoy="b" * 3_000_000)
    for identity in (anchor, buoy):
        for binary in (store.entry(identity) / "bin").iterdir():
            binary.chmod(0o755)
    file = tmp_path / name
    export_archive(store, [buoy, anchor], file)
    assert file.read_bytes().startswith(magic)
    imported = import_archive(other, file, pytest.fail)
    assert (imported.new, imported.known) == ((anchor, buoy), ())
    for identity in (anchor, buoy):
        assert other.state(identity, thorough=True) is State.WHOLE
        assert _content(other.entry(identity)) == _content(store.entry(identity))
    assert list((other.root / "work").iterdir()) == []


def test_importing_twice_changes_nothing(store: Store, other: Store, put: Callable[..., Identity], file: Path) -> None:
    identity = put()
    export_archive(store, [identity], file)
    import_archive(other, file, pytest.fail)
    before = other.entry(identity).stat().st_ino
    assert import_archive(other, file, pytest.fail).known == (identity,)
    assert other.entry(identity).stat().st_ino == before


def test_importing_mends_a_damaged_entry(store: Store, put: Callable[..., Identity], file: Path) -> None:
    identity = put("anchor", anchor="text")
    export_archive(store, [identity], file)
    (store.entry(identity) / "bin" / "anchor").unlink()
    assert import_archive(store, file, pytest.fail).new == (identity,)
    assert store.state(identity, thorough=True) is State.WHOLE


def test_the_same_entries_are_the_same_archive(
    store: Store, put: Callable[..., Identity], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = [put("anchor"), put("buoy")]
    export_archive(store, identities, tmp_path / "one.tar.gz")
    monkeypatch.setattr("time.time", lambda: 1.0)
    export_archive(store, reversed(identities), tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_a_damaged_entry_is_not_exported(store: Store, put: Callable[..., Identity], file: Path) -> None:
    identity = put("anchor", anchor="text")
    (store.entry(identity) / "bin" / "anchor").write_text("tEXT")
    with pytest.raises(UsageError, match="anchor in the store is damaged: run `seatrial toolchain build anchor` first"):
        export_archive(store, [identity], file)
    assert list(file.parent.glob("*toolchain*")) == []


def test_an_archive_that_cannot_be_written_is_one_sentence(
    store: Store, put: Callable[..., Identity], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"cannot be written: No such file or directory\.$"):
        export_archive(store, [put()], tmp_path / "nowhere" / "store.tar")


Members = list[tuple[tarfile.TarInfo, bytes]]


def _members(store: Store, identity: Identity) -> Members:
    folder = store.entry(identity)
    members = []
    for path in ("manifest.json", "bin/anchor"):
        member = tarfile.TarInfo(f"{identity.folder}/{path}")
        content = (folder / path).read_bytes()
        member.size = len(content)
        members.append((member, content))
    return members


def _write(file: Path, members: Members) -> None:
    with tarfile.open(file, "w:gz") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))


def _added(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Callable[[Members], object]:
    def add(members: Members) -> None:
        member = tarfile.TarInfo(name.replace("ENTRY", members[0][0].name.partition("/")[0]))
        member.type, member.linkname = kind, link
        content = b"evil" if kind == tarfile.REGTYPE else b""
        member.size = len(content)
        members.append((member, content))

    return add


def _replaced(members: Members) -> None:
    member, content = members[1]
    members[1] = (member, content.swapcase())


def _renamed(members: Members) -> None:
    for member, _ in members:
        member.name = member.name.replace("anchor-", "buoy-")


def _huge_manifest(members: Members) -> None:
    member, content = members[0]
    member.size = (1 << 20) + 1
    members[0] = (member, content.ljust(member.size))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(_added("/etc/passwd"), "'/etc/passwd' lies where no entry has a file", id="absolute"),
        pytest.param(_added("../escape"), "'../escape' lies where no entry has a file", id="parent"),
        pytest.param(_added("ENTRY/bin/../../../escape"), "lies where no entry", id="parent inside"),
        pytest.param(_added("ENTRY/bin/.."), "lies where no entry", id="only parent"),
        pytest.param(_added("ENTRY/etc/file"), "lies where no entry", id="other folder"),
        pytest.param(_added("notes/bin/file"), "lies where no entry", id="no entry"),
        pytest.param(_added("ENTRY/bin/link", tarfile.SYMTYPE, "/etc/passwd"), "not a plain file", id="symlink"),
        pytest.param(_added("ENTRY/bin/link", tarfile.LNKTYPE, "/etc/passwd"), "not a plain file", id="hard link"),
        pytest.param(_added("ENTRY/bin/device", tarfile.CHRTYPE), "not a plain file", id="device"),
        pytest.param(_added("ENTRY/bin/pipe", tarfile.FIFOTYPE), "not a plain file", id="pipe"),
        pytest.param(_added("ENTRY/bin/folder", tarfile.DIRTYPE), "not a plain file", id="folder"),
        pytest.param(_added("ENTRY/bin/anchor"), "holds 'anchor-[0-9a-f]*/bin/anchor' twice", id="twice"),
        pytest.param(_added("ENTRY/bin/stowaway"), "bin/stowaway is only in one of", id="not in manifest"),
        pytest.param(lambda members: members.pop(1), "bin/anchor is only in one of", id="not in archive"),
        pytest.param(lambda members: members.pop(0), "has no manifest of its own", id="no manifest"),
        pytest.param(_renamed, "has no manifest of its own", id="manifest of another"),
        pytest.param(_replaced, "has not the SHA-256 that its manifest names", id="content"),
        pytest.param(_huge_manifest, "too large for a manifest", id="huge manifest"),
        pytest.param(list.clear, "holds no entry of a toolchain store", id="empty"),
    ],
)
def test_an_archive_that_is_not_right_is_refused_as_a_whole(
    store: Store,
    other: Store,
    put: Callable[..., Identity],
    file: Path,
    change: Callable[[Members], object],
    sentence: str,
) -> None:
    members = _members(store, put("anchor", anchor="text"))
    # A right entry in front of it is not added either.
    right = put("afore", afore="text")
    for path in ("manifest.json", "bin/afore"):
        member = tarfile.TarInfo(f"{right.folder}/{path}")
        content = (store.entry(right) / path).read_bytes()
        member.size = len(content)
        if change is not list.clear:
            members.append((member, content))
    change(members)
    _write(file, members)
    with pytest.raises(UsageError, match=sentence) as refused:
        import_archive(other, file, pytest.fail)
    assert str(file) in str(refused.value)
    assert other.entries() == ()
    assert list((other.root / "work").iterdir()) == []
    assert not (file.parent / "escape").exists()


def test_a_member_larger_than_the_disk_is_refused_before_it_is_written(
    other: Store, put: Callable[..., Identity], file: Path
) -> None:
    member = tarfile.TarInfo(f"{put('anchor').folder}/bin/bomb")
    member.size = 1 << 60
    file.write_bytes(member.tobuf(format=tarfile.GNU_FORMAT))
    with pytest.raises(UsageError, match=r"Importing .*/bin/bomb needs 1073741824\.0 GiB of free disk"):
        import_archive(other, file, pytest.fail)
    assert list((other.root / "work").iterdir()) == []


def test_a_file_that_is_no_archive_is_one_sentence(other: Store, file: Path) -> None:
    file.write_text("notes")
    with pytest.raises(UsageError, match="is not a whole archive of a toolchain store"):
        import_archive(other, file, pytest.fail)
    file.unlink()
    with pytest.raises(UsageError, match="cannot be imported: No such file or directory"):
        import_archive(other, file, pytest.fail)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_torn_archive_is_refused(
    store: Store, other: Store, put: Callable[..., Identity], file: Path, share: float
) -> None:
    export_archive(store, [put("anchor", anchor=os.urandom(200_000).hex())], file)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UsageError, match=str(file)):
        import_archive(other, file, pytest.fail)
    assert other.entries() == ()


def test_a_manifest_that_names_files_outside_is_refused(
    store: Store, other: Store, put: Callable[..., Identity], file: Path
) -> None:
    identity = put("anchor", anchor="text")
    manifest = manifest_of(identity, store.entry(identity))
    record = manifest.files["bin/anchor"]
    outside = manifest.model_copy(update={"files": {"bin/anchor": record, "../../escape": record}})
    members = _members(store, identity)
    content = outside.model_dump_json().encode()
    members[0][0].size = len(content)
    members[0] = (members[0][0], content)
    _write(file, members)
    with pytest.raises(UsageError, match="only in one of archive and manifest"):
        import_archive(other, file, pytest.fail)
