from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import UsageError
from seatrial.load.commands import load


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param({}, "--url is ''", id="no url"),
        pytest.param({"url": "ftp://a"}, "--url is 'ftp://a'", id="no web address"),
        pytest.param({"url": "http://a b"}, "--url is 'http://a b'", id="a space in it"),
        pytest.param({"url": "http://a\r\nx: y"}, "--url is 'http://a", id="a line break in it"),
        pytest.param({"url": "http://a", "profile": "none"}, "there is no profile 'none'", id="no such profile"),
        pytest.param({"url": "http://a", "lasting": "soon"}, "--for is 'soon'", id="no length of time"),
        pytest.param({"url": "http://a", "lasting": "0s"}, "--for is '0s'", id="no time"),
        pytest.param({"url": "http://a", "lasting": "9999h"}, "the longest is 720h", id="too long"),
        pytest.param({"url": "http://a", "times": 1e9}, "customers come, and no more than", id="too many"),
        pytest.param({"url": "http://a", "times": 0}, "--times is 0", id="nobody"),
        pytest.param({"url": "http://a", "get": ["a"]}, "--get is 'a'", id="no path"),
        pytest.param({"url": "http://a", "get": ["/a b"]}, "--get is '/a b'", id="a path with a space"),
        pytest.param({"url": "http://a", "host": "a\nb"}, "--host is", id="no host name"),
        pytest.param({"url": "http://a", "ca": Path("none.pem")}, "--ca is none.pem", id="no authority"),
        pytest.param({"again": Path("/nonexistent")}, "there is no record in /nonexistent", id="no record"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(**options)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be a folder for the record"):
        load(url="http://127.0.0.1:9", out=tmp_path / "file")


def test_what_is_no_record_is_said(tmp_path: Path) -> None:
    (tmp_path / "requests.jsonl").write_text('{"planned": 3}\n{"planned": 3}\n')
    with pytest.raises(UsageError, match="is no record of a run under load"):
        load(again=tmp_path)
