"""Runs to bundle, and what somebody could do to their bundles."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from seatrial.audit.bundle import pack
from seatrial.audit.container import RUN, compress, unwrap, wrap
from seatrial.audit.dsse import canonical, seal
from seatrial.audit.journal import GENESIS, Broken, parse
from seatrial.audit.keys import key_id
from seatrial.audit.replay import FORMAT, Inconsistent, Replay
from seatrial.audit.statement import JOURNAL, statement, subject
from seatrial.audit.verify import Expected
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
Files = dict[str, bytes]
Lines = list[dict[str, Any]]


def key_of(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


KEY, ATTACKER = key_of(1), key_of(2)
TRUSTED = {key_id(KEY.public_key()): KEY.public_key()}


def seeded(seed: object) -> Random:
    return Random(str(seed))  # noqa: S311 (an attack must happen again as it did)


# Runs ----------------------------------------------------------------------------------------------------------------


def chained(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """Spell *lines* as a journal, with a chain that fits them."""
    digest, written = GENESIS, []
    for line in lines:
        body = json.dumps(line, separators=(",", ":")).encode()[1:]
        digest = hashlib.sha256(digest + body).digest()
        written.append(b'{"chain":"%b",%b\n' % (digest.hex().encode(), body))
    return b"".join(written)


def lines_of(journal: bytes) -> Lines:
    lines = [json.loads(line) for line in journal.splitlines()]
    for line in lines:
        del line["chain"]
    return lines


def requests(random: Random, count: int = 100, failed: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "intended": number / 50,
            "started": number / 50 + random.uniform(0, 0.01),
            "ended": number / 50 + random.uniform(0.01, 0.2),
            "status": None if number < failed else random.choice([200, 201, 302]),
            "error": "no answer" if number < failed else None,
            "held": False,
        }
        for number in range(count)
    ]


def record(sent: Sequence[Mapping[str, Any]], planned: int | None = None) -> bytes:
    closing = {"planned": len(sent) if planned is None else planned, "rate": 50.0}
    return b"".join(json.dumps(one).encode() + b"\n" for one in [*sent, closing])


@dataclass
class Story:
    """A run as it is told, and the files it leaves."""

    random: Random
    number: int = 0
    begin: datetime = NOW
    lines: Lines = field(default_factory=list)
    files: Files = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)

    def tell(self, kind: str, **data: object) -> None:
        at = self.begin + timedelta(seconds=len(self.lines))
        self.lines.append({"number": len(self.lines) + 1, "at": at.isoformat(), "kind": kind, "data": data})

    def start(self, scenarios: int, **environment: str) -> None:
        known = {"project commit": f"{self.number:040x}", "project changes": "none", **environment}
        self.tell(
            "run started", format=FORMAT, run=f"run-{self.number}", target="shop", label="kind", environment=known
        )
        self.tell("requirement listed", id="6.1", sentence="It survives — ☃.", source="us", open="")
        for number in range(scenarios):
            described = {"feature": "Ships", "file": "ships.feature", "rule": None, "name": f"Trip {number}", "line": 3}
            self.tell(
                "scenario listed",
                **described,
                test=f"ships.py::trip[{number}]",
                tags=[],
                requirements=["6.1"],
                selected=True,
            )

    def scenario(self, number: int, verdict: Verdict = Verdict.PASSED, *, judged: bool = False) -> None:
        self.tell("scenario started", scenario=number)
        self.tell("phase ended", scenario=number, phase="setup", verdict="passed", reasons=[])
        steps = [
            {"keyword": "When", "text": "it sails", "line": 4},
            {"keyword": "Then", "text": "it floats", "line": 5},
        ]
        self.tell("steps listed", scenario=number, steps=steps)
        self.tell("step started", scenario=number, step=0)
        self.tell("command", scenario=number, words=["tc", "qdisc"], code=0, seconds=0.5)
        self.tell("step ended", scenario=number, verdict="passed")
        self.tell("step started", scenario=number, step=1)
        if judged:
            self.judge(number, missed=verdict is Verdict.FAILED)
        self.tell("step ended", scenario=number, verdict=str(verdict))
        reasons = [] if verdict is Verdict.PASSED else ["it did not"]
        if verdict is not Verdict.PASSED:
            self.keep(f"scenarios/{number:03d}/call.txt", b"what went wrong\n", number)
        self.tell("phase ended", scenario=number, phase="call", verdict=str(verdict), reasons=reasons)
        self.tell("phase ended", scenario=number, phase="teardown", verdict="passed", reasons=[])
        self.tell("scenario ended", scenario=number, verdict=str(verdict))
        self.verdicts.append(verdict)

    def judge(self, number: int, *, missed: bool) -> None:
        sent = requests(self.random, failed=10 if missed else 0)
        path = f"scenarios/{number:03d}/records/requests.jsonl"
        self.keep(path, record(sent), number)
        observed = sum(one["status"] is not None for one in sent) / len(sent)
        self.tell(
            "judged",
            scenario=number,
            objective="success",
            share=None,
            required=0.99,
            observed=observed,
            samples=len(sent),
            met=observed >= 0.99,
            record=path,
        )
        latencies = sorted(timedelta(seconds=one["ended"] - one["intended"]).total_seconds() for one in sent)
        self.tell(
            "judged",
            scenario=number,
            objective="latency",
            share=0.95,
            required=0.5,
            observed=latencies[94],
            samples=len(sent),
            met=True,
            record=path,
        )

    def keep(self, path: str, content: bytes, scenario: int | None = None) -> None:
        self.files[path] = content
        digest = hashlib.sha256(content).hexdigest()
        self.tell("kept", scenario=scenario, path=path, sha256=digest, size=len(content), title="something")

    def end(self) -> Files:
        self.tell("run ended", verdict=str(Verdict.worst(self.verdicts)))
        return self.written()

    def written(self) -> Files:
        return {**self.files, JOURNAL: chained(self.lines)}


def run(number: int = 0, *verdicts: Verdict, begin: datetime = NOW, **environment: str) -> Files:
    """Return the files of run *number*: scenarios with these *verdicts*, the first of them judged."""
    story = Story(seeded(number), number, begin)
    asked = verdicts or (Verdict.PASSED,)
    story.start(len(asked), **environment)
    story.keep("documents/pod.txt", b"kind: Pod\n" * (1 + number % 7))
    for place, verdict in enumerate(asked):
        story.scenario(place, verdict, judged=place == 0 and verdict in {Verdict.PASSED, Verdict.FAILED})
    return story.end()


# Forgeries -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bundle:
    """A bundle, taken apart."""

    content: bytes
    files: Files
    envelope: dict[str, Any]
    statement: dict[str, Any]

    @classmethod
    def of(cls, files: Files, key: Ed25519PrivateKey = KEY) -> Bundle:
        content = pack(files, key)
        envelope = json.loads(unwrap(content)[0])
        return cls(content, files, envelope, json.loads(base64.b64decode(envelope["payload"])))


def restated(old: Mapping[str, Any], files: Mapping[str, bytes], zipped: bytes) -> dict[str, Any]:
    """Return the statement that fits *files*; if they are not those of a run, *old* with their digests and chain."""
    try:
        chain = parse(files[JOURNAL])
        return statement(chain, Replay.of(chain.events).record, files, zipped)
    except (Broken, Inconsistent, LookupError):
        lines = files.get(JOURNAL, b"").split(b"\n")
    last = lines[-2] if len(lines) > 1 else b""
    journal = {"head": last[10:74].decode("latin-1"), "count": len(lines) - 1, "torn": len(lines[-1])}
    predicate = old["predicate"]
    return {
        **old,
        "subject": [subject(RUN, zipped), *(subject(name, files[name]) for name in sorted(files))],
        "predicate": {**predicate, "seatrial_run": {**predicate["seatrial_run"], "journal": journal}},
    }


def enveloped(bundle: Bundle, told: Mapping[str, Any], how: str) -> bytes:
    """Return an envelope around *told*, a statement: with the old signature, or one by the attacker."""
    made: dict[str, Any] = json.loads(seal(canonical(told), ATTACKER))
    if how == "old signature":
        made["signatures"] = bundle.envelope["signatures"]
    elif how == "false name":
        made["signatures"][0]["keyid"] = bundle.envelope["signatures"][0]["keyid"]
    return canonical(made)


HOW = ("blunt", "old signature", "own key", "false name")


def forged(bundle: Bundle, files: Mapping[str, bytes], random: Random) -> bytes:
    """Put *files* into *bundle*; a blunt attacker leaves it at that, others make all digests anew."""
    zipped = compress(files)
    how = random.choice(HOW)
    if how == "blunt":
        return wrap(canonical(bundle.envelope), zipped)
    return wrap(enveloped(bundle, restated(bundle.statement, files, zipped), how), zipped)


def signed(files: Mapping[str, bytes], told: Mapping[str, Any] | None = None, zipped: bytes | None = None) -> bytes:
    """Return what the holder of the trusted key could sign: the statement *told* (if none, what fits) over *files*."""
    archive = compress(files) if zipped is None else zipped
    return wrap(seal(canonical(restated({}, files, archive) if told is None else told), KEY), archive)


def rewritten(bundle: Bundle, lines: Sequence[Mapping[str, Any]], random: Random) -> bytes:
    """Put the journal *lines* into *bundle*, with numbers and a chain that fit, or (bluntly) without."""
    if random.random() < 0.2:
        raw = bundle.files[JOURNAL].splitlines(keepends=True)
        old = {json.dumps(line): raw[number] for number, line in enumerate(lines_of(bundle.files[JOURNAL]))}
        journal = b"".join(old.get(json.dumps(line), chained([line])) for line in lines)
    else:
        journal = chained([{**line, "number": number} for number, line in enumerate(lines, start=1)])
    return forged(bundle, {**bundle.files, JOURNAL: journal}, random)


@dataclass(frozen=True)
class Attack:
    """What is handed to the gate, and what the gate knows of the run that it asked for."""

    content: bytes
    expected: Expected = field(default_factory=Expected)


Attacker = Callable[[Random, "Sea"], Attack]


@dataclass(frozen=True)
class Sea:
    """The bundles an attacker has: of a run that passed, of one that failed, and of an old one that passed."""

    passed: Bundle
    failed: Bundle
    old: Bundle

    def any(self, random: Random) -> Bundle:
        return random.choice([self.passed, self.failed])


def bit_flip(random: Random, sea: Sea) -> Attack:
    content = bytearray(sea.any(random).content)
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return Attack(bytes(content))


def drop(random: Random, sea: Sea) -> Attack:
    bundle = sea.any(random)
    if random.random() < 0.2:
        doomed = random.choice(sorted(bundle.files))
        return Attack(forged(bundle, {name: bundle.files[name] for name in bundle.files if name != doomed}, random))
    lines = lines_of(bundle.files[JOURNAL])
    del lines[random.randrange(len(lines))]
    return Attack(rewritten(bundle, lines, random))


def reorder(random: Random, sea: Sea) -> Attack:
    bundle = sea.any(random)
    if random.random() < 0.1:
        statement, _ = unwrap(bundle.content)
        whole = len(wrap(statement, b"")) - 1536
        return Attack(bundle.content[whole:-1024] + bundle.content[:whole] + bytes(1024))
    lines = lines_of(bundle.files[JOURNAL])
    one, other = random.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return Attack(rewritten(bundle, lines, random))


def cut_tail(random: Random, sea: Sea) -> Attack:
    bundle = sea.any(random)
    journal = bundle.files[JOURNAL]
    match random.randrange(3):
        case 0:
            return Attack(bundle.content[: random.randrange(len(bundle.content))])
        case 1:
            cut = journal[: random.randrange(len(journal))]
            return Attack(forged(bundle, {**bundle.files, JOURNAL: cut}, random))
        case _:
            lines = lines_of(journal)
            return Attack(rewritten(bundle, lines[: random.randrange(1, len(lines))], random))


def cut_and_append(random: Random, sea: Sea) -> Attack:
    bundle = sea.any(random)
    if random.random() < 0.2:
        place = random.randrange(len(bundle.content) - 1025)
        return Attack(bundle.content[:place] + random.randbytes(len(bundle.content) - place - 1024) + bytes(1024))
    lines = lines_of(bundle.files[JOURNAL])
    place = random.randrange(1, len(lines) - 1)
    # Another run's end is put to this one's beginning, or something is left out in between and the end put back.
    other = lines_of(sea.any(random).files[JOURNAL])
    ending = random.choice([other[place + 1 :], lines[place + 1 :], other[-1:], [*lines[place:], *lines[place:]]])
    return Attack(rewritten(bundle, [*lines[:place], *ending], random))


def restamp(random: Random, sea: Sea) -> Attack:
    bundle = sea.any(random)
    later = timedelta(seconds=random.randint(1, 10**7))
    match random.randrange(4):
        case 0:  # the archive's own time of change
            content = bytearray(bundle.content)
            content[136:147] = b"%011o" % random.randrange(1, 2**31)
            total = sum(content[:148]) + 8 * 32 + sum(content[156:512])
            content[148:156] = b"%06o\0 " % total
            return Attack(bytes(content))
        case 1:  # the statement alone
            told = bundle.statement["predicate"]["seatrial_run"]
            moved = {**told, "ended": (datetime.fromisoformat(told["ended"]) + later).isoformat()}
            statement = {**bundle.statement, "predicate": {**bundle.statement["predicate"], "seatrial_run": moved}}
            return Attack(wrap(enveloped(bundle, statement, random.choice(HOW[1:])), unwrap(bundle.content)[1]))
        case _:
            lines = lines_of(bundle.files[JOURNAL])
            begin = random.choice([0, random.randrange(len(lines))])
            for line in lines[begin:]:
                line["at"] = (datetime.fromisoformat(line["at"]) + later).isoformat()
            return Attack(rewritten(bundle, lines, random))


def swap_verdict(random: Random, sea: Sea) -> Attack:
    """Make a run that failed one that passed: one claim, all of them, the measurement, or the statement's result."""
    bundle = sea.failed
    lines = lines_of(bundle.files[JOURNAL])
    claims = [line for line in lines if line["data"].get("verdict") == "failed"]
    match random.randrange(4):
        case 0:
            random.choice(claims)["data"]["verdict"] = random.choice(["passed", "not run", "error"])
        case 1:
            made_to_pass(lines)
        case 2:
            passed = {"result": "PASSED", "failedTests": []}
            statement = {**bundle.statement, "predicate": {**bundle.statement["predicate"], **passed}}
            return Attack(wrap(enveloped(bundle, statement, random.choice(HOW[1:])), unwrap(bundle.content)[1]))
        case _:
            for line in lines:
                if line["kind"] == "judged":
                    line["data"] |= {"observed": 1.0, "met": True}
            made_to_pass(lines)
    return Attack(rewritten(bundle, lines, random))


