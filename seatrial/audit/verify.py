"""Verifying a bundle: nothing it says is believed that cannot be made again from its evidence.

Needs no network, no clock but to tell how old the run is, and no other program of this project.
"""

from __future__ import annotations

import gc
import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from seatrial.audit import journal
from seatrial.audit.container import RUN, decompress, is_safe, unwrap
from seatrial.audit.dsse import canonical, read_canonical, unseal
from seatrial.audit.recheck import Sample
from seatrial.audit.refusal import NotVerified
from seatrial.audit.replay import Inconsistent, Replay
from seatrial.audit.statement import (
    FORMAT,
    JOURNAL,
    PREDICATE_TYPE,
    TYPE,
    challenge_of,
    changes_of,
    commit_of,
    statement,
    subject,
)
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from seatrial.audit.journal import Chain, Event
    from seatrial.audit.records import RunRecord

RESULTS = "results.json"
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class Expected:
    """What a gate demands of the run beside its being genuine; None: no matter.

    *commit* also demands that nothing differed from it. *not_older_than* counts from the end of the run.
    """

    run: str | None = None
    commit: str | None = None
    challenge: str | None = None
    not_older_than: timedelta | None = None
    target: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Verified:
    """What a genuine bundle proves: the *record* of the run, made anew, and who signed it (a key's id).

    *judgements* were computed again from raw records. *unchecked* says, a line each, what nobody can check from the
    bundle alone, and *word_of_step* lists the steps for which there is nothing but their own word.
    """

    record: RunRecord
    signer: str
    events: int
    files: int
    judgements: int
    unchecked: tuple[str, ...]
    word_of_step: tuple[str, ...]


def verify(
    content: bytes,
    trusted: Mapping[str, Ed25519PublicKey],
    expected: Expected = Expected(),
    now: datetime | None = None,
) -> Verified:
    """Check the bundle *content* against the keys *trusted* (by id), and return what it proves.

    Raises NotVerified at the first thing that does not fit: the file's form, the signature, the signed statement, the
    journal's chain, a verdict, a kept file, a judgement, or what is *expected*.
    """
    with _undisturbed():
        return _verify(content, trusted, expected, now or datetime.now(UTC))


def _verify(content: bytes, trusted: Mapping[str, Ed25519PublicKey], expected: Expected, now: datetime) -> Verified:
    envelope, run = unwrap(content)
    # Nothing is read that an unknown person may have written.
    payload, signer = unseal(envelope, trusted)
    signed = read_canonical(payload, "the statement")
    check_format(signed)
    sizes = _sizes(signed, run)
    files = decompress(run, sizes)
    chain = _chain(files)
    record = _record(chain)
    check_statement(signed, statement(chain, record, files, run))
    replaced = check_kept(kept(chain.events), files)
    judgements = check_judgements(record, files)
    check_results(record, files)
    check_expected(record, expected, now)
    words = tuple(_word_of_step(record))
    return Verified(
        record=record,
        signer=signer,
        events=len(chain.events),
        files=len(files) - 1,
        judgements=judgements,
        unchecked=tuple(_unchecked(chain, record, files, replaced, len(words))),
        word_of_step=words,
    )


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Look for no garbage: a journal becomes a million objects, all in use, which would be gone through many times."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def kept(events: Iterable[Event]) -> Mapping[str, list[str]]:
    """Return the digests of what *events* tell was kept, by path: one each time that it was written, oldest first."""
    found: dict[str, list[str]] = {}
    for event in events:
        if event.kind == "kept":
            digests = found.setdefault(str(event.data["path"]), [])
            if event.data["sha256"] not in digests[-1:]:
                digests.append(str(event.data["sha256"]))
    return found


def check_format(signed: Mapping[str, Any]) -> None:
    """Raise NotVerified unless the statement has the one format that is known: no older one is ever accepted."""
    match signed:
        case {"_type": str(kind), "predicateType": str(predicate), "predicate": {"seatrial_run": {"format": str(own)}}}:
            for found, known in ((kind, TYPE), (predicate, PREDICATE_TYPE), (own, FORMAT)):
                if found != known:
                    raise NotVerified(f"the statement has the format {found!r}; only {known!r} is accepted")
        case _:
            raise NotVerified("the statement is not one about a run of Seatrial")


