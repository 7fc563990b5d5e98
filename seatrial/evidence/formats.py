"""The formats in which a run can be read, and the file of the run directory that holds each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.evidence.cucumber import cucumber
from seatrial.evidence.html import html
from seatrial.evidence.junit import junit
from seatrial.evidence.markdown import markdown
from seatrial.evidence.sarif import sarif

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from seatrial.audit import RunRecord
    from seatrial.evidence.compare import Changes


@dataclass(frozen=True)
class Format:
    """A format: the name of its file, and what makes its content of a run, what changed, and the run's folder."""

    file: str
    make: Callable[[RunRecord, Changes | None, Path], bytes]


FORMATS = {
    "html": Format("report.html", html),
    "junit": Format("junit.xml", lambda record, _changes, _run: junit(record)),
    "cucumber": Format("cucumber.json", lambda record, _changes, _run: cucumber(record)),
    "sarif": Format("findings.sarif", lambda record, _changes, _run: sarif(record)),
    "markdown": Format("summary.md", lambda record, changes, _run: markdown(record, changes)),
}