def made_to_pass(lines: Lines) -> None:
    for line in lines:
        if "verdict" in line["data"]:
            line["data"]["verdict"] = "passed"
        if line["kind"] == "judged":
            line["data"]["met"] = True


def swap_bundle(random: Random, sea: Sea) -> Attack:
    match random.randrange(3):
        case 0:  # another run's evidence under this one's statement
            return Attack(wrap(unwrap(sea.passed.content)[0], unwrap(sea.failed.content)[1]))
        case 1:  # this run's evidence under the statement of one that passed
            one, other = random.sample([sea.passed, sea.failed, sea.old], 2)
            zipped = compress(other.files)
            statement = restated(one.statement, other.files, zipped)
            return Attack(wrap(enveloped(one, statement, random.choice(HOW[1:])), zipped))
        case _:  # a genuine bundle, of another run than the gate asked for
            asked = sea.failed.statement["predicate"]["seatrial_run"]
            return Attack(sea.passed.content, Expected(run=asked["id"]))


def replay_old(random: Random, sea: Sea) -> Attack:
    """Hand in a genuine bundle of an old run that passed; the gate knows what it asked for."""
    demands = [
        Expected(not_older_than=timedelta(hours=random.uniform(0.1, 23))),
        Expected(challenge=f"{random.getrandbits(64):x}"),
        Expected(commit=f"{random.getrandbits(160):040x}"),
        Expected(run=f"run-{random.randrange(100, 10**6)}"),
        Expected(target="staging"),
        Expected(label="eks"),
    ]
    return Attack(sea.old.content, random.choice(demands))


