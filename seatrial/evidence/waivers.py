"""Waivers: who decided, until when and why that a scenario which does not pass may be lived with."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.audit.records import LONGEST_WAIVER, Waiver
from seatrial.evidence.entries import read_by_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from seatrial.evidence.entries import Entry
    from seatrial.evidence.identity import Identities

FILE = "waivers.toml"
_KEYS = ("id", "reason", "owner", "expiry")


def read_waivers(files: Sequence[Path], identities: Identities, today: date) -> Mapping[str, Waiver]:
    """Return the waivers in *files*, by the id of what they are for.

    Raises UsageError, with a sentence per line, if one lacks something, has expired before *today*, is for more than
    180 days from it, is for a scenario that does not exist or for one that has a waiver already.
    """

    def read(entry: Entry, _: Path) -> tuple[str, Waiver]:
        return _waiver(entry, identities, today)

    return read_by_id(files, "waiver", _KEYS, read, "waived")


def _waiver(entry: Entry, identities: Identities, today: date) -> tuple[str, Waiver]:
    identifier = entry.text("id", "FILE.feature::NAME")
    reason = entry.text("reason", "why it can be lived with")
    owner = entry.text("owner", "who decided that")
    expiry = entry.day("expiry")
    if not entry.troubles:
        trouble = identities.trouble(identifier)
        if trouble is not None:
            entry.complain(trouble)
        if expiry < today:
            entry.complain(f"it expired after {expiry}: mend what it is for, or decide anew")
        if expiry - today > LONGEST_WAIVER:
            last = today + timedelta(days=LONGEST_WAIVER.days)
            entry.complain(
                f"it expires on {expiry}, more than {LONGEST_WAIVER.days} days from now: write {last} at the latest"
            )
    return identifier, Waiver(reason, owner, expiry.isoformat())
