"""Finding secrets that are known, in whatever encoding they stand.

A text is looked at without its white space, quotes and backslashes: what a program broke into lines, indented, folded,
quoted or escaped reads the same again. A value is known in each encoding that it commonly gets, and a long one by each
sufficiently long part of it, because logs and traces cut what is long.

The search goes by short pieces ("grams"): a match of at least ``length`` bytes holds a whole gram at one of any
``length - gram + 1`` places in a row, so that only every so many places of a text are looked at.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Span = tuple[int, int]

SHORTEST = 6
# A part of a long secret that long is taken for the secret.
_PART = 20
_LONG = 14
_PASSED_OVER = b" \t\r\n\f\v\0\\\"'"
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le")
_KEPT = re.compile(rb"[^ \t\r\n\f\v\0\\\"']+")
_ARMOUR = re.compile(r"-----(?:BEGIN|END) [A-Z0-9 ]+-----")


def squeezed(content: bytes) -> bytes:
    """Return *content* without what is passed over."""
    return content.translate(None, _PASSED_OVER)


def stretched(content: bytes, spans: Iterable[Span]) -> Iterator[Span]:
    """Turn *spans* of the squeezed *content*, in order, into those of *content* itself."""
    runs = _KEPT.finditer(content)
    before = length = begin = 0
    for start, end in spans:
        places = []
        for place in (start, end - 1):
            while before + length <= place:
                run = next(runs)
                before, begin, length = before + length, run.start(), run.end() - run.start()
            places.append(begin + place - before)
        yield places[0], places[1] + 1


def encodings(value: str) -> frozenset[bytes]:
    """Return *value* in each encoding that programs commonly give it."""
    raw = value.encode("utf-8", errors="surrogatepass")
    found = {*_as_text(value), raw.hex().encode(), raw.hex().upper().encode()}
    found |= {raw.hex(sep).encode() for sep in (":", "-")}
    for wide in (value.encode(name, errors="surrogatepass") for name in _WIDE):
        text = wide.decode("latin-1")
        found |= {wide, json.dumps(text)[1:-1].encode(), repr(wide)[2:-1].encode()}
    once = set(_as_base64(raw))
    # The data of a Kubernetes Secret that holds what was encoded before, such as a kubeconfig.
    twice = {again for part in once for again in _as_base64(part)}
    return frozenset(found | once | twice | set(_as_base64(value.encode("utf-16-le", errors="surrogatepass"))))


def _as_text(value: str) -> Iterator[bytes]:
    plain = json.dumps(value)[1:-1]
    texts = {
        value,
        plain,
        json.dumps(value, ensure_ascii=False)[1:-1],
        json.dumps(plain)[1:-1],
        plain.replace("/", "\\/"),
        # What Go's encoder makes of the three characters that mean something to HTML.
        plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
        "".join(f"\\u{ord(letter):04x}" for letter in value),
        "".join(f"\\x{byte:02x}" for byte in value.encode("utf-8", errors="surrogatepass")),
        # YAML between double quotes.
        "".join(letter if " " <= letter <= "~" else f"\\{_numbered(ord(letter))}" for letter in value),
        repr(value)[1:-1],
        repr(value.encode("utf-8", errors="surrogatepass"))[2:-1],
        shlex.quote(value),
        html.escape(value),
        html.escape(value, quote=False),
        html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        html.escape(value).replace("&#x27;", "&apos;"),
        "".join(f"&#{ord(letter)};" for letter in value),
        "".join(f"&#x{ord(letter):x};" for letter in value),
        "\n".join(value.split()),
    }
    addressed = {quote(value, safe=kept, errors="surrogatepass") for kept in ("", "/", "~", "!*'()", "@:$&+,/;=?")} | {
        quote_plus(value, errors="surrogatepass")
    }
    addressed |= {quote(text, safe="") for text in addressed}
    addressed.add("".join(f"%{byte:02X}" for byte in value.encode("utf-8", errors="surrogatepass")))
    texts |= addressed | {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in addressed}
    for text in texts:
        yield text.encode("utf-8", errors="surrogatepass")


def _numbered(code: int) -> str:
    return f"x{code:02X}" if code < 2**8 else f"u{code:04X}" if code < 2**16 else f"U{code:08X}"


def _as_base64(raw: bytes) -> Iterator[bytes]:
    """What stands in base64 for *raw* whatever surrounds it: for each of three places it can begin at in a group."""
    for before in range(3):
        padded = b"\0" * before + raw
        # A character of six bits is certain only where each bit of it is one of the value's.
        first, last = -(-before * 8 // 6), len(padded) * 8 // 6
        text = base64.b64encode(padded)[first:last]
        yield text
        yield text.translate(bytes.maketrans(b"+/", b"-_"))


@dataclass
class _Index:
    """Values by the grams in them; *least* is the shortest match that is certain to be found."""

    gram: int
    least: int
    values: list[tuple[bytes, int]] = field(default_factory=list)
    places: dict[bytes, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def add(self, value: bytes, needed: int) -> None:
        """Know *value*, of which a part of *needed* bytes is enough."""
        number = len(self.values)
        self.values.append((value, needed))
        reach = len(value) if needed < len(value) else self.least
        for offset in range(min(reach, len(value)) - self.gram + 1):
            gram = value[offset : offset + self.gram]
            self.places[gram] = (*self.places.get(gram, ()), (number, offset))

    def spans(self, text: bytes) -> Iterator[Span]:
        if not self.values:
            return
        gram, places, step = self.gram, self.places, self.least - self.gram + 1
        over = 0
        for at in [at for at in range(0, len(text) - gram + 1, step) if text[at : at + gram] in places]:
            if at + gram <= over:
                continue
            for number, offset in places[text[at : at + gram]]:
                value, needed = self.values[number]
                begin = at - offset
                if begin >= 0 and text.startswith(value, begin):
                    span = (begin, begin + len(value))
                elif needed < len(value):
                    span = _common(text, at, value, offset)
                else:
                    continue
                if span[1] - span[0] >= needed:
                    over = max(over, span[1])
                    yield span


def _common(text: bytes, at: int, value: bytes, offset: int) -> Span:
    """Return the longest stretch of *text* around *at* that agrees with *value* around *offset*."""
    begin = 0
    while begin < min(at, offset) and text[at - begin - 1] == value[offset - begin - 1]:
        begin += 1
    end = 0
    longest = min(len(text) - at, len(value) - offset)
    while end < longest and text[at + end] == value[offset + end]:
        end += 1
    return at - begin, at + end


class KnownSecrets:
    """Values that are known to be secret."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._variants: set[bytes] = set()
        self._exact: set[bytes] = set()
        self._short = _Index(gram=4, least=SHORTEST)
        self._long = _Index(gram=8, least=_LONG)

    def add(self, value: str) -> bool:
        """Know *value*; say whether it is news. Of a key in PEM, what stands between its lines of dashes counts."""
        body = "\n".join(line for line in _ARMOUR.sub("\n", value).splitlines() if line.strip()).strip()
        if body in self._known or len(body) < SHORTEST:
            return False
        self._known.add(body)
        # Whole sentences share parts with what is no secret.
        whole = " " in body or (len(body.split()) > 1 and not _ARMOUR.search(value))
        for variant in encodings(body):
            self._add_variant(variant, whole=whole)
        return True

    def _add_variant(self, variant: bytes, *, whole: bool) -> None:
        text = squeezed(variant)
        if len(text) < SHORTEST:
            if len(variant) >= SHORTEST:
                self._exact.add(variant)
            return
        if text in self._variants:
            return
        self._variants.add(text)
        needed = len(text) if whole or len(text) <= _PART else _PART
        (self._short if needed < _LONG else self._long).add(text, needed)

    def spans(self, content: bytes) -> list[Span]:
        """Return where *content* holds any of them."""
        found = [
            match.span()
            for exact in self._exact
            if exact in content
            for match in re.finditer(re.escape(exact), content)
        ]
        text = squeezed(content)
        inside = merged([*self._short.spans(text), *self._long.spans(text)])
        if inside:
            found += stretched(content, inside)
        return found


def merged(spans: Iterable[Span]) -> Sequence[Span]:
    """Return *spans* in order, those that touch each other as one."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