def downgrade(random: Random, sea: Sea) -> Attack:
    """Claim an older or weaker format, for which there might be a more lenient reader."""
    bundle = sea.any(random)
    statement = json.loads(json.dumps(bundle.statement))
    envelope = json.loads(enveloped(bundle, statement, random.choice(HOW[1:])))
    match random.randrange(6):
        case 0:
            envelope["payloadType"] = random.choice(["application/json", "text/plain", "", "application/vnd.in-toto"])
            return Attack(wrap(canonical(envelope), unwrap(bundle.content)[1]))
        case 1:
            statement["_type"] = random.choice(["https://in-toto.io/Statement/v0.1", "", "link"])
        case 2:
            statement["predicateType"] = "https://in-toto.io/attestation/test-result/v0.0"
        case 3:
            statement["predicate"]["seatrial_run"]["format"] = random.choice(["seatrial-bundle/0", "0", ""])
        case 4:
            for one in statement["subject"]:
                one["digest"] = {random.choice(["md5", "sha1"]): "0" * 32}
        case _:
            lines = lines_of(bundle.files[JOURNAL])
            lines[0]["data"]["format"] = "seatrial-run/0"
            return Attack(rewritten(bundle, lines, random))
    return Attack(wrap(enveloped(bundle, statement, random.choice(HOW[1:])), unwrap(bundle.content)[1]))