def _sizes(signed: Mapping[str, Any], run: bytes) -> Mapping[str, int]:
    """Return how long each file must be, once *run* is known to be what the statement is about."""
    match signed.get("subject"):
        case [first, *others] if first == subject(RUN, run):
            sizes = {}
            for other in others:
                match other:
                    case {"name": str(name), "annotations": {"size": int(size)}} if size >= 0 and is_safe(name):
                        sizes[name] = size
                    case _:
                        raise NotVerified("the statement names a file without a safe name and a size")
            return sizes
        case _:
            raise NotVerified("the statement is about another run than the one in this bundle")


def _chain(files: Mapping[str, bytes]) -> Chain:
    if JOURNAL not in files:
        raise NotVerified("there is no journal in the bundle")
    try:
        return journal.parse(files[JOURNAL])
    except journal.Broken as error:
        raise NotVerified(str(error)) from error


def _record(chain: Chain) -> RunRecord:
    try:
        record = Replay.of(chain.events).record
    except (Inconsistent, LookupError) as error:
        raise NotVerified(f"the journal tells no run that can be ({error})") from error
    if record.ended is not None and chain.torn:
        raise NotVerified("something follows the end of the run in its journal")
    return record


def check_statement(signed: Mapping[str, Any], derived: Mapping[str, Any]) -> None:
    """Raise NotVerified unless what was *signed* is what the evidence gives, *derived*."""
    if canonical(signed) == canonical(derived):
        return
    for path, said, found in _differences(signed, derived, ""):
        raise NotVerified(f"the statement says {said!r} as {path}, the evidence in the bundle gives {found!r}")
    raise NotVerified("the statement does not follow from the evidence in the bundle")


