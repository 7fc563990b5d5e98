"""Finding secrets that nobody told of, by what they look like.

Each shape has a keyword that is cheap to look for; only where it stands is anything else tried. The forms of tokens are
those that their makers publish: RFC 7468 (keys), RFC 6750 and RFC 7617 (Bearer, Basic), RFC 6265 (cookies), RFC 7519
(JWT), RFC 3986 section 3.2.1 (userinfo), AWS "IAM identifiers" and "Signature Version 4", GitHub's "token formats",
GitLab's, Slack's, Google's, Stripe's, npm's and PyPI's own pages, and the rules of gitleaks (MIT). Names that tell of a
secret (``password: x``) must end with the telling word: ``secretName`` and ``tokenExpirationSeconds`` tell of none.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seatrial.evidence.known import Span

    # Given a text and where the keyword stands in it: where the secret stands, if there is one.
    Look = Callable[[bytes, int], Span | None]

_LONGEST_PARSED = 4 * 2**20
_QUOTE = rb"(?:\\*[\"']|&quot;|&#3[49];|&#x27;)"
# Whose keys are secret; a topology key or a sort key is none.
_KEY_OF = (
    rb"(?:api|access|account|auth|client|encryption|functions|license|master|private|session|shared|signing|storage|"
    rb"subscription|webhook)[-_.]?"
)
_NAME = (
    rb"(?:pass(?:word|wd|phrase)|pwd|secret(?:[-_.]?(?:access[-_.]?)?key)?|token|credentials?|"
    + _KEY_OF
    + rb"key|dockerconfigjson|dockercfg)(?:[-_]?(?:data|value|b64|base64))?[0-9]{0,2}"
)
_ASSIGNED = re.compile(
    _NAME + rb"(?:(?P<flag>[ \t]+(?![-=: \t]))|(?P<close>" + _QUOTE + rb")?[\])]?(?:"
    rb"(?P<pair>(?:\s|,|\\+n|\nE )*" + _QUOTE + rb"?value" + _QUOTE + rb"?[ \t]*[:=][ \t]*)"
    rb"|(?P<sign>[ \t]*(?:=>|:=|={1,3}|:)[ \t]*)(?:\[(?=[^\s\[\]{}]))?"
    rb"|(?P<comma>,[ \t]*\(?(?=" + _QUOTE + rb"))"
    rb"|(?P<element>>)))(?:[bBrRuU]{1,2}(?=['\"]))?(?P<open>" + _QUOTE + rb")?",
    re.IGNORECASE,
)
_FLAG = re.compile(rb"(?:^|[\s\"'=,])--?[\w-]*\Z")
_LINE = re.compile(rb"(?:^|[\r\n]|\\[rn])[\s\-\"'<>*]*(?:export |declare -x |set |env |ENV )?[\w.\-/]*\Z")
_FLOW = re.compile(rb"[{,][\s\"'\\]*[\w.\-]*\Z")
_HARMLESS = re.compile(
    rb"(?:true|false|yes|no|on|off|null|none|nil|~|undefined|unset|str|string|bytes|bool|int|object|optional\b.*|any|"
    rb"x{3,}|\*{3,}|\.{3}|\[?redacted\]?|<[\w .-]+>|\$[{(\w].*|%[({]\w.*|\{\{.*|sha256:[0-9a-f]{64}|\d{1,5}|[{\[(].*|)",
    re.IGNORECASE | re.DOTALL,
)
_CODE = re.compile(rb"[A-Za-z_][\w.]*[(\[]|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z")
_FILE = re.compile(rb"(?:/[\w.@-]+)+/?")
_TO_LINE_END = re.compile(rb"(?:(?!\\[nr])[^\r\n])*")
_TO_SPACE = re.compile(rb"(?:(?!\\[nrt])[^\s\"'`,;&<>])*")
_BLOCK = re.compile(rb"[|>][+-]?\d?[ \t]*\Z")
_HEADER = re.compile(rb"(?P<open>[\"'])[\w.\-]*\Z")
_WHOSE = re.compile(_KEY_OF + rb"\Z", re.IGNORECASE)
_LEAST_IN_PROSE = 16
_LEAST_BARE = 8
_NEAR = 4096
_KIND_SECRET = re.compile(rb"\bkind[\\\"']*[ \t]*:[ \t]*[\\\"']*Secret(?:List)?\b(?![\w-])")
_DATA = re.compile(
    rb"\b(?:data|stringData)[\\\"']*[ \t]*:[ \t]*(?P<entries>\{[^{}]*\}|(?:(?:\n|\\+n)E?[ \t]+(?:(?!\\+n)[^\n])*)+)"
)
_ENTRY = re.compile(rb"[\w.-][\\\"']*[ \t]*:[ \t]*[\\\"']*(?P<secret>[^\s\"'\\,{}]+)")
_CARGO = re.compile(rb"[A-Za-z0-9+/=]+")
_ADDRESS = re.compile(rb"://(?P<userinfo>[^\s/?#\"'<>\\@]{0,400}(?:@[^\s/?#\"'<>\\@]{1,400})*)@")
_LONE_TOKEN = 16
_DONE = b"[redacted]"
_BEGIN = b"-----BEGIN "
_DASHES = b"-----"


def shapes(content: bytes) -> Iterator[Span]:
    """Yield where *content* holds what looks like a secret; spans may overlap."""
    lowered = content.lower()
    for keyword, looks in _LOOKS.items():
        at = lowered.find(keyword)
        while at >= 0:
            for look in looks:
                found = look(content, at)
                if found is not None and found[0] < found[1] and not content.startswith(_DONE, found[0]):
                    yield found
            at = lowered.find(keyword, at + len(keyword))
    yield from _documented(content, lowered)


def secret_name(name: str) -> bool:
    """Whether a value with this *name* is a secret."""
    found = re.fullmatch(rb".*?" + _NAME, name.encode(errors="replace"), re.IGNORECASE | re.DOTALL)
    return found is not None or name.lower() in ("authorization", "proxy-authorization", "cookie", "set-cookie")


def _like(pattern: bytes, *, also: Callable[[bytes], bool] = bool, flags: int = re.IGNORECASE) -> Look:
    """Look for *pattern*, which begins with the keyword; its group ``secret`` must be so *also*."""
    compiled = re.compile(pattern, flags)

    def look(content: bytes, at: int) -> Span | None:
        match = compiled.match(content, at)
        return match.span("secret") if match is not None and also(match["secret"]) else None

    return look


def _token(pattern: bytes) -> Look:
    """Look for a token with a form of its own, which stands by itself."""
    return _like(rb"(?<![A-Za-z0-9])(?P<secret>" + pattern + rb")", flags=0)


def _unpacked(text: bytes) -> bytes:
    try:
        return base64.b64decode(
            text + b"=" * (-len(text) % 4), altchars=b"-_" if b"-" in text or b"_" in text else None
        )
    except binascii.Error:
        return b""


def _is_pair(text: bytes) -> bool:
    """Whether *text* is a user and a password, as Basic authorization writes them."""
    return re.fullmatch(rb"[^\x00-\x1f\x7f:]*:[^\x00-\x1f\x7f]+", _unpacked(text)) is not None


def _holds_private_key(text: bytes) -> bool:
    return b"PRIVATE KEY" in _unpacked(text[:80])


def _holds_jwt(text: bytes) -> bool:
    return re.match(rb"eyJ[\w-]{8,}\.[\w-]{4,}", _unpacked(text[: len(text) // 4 * 4])) is not None


def _private_key(content: bytes, at: int) -> Span | None:
    """A private key; the cut-off rest of one at either end of a text as well."""
    dashes = content.rfind(_DASHES, max(0, at - 50), at)
    after = content.find(_DASHES, at, at + 40)
    if dashes < 0 or after < 0:
        return None
    if content.startswith(_BEGIN, dashes):
        start = after + len(_DASHES)
        end = content.find(_DASHES, start)
        if end >= 0 and content.startswith(b"-----END", end):
            return start, end
        return start, _run_end(content, start)
    return _run_start(content, dashes), dashes


def _gap(between: bytes) -> bool:
    """Whether *between* two lines of a key stands nothing but a line break, however it is written."""
    return between.strip(b" \t\r\n\\\"',|+") in (b"", b"n", b"rn", b"r")


def _run_end(content: bytes, start: int) -> int:
    end = start
    for run in _CARGO.finditer(content, start):
        if not _gap(content[end : run.start()]):
            break
        end = run.end()
    return end


def _run_start(content: bytes, end: int) -> int:
    base = max(0, end - 2**14)
    start = end
    for run in reversed(list(_CARGO.finditer(content, base, end))):
        # Only the last line of a key may be short.
        if not _gap(content[run.end() : start]) or (len(run[0]) < _LEAST_IN_PROSE and start != end):
            break
        start = run.start()
    return start


def _userinfo(content: bytes, at: int) -> Span | None:
    match = _ADDRESS.match(content, at)
    if match is None:
        return None
    start, end = match.span("userinfo")
    name, colon, password = match["userinfo"].partition(b":")
    if colon:
        return None if _HARMLESS.fullmatch(password) and not password.isdigit() else (start + len(name) + 1, end)
    return (start, end) if len(name) >= _LONE_TOKEN and re.search(rb"\d", name) else None


def _parameter(content: bytes, at: int) -> Span | None:
    """A parameter of an address."""
    before = re.search(rb"(?:[?&;]|%26|%3F)[\w.-]*\Z", content[max(0, at - 40) : at], re.IGNORECASE)
    match = re.compile(rb"\w+=(?P<secret>[^&\s\"'#<>\\;]{8,})").match(content, at)
    if before is None or match is None:
        return None
    vague = content[at : at + 4].lower() in (b"key=", b"code")
    return None if vague and len(match["secret"]) < _LEAST_IN_PROSE else match.span("secret")


def _aws_pair(content: bytes, at: int) -> Span | None:
    """The secret that stands near the id of an AWS key: 40 characters that are no git commit."""
    for match in re.finditer(rb"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])", content[at : at + 300]):
        if not re.fullmatch(rb"[0-9a-f]{40}", match[0], re.IGNORECASE):
            return at + match.start(), at + match.end()
    return None


def _assigned(content: bytes, at: int) -> Span | None:
    """The value of a name that tells of a secret, in YAML, JSON, XML, an ini file, an environment or a command line."""
    match = _ASSIGNED.match(content, at)
    if match is None:
        return None
    before = content[max(0, at - 80) : at]
    start = match.end()
    if match["flag"] is not None and not _FLAG.search(before):
        return None
    if match["open"] is not None:
        end = _closing(content, start, match["open"])
        return None if _HARMLESS.fullmatch(content[start:end]) else (start, end)
    if match["element"] is not None:
        end = content.find(b"<", start)
        return (start, end) if start < end and not _HARMLESS.fullmatch(content[start:end]) else None
    return _unquoted(content, match, before)


def _key(content: bytes, at: int) -> Span | None:
    """The value of a key of a kind that is secret."""
    whose = _WHOSE.search(content, max(0, at - 14), at)
    return _assigned(content, whose.start()) if whose is not None else None


def _before_driver(content: bytes, at: int) -> Span | None:
    """The password in ``user:password@tcp(host)``, as Go's drivers for MySQL write it."""
    match = re.search(rb"(?:\A|[\s\"'=])[^\s:@/\"'=]*:(?P<secret>[^\s\"']+)\Z", content[max(0, at - 200) : at])
    offset = max(0, at - 200)
    return (offset + match.start("secret"), at) if match is not None else None


