"""Why evidence is not accepted."""

from __future__ import annotations


class NotVerified(Exception):
    """A bundle does not prove what it says; the text is one clause that says what does not fit."""
