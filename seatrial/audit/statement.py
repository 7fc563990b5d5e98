"""What is signed: an in-toto statement about a run, made from its evidence and from nothing else.

The same function serves whoever signs and whoever verifies: the verifier makes the statement anew and compares.
The predicate is in-toto's test result, version 0.1; what it has no field for stands under ``seatrial_run``.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from seatrial.audit.container import RUN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.audit.journal import Chain
    from seatrial.audit.records import RunRecord

FORMAT = "seatrial-bundle/1"
TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
JOURNAL = "events.jsonl"
_UNKNOWN = "unknown"


def statement(chain: Chain, record: RunRecord, files: Mapping[str, bytes], run: bytes) -> dict[str, Any]:
    """Return the statement about a run: its journal's *chain*, the *record* that follows, its *files*, them zipped.

    As the predicate has it, the result is PASSED if all that was selected passed, WARNED if the gate is open because
    somebody answers for the rest, else FAILED.
    """
    answered = [one for one in record.selected if not one.verdict.opens_gate and one.opens_gate]
    refused = [one for one in record.selected if not one.opens_gate]
    result = "FAILED" if not record.opens_gate else "WARNED" if answered else "PASSED"
    return {
        "_type": TYPE,
        "subject": [subject(RUN, run), *(subject(name, files[name]) for name in sorted(files))],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": result,
            "configuration": [_project(record)],
            "passedTests": [one.test for one in record.selected if one.verdict.opens_gate and one.opens_gate],
            "warnedTests": [one.test for one in answered],
            "failedTests": [one.test for one in refused],
            "seatrial_run": {
                "format": FORMAT,
                "id": record.id,
                "target": record.target,
                "label": str(record.label),
                "started": record.started.isoformat(),
                "ended": record.ended.isoformat() if record.ended else None,
                "commit": commit_of(record),
                "changes": changes_of(record),
                "challenge": challenge_of(record),
                "verdict": str(record.verdict),
                "counts": {str(verdict): count for verdict, count in record.counts().items()},
                "not_selected": len(record.scenarios) - len(record.selected),
                "gate_open": record.opens_gate,
                "journal": {"head": chain.head, "count": len(chain.events), "torn": chain.torn},
            },
        },
    }


def subject(name: str, content: bytes) -> dict[str, Any]:
    """Return the descriptor of a file: its name, digest and size."""
    return {
        "name": name,
        "digest": {"sha256": hashlib.sha256(content).hexdigest()},
        "annotations": {"size": len(content)},
    }


def commit_of(record: RunRecord) -> str:
    """Return the git commit of the project that was run."""
    return record.environment.get("project commit", _UNKNOWN)


def changes_of(record: RunRecord) -> str:
    """Return whether the project differed from its commit; ``none`` if it did not."""
    return record.environment.get("project changes", _UNKNOWN)


def challenge_of(record: RunRecord) -> str | None:
    """Return what the run was given at its start to show that it is younger than that; None if nothing."""
    return record.environment.get("challenge")


def _project(record: RunRecord) -> dict[str, Any]:
    commit = commit_of(record)
    known = {"digest": {"gitCommit": commit}} if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit) else {}
    return {"name": "project", **known, "annotations": {"changes": changes_of(record)}}
