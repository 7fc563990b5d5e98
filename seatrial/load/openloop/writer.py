"""Writes the record of a run: a listener to Locust's request event."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class RecordWriter:
    """Writes requests into *file*, whole lines only: whoever is killed leaves a record that can be read."""

    def __init__(self, file: Path) -> None:
        self.written = 0
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._lines: list[str] = []

    def listen(self, *, context: Mapping[str, object], **_: object) -> None:
        """Take note of one request; the event's context holds the fields of a `seatrial.load.record.Request`."""
        # Written by hand: of all that is done for a request, making JSON of it took the longest.
        status = "null" if context["status"] is None else context["status"]
        error = "null" if context["error"] is None else json.dumps(context["error"])
        self._lines.append(
            f'{{"intended": {context["intended"]!r}, "started": {context["started"]!r}, "ended": {context["ended"]!r}, '
            f'"status": {status}, "error": {error}, '
            f'"held": {"true" if context["held"] else "false"}, "act": "{context["act"]}"}}\n'
        )
        self.written += 1

    def flush(self) -> None:
        """Write what was noted."""
        if self._lines:
            pending = "".join(self._lines).encode()
            self._lines.clear()
            while pending:
                pending = pending[os.write(self._descriptor, pending) :]

    def close(self, closing: Mapping[str, object]) -> None:
        """Write the line that says that the record is whole."""
        self._lines.append(json.dumps(closing) + "\n")
        self.flush()
        os.close(self._descriptor)