def _differences(said: object, found: object, path: str) -> Iterator[tuple[str, object, object]]:
    if isinstance(said, dict) and isinstance(found, dict):
        for key in sorted({*said, *found}):
            yield from _differences(said.get(key), found.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(said, list) and isinstance(found, list) and len(said) == len(found):
        for number, pair in enumerate(zip(said, found, strict=True)):
            yield from _differences(*pair, f"{path}[{number}]")
    elif said != found:
        yield path, said, found


def check_kept(artefacts: Mapping[str, Sequence[str]], files: Mapping[str, bytes]) -> int:
    """Raise NotVerified unless *files* holds what was kept, as it was kept last, and nothing that nobody knows.

    Return how often a kept file was written over later in the run.
    """
    unknown = [name for name in files if name not in artefacts and "/" in name]
    if unknown:
        raise NotVerified(f"no event of the run tells of the file {unknown[0]!r} in the bundle")
    for path, digests in artefacts.items():
        if path not in files:
            raise NotVerified(f"the file {path!r} was kept in the run and is not in the bundle")
        if hashlib.sha256(files[path]).hexdigest() != digests[-1]:
            raise NotVerified(f"the file {path!r} is not as it was kept in the run")
    return sum(len(digests) - 1 for digests in artefacts.values())


def check_judgements(record: RunRecord, files: Mapping[str, bytes]) -> int:
    """Judge all raw records again; return how many judgements held. Raises NotVerified for one that does not."""
    samples: dict[str, Sample] = {}
    count = 0
    for scenario in record.scenarios:
        own = {artefact.path for artefact in scenario.artefacts}
        for step in scenario.steps:
            for judgement in step.judgements:
                path = judgement.record
                if path not in own or path not in files:
                    raise NotVerified(f"{scenario.name!r} was judged by {path!r}, which it did not keep")
                if path not in samples:
                    samples[path] = Sample.read(files[path])
                samples[path].check(judgement)
                count += 1
    return count


def check_results(record: RunRecord, files: Mapping[str, bytes]) -> None:
    """Raise NotVerified if results.json is in the bundle and says something else than the journal."""
    if RESULTS not in files:
        return
    try:
        said = json.loads(files[RESULTS])
        claims = (
            said["id"],
            said["verdict"],
            said["opens_gate"],
            [(one["test"], one["verdict"], [step["verdict"] for step in one["steps"]]) for one in said["scenarios"]],
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotVerified(f"{RESULTS} holds no results") from error
    derived = (
        record.id,
        str(record.verdict),
        record.opens_gate,
        [(one.test, str(one.verdict), [str(step.verdict) for step in one.steps]) for one in record.scenarios],
    )
    if claims != derived:
        raise NotVerified(f"{RESULTS} says something else than the journal")


def check_expected(record: RunRecord, expected: Expected, now: datetime) -> None:
    """Raise NotVerified unless *record* is of the run that was *expected*."""
    demands = (
        ("run", expected.run, record.id),
        ("commit", expected.commit, commit_of(record)),
        ("changes", None if expected.commit is None else "none", changes_of(record)),
        ("challenge", expected.challenge, challenge_of(record)),
        ("target", expected.target, record.target),
        ("label", expected.label, str(record.label)),
    )
    for name, wanted, found in demands:
        if wanted is not None and wanted != found:
            raise NotVerified(f"it is genuine, but of a run with the {name} {found!r}; {wanted!r} is demanded")
    if expected.not_older_than is None:
        return
    if record.ended is None:
        raise NotVerified("it is genuine, but of a run without an end, so its age is not known")
    age = now - record.ended
    if age > expected.not_older_than or record.started > now + _CLOCKS_DIFFER or age < -_CLOCKS_DIFFER:
        raise NotVerified(
            f"it is genuine, but of a run that ended on {record.ended:%Y-%m-%d %H:%M} UTC; at most"
            f" {expected.not_older_than / timedelta(hours=1):g} hours ago are demanded"
        )


def _word_of_step(record: RunRecord) -> Iterator[str]:
    for scenario in record.selected:
        if scenario.answer is None:
            for step in scenario.steps:
                if step.verdict is Verdict.PASSED and not step.judgements:
                    yield f"{scenario.file}:{step.line}: {step.keyword} {step.text}"


def _word_of_person(record: RunRecord) -> Iterator[str]:
    for one in record.selected:
        if one.answer is not None:
            yield f"{one.name!r} was answered by {one.answer.person} on {one.answer.date}: a person's word."
        if one.waiver is not None:
            yield f"{one.name!r} is {one.verdict}; {one.waiver.owner} lives with it until {one.waiver.expiry}."


def _unchecked(chain: Chain, record: RunRecord, files: Mapping[str, bytes], replaced: int, words: int) -> Iterator[str]:
    if words:
        yield f"{words} steps that passed left no raw measurement: for them there is the step's own word."
    yield from _word_of_person(record)
    if record.comparison is not None:
        yield f"How the run compares with the baseline of run {record.comparison.run}: the verdict is without it."
    if replaced:
        yield f"{replaced} kept files were written over later in the run: only the last of each is here."
    made = sorted(name for name in files if "/" not in name and name not in {JOURNAL, RESULTS})
    if made:
        yield f"{', '.join(made)}: made from the journal; make them anew with `seatrial report` if they matter."
    if chain.torn:
        yield f"{chain.torn} bytes at the journal's end are an unfinished line; the run was broken off there."
    if backwards := sum(later.at < earlier.at for earlier, later in pairwise(chain.events)):
        yield f"The machine's clock went back {backwards} times during the run."
    if changes_of(record) != "none":
        yield f"The project was not as its commit has it ({changes_of(record)}): what was run is not known exactly."
    yield "The times are the machine's own; that each step does what its sentence says is the project's own."
    yield "That the machine told the truth: whoever holds the key could have signed a run that never was."


def describe(found: Verified, *, everything: bool = False) -> Sequence[str]:
    """Return what was *found*, for a person to read; with *everything*, each step that rests on its own word too."""
    record = found.record
    counts = ", ".join(f"{count} {verdict}" for verdict, count in record.counts().items() if count)
    ended = f"{record.ended:%Y-%m-%d %H:%M:%S} UTC" if record.ended else "no end"
    lines = [
        f"Verified: run {record.id}",
        f"  signed by   {found.signer}",
        f"  target      {record.target} ({record.label})",
        f"  commit      {commit_of(record)}",
        f"  time        {record.started:%Y-%m-%d %H:%M:%S} UTC to {ended}",
        *([f"  challenge   {challenge_of(record)}"] if challenge_of(record) is not None else []),
        "",
        "Checked:",
        f"  {found.events} events in one unbroken chain; each verdict follows from them",
        f"  {found.files} files beside the journal, by their digests; nothing else is in the bundle",
        f"  {found.judgements} measurements, judged again from their raw records",
        "",
        "Not checked, because no bundle can show it:",
        *(f"  {line}" for line in found.unchecked),
        *(f"    {line}" for line in found.word_of_step if everything),
        "",
        f"Scenarios: {len(record.selected)} of {len(record.scenarios)} selected: {counts or 'none'}",
        f"Verdict: {record.verdict}; the gate is {'open' if record.opens_gate else 'closed'}.",
    ]
    # What a run is made of may hold anything, a terminal's control characters among it.
    return ["".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line) for line in lines]
