"""Optimistic locking: the version of a row as an entity tag, and which versions a caller is ready to change."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENTITY_TAG = re.compile(r'(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"')
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Expectation:
    """Which versions a caller is ready to change (RFC 9110, section 13.1.1); ``None`` stands for any."""

    versions: frozenset[int] | None

    @classmethod
    def of_if_match(cls, value: str) -> Expectation:
        """Read an ``If-Match`` value.

        Weak tags and tags that no version has match nothing. Raises ValueError if *value* is neither ``*`` nor a list
        of entity tags.
        """
        if value.strip() == "*":
            return cls(None)
        return cls(frozenset(int(tag) for tag in _strong_tags(value) if _VERSION.fullmatch(tag)))

    def admits(self, version: int) -> bool:
        """Whether the caller is ready to change *version*."""
        return self.versions is None or version in self.versions


ANY_VERSION = Expectation(None)


def entity_tag(version: int) -> str:
    """Return the strong entity tag of a version."""
    return f'"{version}"'


def tag_listed(value: str, tag: str) -> bool:
    """Whether an ``If-None-Match`` value names *tag*, by weak comparison (RFC 9110, section 13.1.2)."""
    return value.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in value.split(","))


def _strong_tags(value: str) -> list[str]:
    tags = [_ENTITY_TAG.fullmatch(part.strip()) for part in value.split(",")]
    if not all(tags):
        msg = "not a list of entity tags"
        raise ValueError(msg)
    return [tag["opaque"] for tag in tags if tag is not None and not tag["weak"]]