def _unquoted(content: bytes, match: re.Match[bytes], before: bytes) -> Span | None:
    start = match.end()
    header = _HEADER.search(before)
    if header is not None and match["close"] is None and match["sign"] is not None and b":" in match["sign"]:
        end = _closing(content, start, header["open"])
        return None if _HARMLESS.fullmatch(content[start:end]) else (start, end)
    own_line = _LINE.search(before) is not None
    flow = match["close"] is not None or _FLOW.search(before) is not None
    alone = match["pair"] is not None or match["flag"] is not None
    pattern = _TO_LINE_END if own_line and not flow and not alone else _TO_SPACE
    found = pattern.match(content, start)
    value = re.split(rb"[ \t]#", found[0], maxsplit=1)[0].rstrip() if found is not None else b""
    if pattern is _TO_SPACE:
        value = value.rstrip(b")]}")
        if not alone and not own_line and _prose(match, value, flow=flow):
            return None
    if pattern is _TO_LINE_END and _BLOCK.match(value):
        return _block(content, match.start(), start + len(value))
    spaced = match["sign"] is not None and match["sign"] != match["sign"].strip() and b"=" in match["sign"]
    if _HARMLESS.fullmatch(value) or ((spaced or not own_line) and _CODE.match(value)):
        return None
    if _FILE.fullmatch(value) and (match["flag"] is not None or re.match(rb".*key|pwd", match[0], re.IGNORECASE)):
        return None
    return start, start + len(value)


