"""Keeping secrets out of what a run writes down."""

from __future__ import annotations

REDACTED = "[redacted]"
_SHORTEST = 6


class Redactor:
    """Takes the secrets that it knows out of texts and files before they are written."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def learn(self, value: str) -> None:
        """Know *value* as a secret from now on; what is too short to be one is passed over."""
        if len(value) >= _SHORTEST:
            self._known.add(value)

    def text(self, text: str) -> str:
        """Return *text* without the secrets in it."""
        for value in sorted(self._known, key=len, reverse=True):
            text = text.replace(value, REDACTED)
        return text

    def content(self, content: bytes) -> bytes:
        """Return the bytes of a file without the secrets in them."""
        text = content.decode("utf-8", errors="surrogateescape")
        return self.text(text).encode("utf-8", errors="surrogateescape")
