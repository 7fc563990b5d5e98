"""The journal: what was written is read, what was changed is noticed, what was torn is left out."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from seatrial.audit.journal import Broken, Journal, parse

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
DATA = ({"run": "r1"}, {"text": "주문 \N{SNOWMAN}\n"}, {"name": "\udcff"}, {"nested": {"list": [1, 2.5, None, True]}})


def written(file: Path) -> bytes:
    journal = Journal(file, clock=lambda: NOW)
    for data in DATA:
        journal.append("event", data)
    journal.close()
    return file.read_bytes()


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", clock=lambda: NOW)
    events = tuple(journal.append("event", data) for data in DATA)
    chain = parse((tmp_path / "j").read_bytes())
    assert chain.events == events
    assert [event.data for event in chain.events] == list(DATA)
    assert (chain.head, len(chain.events), chain.torn) == (journal.head, journal.count, 0)


def test_a_journal_cut_at_any_byte_holds_whole_lines_only(tmp_path: Path) -> None:
    content = written(tmp_path / "j")
    whole = parse(content).events
    for length in range(len(content) + 1):
        cut = parse(content[:length])
        lines = content[:length].count(b"\n")
        assert cut.events == whole[:lines]
        assert cut.torn == len(content[:length].rpartition(b"\n")[2])


def test_no_byte_can_be_changed(tmp_path: Path) -> None:
    content = written(tmp_path / "j")
    for place in range(len(content) - 1):
        changed = bytearray(content)
        changed[place] ^= 0x01
        with pytest.raises(Broken):
            parse(bytes(changed))


def test_no_line_can_be_dropped_doubled_or_moved(tmp_path: Path) -> None:
    lines = written(tmp_path / "j").splitlines(keepends=True)
    one, two, three, *rest = lines
    for changed in ([two, three, *rest], [one, three, *rest], [one, one, two], [one, three, two, *rest]):
        with pytest.raises(Broken):
            parse(b"".join(changed))


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    content = written(tmp_path / "j")
    with pytest.raises(FileExistsError):
        Journal(tmp_path / "j")
    assert (tmp_path / "j").read_bytes() == content


def test_a_line_that_does_not_fit_on_the_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "j", clock=lambda: NOW)
    journal.append("event", {"a": 1})
    before = (tmp_path / "j").read_bytes()
    whole = os.write
    with monkeypatch.context() as context:
        context.setattr("os.write", lambda handle, line: whole(handle, line[: len(line) // 2]))
        with pytest.raises(OSError, match="bytes of a journal line"):
            journal.append("event", {"a": 2})
    assert (tmp_path / "j").read_bytes() == before
    journal.append("event", {"a": 3})
    assert [event.data for event in parse((tmp_path / "j").read_bytes()).events] == [{"a": 1}, {"a": 3}]


def test_what_json_cannot_hold_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            journal.append("event", {"value": value})
    assert journal.count == 0
    assert (tmp_path / "j").read_bytes() == b""


def test_threads_do_not_tear_each_others_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    threads = [
        threading.Thread(target=lambda: [journal.append("event", {"text": "x" * 5000}) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(parse((tmp_path / "j").read_bytes()).events) == 400