def _prose(match: re.Match[bytes], value: bytes, *, flow: bool) -> bool:
    """Whether *value*, somewhere in a line, is rather a word of a sentence or of a program."""
    if match["sign"] == b"=":
        return value == match[0].rstrip(b"=")
    return not flow and len(value) < _LEAST_IN_PROSE and not re.search(rb"\d", value)


def _closing(content: bytes, start: int, opening: bytes) -> int:
    """Return where the quote that *opening* began ends; of one that was cut off, the end of the line."""
    at = content.find(opening, start)
    while at >= 0:
        slashes = at - len(content[start:at].rstrip(b"\\")) - start
        if opening[:1] == b"\\" or slashes % 2 == 0:
            return at
        at = content.find(opening, at + 1)
    found = _TO_LINE_END.match(content, start)
    return found.end() if found is not None else start


def _block(content: bytes, name: int, start: int) -> Span:
    """A block of YAML: all lines that are indented more than its name."""
    line = content[content.rfind(b"\n", 0, name) + 1 : name]
    depth = len(line) - len(line.lstrip(b" "))
    end = content.find(b"\n", start)
    at = end
    while at >= 0:
        following = content.find(b"\n", at + 1)
        text = content[at + 1 : following if following >= 0 else len(content)]
        if text.strip() and len(text) - len(text.lstrip(b" ")) <= depth:
            break
        end = at = following
    inside = re.compile(rb"\s*").match(content, start)
    return inside.end() if inside is not None else start, end if end >= 0 else len(content)


