"""Nobody can change a bundle, or put another in its place, without being noticed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.audit import dsse, verify
from seatrial.audit.refusal import NotVerified
from seatrial.verdict import Verdict
from suites.unit.audit.forging import CLASSES, NOW, TRUSTED, Attack, Bundle, Sea, run, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

PER_CLASS = 850
LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def sea() -> Sea:
    return Sea(
        Bundle.of(run(1)),
        Bundle.of(run(2, Verdict.FAILED, Verdict.PASSED)),
        Bundle.of(run(3, begin=NOW - timedelta(days=2), challenge="of another day")),
    )


def attacks(name: str, sea: Sea, count: int = PER_CLASS) -> Iterator[Attack]:
    random = seeded(name)
    return (CLASSES[name](random, sea) for _ in range(count))


def undetected(found: Iterator[Attack], sea: Sea) -> int:
    genuine = {sea.passed.content, sea.failed.content, sea.old.content}
    count = 0
    for attack in found:
        assert attack.content not in genuine or attack.expected != verify.Expected()
        try:
            verify.verify(attack.content, TRUSTED, attack.expected, LATER)
        except NotVerified:
            continue
        count += 1
    return count


def test_the_bundles_are_good_before_they_are_attacked(sea: Sea) -> None:
    for bundle in (sea.passed, sea.failed, sea.old):
        verify.verify(bundle.content, TRUSTED, now=LATER)


def test_there_are_enough_attacks() -> None:
    assert len(CLASSES) == 12
    assert len(CLASSES) * PER_CLASS >= 10_000


@pytest.mark.parametrize("name", CLASSES)
def test_each_attack_is_detected(name: str, sea: Sea) -> None:
    assert undetected(attacks(name, sea), sea) == 0


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        (
            ("dsse.check_signature",),
            (
                "drop",
                "reorder",
                "cut tail",
                "cut and re-append",
                "re-stamp",
                "verdict swap",
                "bundle swap",
                "unsigned",
                "wrong key",
            ),
        ),
        (("container.check_wrapping",), ("bit flip", "re-stamp")),
        (("verify.check_expected",), ("replay of an old run", "bundle swap")),
        (("dsse.check_signature", "verify.check_format", "verify.check_statement"), ("downgrade",)),
    ],
)
def test_without_the_check_they_would_not_be(
    broken: tuple[str, ...], names: tuple[str, ...], sea: Sea, monkeypatch: pytest.MonkeyPatch
) -> None:
    for check in broken:
        monkeypatch.setattr(f"seatrial.audit.{check}", lambda *_: None)
    for name in names:
        assert undetected(attacks(name, sea, 60), sea) > 0, name


def test_an_unknown_signer_is_named(sea: Sea) -> None:
    with pytest.raises(NotVerified, match=f"unknown key '{next(iter(TRUSTED))}'"):
        dsse.unseal(dsse.canonical(sea.passed.envelope), {})