def unsign(random: Random, sea: Sea) -> Attack:
    bundle = sea.any(random)
    one = bundle.envelope["signatures"][0]
    alone: list[Any] = [{}, {"keyid": one["keyid"]}, {"sig": one["sig"]}, {**one, "keyid": ""}]
    alone += [{**one, "sig": text} for text in ("", "AAAA", "A" * 86 + "==")]
    signatures: Any = random.choice([[], None, {}, [one, one], *([each] for each in alone)])
    envelope = {**bundle.envelope, "signatures": signatures}
    if random.random() < 0.2:
        del envelope["signatures"]
    if random.random() < 0.2:
        return Attack(wrap(canonical(bundle.statement), unwrap(bundle.content)[1]))
    return Attack(wrap(canonical(envelope), unwrap(bundle.content)[1]))


def wrong_key(random: Random, sea: Sea) -> Attack:
    """Sign the very statement with another key, under its own name or the trusted one; or take another's signature."""
    bundle = sea.any(random)
    other = key_of(random.randrange(3, 10**9))
    made = json.loads(seal(canonical(bundle.statement), other))
    match random.randrange(3):
        case 0:
            made["signatures"][0]["keyid"] = bundle.envelope["signatures"][0]["keyid"]
        case 1:
            made["signatures"] = (sea.failed if bundle is sea.passed else sea.passed).envelope["signatures"]
        case _:
            pass
    return Attack(wrap(canonical(made), unwrap(bundle.content)[1]))


CLASSES: Mapping[str, Attacker] = {
    "bit flip": bit_flip,
    "drop": drop,
    "reorder": reorder,
    "cut tail": cut_tail,
    "cut and re-append": cut_and_append,
    "re-stamp": restamp,
    "verdict swap": swap_verdict,
    "bundle swap": swap_bundle,
    "replay of an old run": replay_old,
    "downgrade": downgrade,
    "unsigned": unsign,
    "wrong key": wrong_key,
}