# Documents that say themselves what in them is secret ----------------------------------------------------------------


def _documented(content: bytes, lowered: bytes) -> Iterator[Span]:
    """Yield the values that a Terraform state, or a Kubernetes Secret, declares to be secret."""
    terraform = b"sensitive" in lowered and (b"terraform_version" in lowered or b"format_version" in lowered)
    secret = b"secret" in lowered and _KIND_SECRET.search(content) is not None
    if not (terraform or secret) or len(content) > _LONGEST_PARSED:
        return
    documents = [document for document in _documents(content) if isinstance(document, dict | list)]
    if not documents and secret:
        yield from _pieces_of_secrets(content)
    values = {value for document in documents for value in _declared(document) if not _harmless(value)}
    for value in sorted(values, key=len, reverse=True):
        for written in {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}:
            text = written.encode("utf-8", errors="surrogatepass")
            for match in re.finditer(rb"(?<![\w])" + re.escape(text) + rb"(?![\w])", content):
                yield match.span()


def _pieces_of_secrets(content: bytes) -> Iterator[Span]:
    """Yield the values of Kubernetes Secrets within something else, near the line that says what they are."""
    for kind in _KIND_SECRET.finditer(content):
        base = max(0, kind.start() - _NEAR)
        for part in _DATA.finditer(content, base, kind.end() + _NEAR):
            for entry in _ENTRY.finditer(content, *part.span("entries")):
                if not _HARMLESS.fullmatch(entry["secret"]):
                    yield entry.span("secret")


def _beside(content: bytes, at: int) -> Span | None:
    """The value beside ``"sensitive": true`` in a piece of a Terraform state."""
    base = content.rfind(b"{", max(0, at - _NEAR), at)
    if base < 0 or not re.compile(rb"sensitive[\\\"']*\s*:\s*true").match(content, at):
        return None
    end = content.find(b"}", at, at + _NEAR)
    value = re.compile(rb"value(?P<open>\\*[\"'])\s*:\s*(?P=open)(?P<secret>.*?)(?P=open)", re.DOTALL)
    match = value.search(content, base, end if end >= 0 else at + _NEAR)
    return match.span("secret") if match is not None else None


def _harmless(value: str) -> bool:
    return not value.strip() or _HARMLESS.fullmatch(value.encode("utf-8", errors="surrogatepass")) is not None


def _documents(content: bytes) -> list[Any]:
    try:
        return [json.loads(content)]
    except (ValueError, RecursionError):
        pass
    try:
        return list(yaml.load_all(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (yaml.YAMLError, ValueError, RecursionError):
        return []


def _declared(part: Any) -> Iterator[str]:  # noqa: ANN401 (whatever JSON can hold)
    if isinstance(part, list):
        for inner in part:
            yield from _declared(inner)
    if not isinstance(part, dict):
        return
    if part.get("kind") == "Secret":
        for name in ("data", "stringData"):
            yield from _leaves(part.get(name))
    if part.get("sensitive") is True:
        yield from _leaves(part.get("value"))
    for name, mask in (("values", "sensitive_values"), ("before", "before_sensitive"), ("after", "after_sensitive")):
        yield from _masked(part.get(name), part.get(mask))
    for path in part.get("sensitive_attributes") or ():
        yield from _leaves(_followed(part.get("attributes"), path))
    for inner in part.values():
        yield from _declared(inner)


def _followed(at: Any, path: Any) -> Any:  # noqa: ANN401 (the same)
    """Return what *path*, as a Terraform state writes it, leads to; None if to nothing."""
    for step in path if isinstance(path, list) else ():
        key = step.get("value") if isinstance(step, dict) else None
        try:
            at = at[key]
        except (KeyError, IndexError, TypeError):
            return None
    return at


def _masked(value: Any, mask: Any) -> Iterator[str]:  # noqa: ANN401 (the same)
    if mask is True:
        yield from _leaves(value)
    elif isinstance(mask, dict) and isinstance(value, dict):
        for key, inner in mask.items():
            yield from _masked(value.get(key), inner)
    elif isinstance(mask, list) and isinstance(value, list):
        for one, inner in zip(value, mask, strict=False):
            yield from _masked(one, inner)


def _leaves(value: Any) -> Iterator[str]:  # noqa: ANN401 (the same)
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)


# What to look for ----------------------------------------------------------------------------------------------------

_AUTHORIZATION = _like(
    rb"authorization" + _QUOTE + rb"?\]?(?:[ \t]*[:=,][ \t]*|%3a(?:%20|\+)*)\[?" + _QUOTE + rb"?"
    rb"(?:(?:Bearer|Basic|Digest|Token|Negotiate|ApiKey|Key|AWS4-HMAC-SHA256)(?:[ \t]+|%20|\+)"
    rb"(?P<secret>(?:(?!\\[nr\"'])[^\r\n\"'\]<])+))"
)
_COOKIE = _like(
    rb"cookie" + _QUOTE + rb"?\]?[ \t]*[:=,][ \t]*\[?" + _QUOTE + rb"?"
    rb"(?P<secret>[\w!#$%&*+.^`|~-]+=(?:(?!\\[nr\"'])[^\r\n\"'\]<])+)"
)
_BARE_AUTHORIZATION = re.compile(
    rb"authorization" + _QUOTE + rb"?\]?[ \t]*[:=,][ \t]*\[?" + _QUOTE + rb"?"
    rb"(?P<secret>[\w.~+/-]*\d[\w.~+/-]*=*)(?=[\"'\\\r\n]|\Z)",
    re.IGNORECASE,
)


def _bare_authorization(content: bytes, at: int) -> Span | None:
    """A header whose value is the secret itself, without a scheme."""
    match = _BARE_AUTHORIZATION.match(content, at)
    return match.span("secret") if match is not None and len(match["secret"]) >= _LEAST_BARE else None


_DIGIT_SOON = rb"(?=[A-Za-z._~+/-]*\d)"
_LOOKS: dict[bytes, tuple[Look, ...]] = {
    b"private key": (_private_key,),
    b"sensitive": (_beside,),
    b"ls0tls1crudjti": (_like(rb"(?P<secret>LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]+)", also=_holds_private_key, flags=0),),
    b"authorization": (_AUTHORIZATION, _bare_authorization),
    b"bearer": (_like(rb"bearer(?:[ \t]+|%20|\+)(?P<secret>" + _DIGIT_SOON + rb"[A-Za-z0-9._~+/-]{8,}=*)"),),
    b"basic": (_like(rb"basic(?:[ \t]+|%20)(?P<secret>[A-Za-z0-9+/_-]{6,}={0,2})", also=_is_pair),),
    b"cookie": (_COOKIE,),
    b"eyj": (_token(rb"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){1,4}"),),
    b"zxlk": (_like(rb"(?P<secret>ZXlK[A-Za-z0-9+/_-]{30,}={0,2})", also=_holds_jwt, flags=0),),
    b'auth"': (_like(rb'auth"\s*:\s*"(?P<secret>[A-Za-z0-9+/_-]{4,}={0,2})"', also=_is_pair),),
    b'auth\\"': (_like(rb'auth\\+"\s*:\s*\\+"(?P<secret>[A-Za-z0-9+/_-]{4,}={0,2})\\', also=_is_pair),),
    b"auth: ": (_like(rb"auth: (?P<secret>[A-Za-z0-9+/_-]{4,}={0,2})(?=\s|\Z)", also=_is_pair),),
    b"akia": (_token(rb"AKIA[A-Z2-7]{16}"), _aws_pair),
    b"asia": (_token(rb"ASIA[A-Z2-7]{16}"), _aws_pair),
    **dict.fromkeys((b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), (_token(rb"gh[pousr]_[A-Za-z0-9_]{20,}"),)),
    b"github_pat_": (_token(rb"github_pat_[A-Za-z0-9_]{20,}"),),
    **dict.fromkeys((b"glpat-", b"glptt-", b"glrt-", b"gldt-", b"glcbt-"), (_token(rb"gl[a-z]{2,3}-[\w-]{16,}"),)),
    b"xox": (_token(rb"xox[abeoprs](?:\.[a-z]+)?-[A-Za-z0-9-]{10,}"),),
    b"xapp-": (_token(rb"xapp-[A-Za-z0-9-]{10,}"),),
    b"hooks.slack.com/": (_like(rb"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[\w/-]{20,})"),),
    b"aiza": (_token(rb"AIza[\w-]{35}"),),
    b"ya29.": (_token(rb"ya29\.[\w-]{16,}"),),
    b"gocspx-": (_token(rb"GOCSPX-[\w-]{20,}"),),
    b"k_live_": (_like(rb"k_live_(?P<secret>[A-Za-z0-9]{10,})"),),
    b"npm_": (_token(rb"npm_[A-Za-z0-9]{36}"),),
    b"pypi-age": (_token(rb"pypi-AgE[\w-]{40,}"),),
    b"hvs.": (_token(rb"hvs\.[\w-]{20,}"),),
    b"dckr_pat_": (_token(rb"dckr_pat_[\w-]{20,}"),),
    b"age-secret-key-": (_token(rb"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),),
    b"://": (_userinfo,),
    b"%3a%2f%2f": (_like(rb"%3a%2f%2f[\w.~-]*%3a(?P<secret>(?:(?!%40|%2f)[\w.~%-])+)%40"),),
    b"@tcp(": (_before_driver,),
    b"sig=": (_parameter,),
    b"signature=": (_parameter,),
    b"key=": (_parameter,),
    b"code=": (_parameter,),
    b"auth=": (_parameter,),
    b" -u": (_like(rb" -u(?:ser)?[ =]?[\"']?[^\s:\"'\d][^\s:\"']*:(?P<secret>[^\s\"']+)"),),
    b"--user": (_like(rb"--user[ =][\"']?[^\s:\"'\d][^\s:\"']*:(?P<secret>[^\s\"']+)"),),
    **dict.fromkeys(
        (b"passw", b"passphrase", b"pwd", b"secret", b"token", b"credential", b"dockerc"),
        (_assigned,),
    ),
    b"key": (_key,),
}
