from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.load.openloop.plan import LoadPlan
from seatrial.load.profile import ACTS, Profile, shipped

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
limits = { success = 0.9, share = 0.9, latency = 1 }
[[stage]]
name = "one"
seconds = 2
rate = 5
"""


@pytest.mark.parametrize("name", shipped())
def test_each_shipped_profile_can_be_judged(name: str) -> None:
    profile = Profile.named(name)
    due = dict(zip((stage.name for stage in profile.stages), profile.due(), strict=True))
    # Success of 99.5 % takes 200 requests, a p99 takes 100; a stage that has limits of its own needs them too.
    assert sum(due.values()) * (1 - profile.limits.success) >= 1
    for stage, limits in profile.stage_limits.items():
        assert due[stage] * (1 - max(limits.success, limits.share)) >= 1, stage
    assert profile.about


def test_the_profiles_are_those_that_are_promised() -> None:
    assert shipped() == ("endurance", "normal", "spike", "stress")


def test_a_file_is_read_as_it_says(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('arrivals = "even"\nseed = 4\nmix = { browse = 3, order = 0.5 }\n' + GOOD)
    profile = Profile.named(str(file))
    assert (profile.name, profile.at_random, profile.seed) == ("mine", False, 4)
    assert profile.mix == {"browse": 3, "order": 0.5}
    assert profile.due() == (10,)
    assert profile.lasting(timedelta(seconds=20)).due() == (100,)
    assert profile.times(3).due() == (30,)
    assert Profile.named("normal").mix == ACTS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("a = [", "is no TOML", id="no TOML"),
        pytest.param("", r"it has no \[\[stage\]\]", id="empty"),
        pytest.param("stage = 3", r"it has no \[\[stage\]\]", id="no stage"),
        pytest.param(GOOD.replace("rate = 5", ""), "stage 1 does not say rate", id="no rate"),
        pytest.param(GOOD.replace("5", "0"), "stage 1: rate is 0, and has to be above 0 and at most", id="rate 0"),
        pytest.param(GOOD.replace("5", "-5"), "stage 1: rate is -5", id="negative rate"),
        pytest.param(GOOD.replace("5", "inf"), "stage 1: rate is inf, not a number", id="endless rate"),
        pytest.param(GOOD.replace("5", "nan"), "stage 1: rate is nan, not a number", id="rate is no number"),
        pytest.param(GOOD.replace("5", '"5"'), "stage 1: rate is '5', not a number", id="rate is text"),
        pytest.param(GOOD.replace("5", "true"), "stage 1: rate is True, not a number", id="rate is a flag"),
        pytest.param(GOOD.replace("rate", "rates"), "stage 1 cannot have rates: write", id="unknown word"),
        pytest.param(GOOD.replace("seconds = 2", "seconds = 0"), "stage 1: seconds is 0", id="no time"),
        pytest.param(GOOD + GOOD[GOOD.index("[[") :], "two stages have the same name", id="same name"),
        pytest.param("speed = 1\n" + GOOD, "the profile cannot have speed: write about", id="unknown key"),
        pytest.param('arrivals = "odd"\n' + GOOD, "arrivals is 'odd'", id="unknown arrivals"),
        pytest.param(GOOD.replace("limits", "[limit]\nx"), "the profile cannot have limit", id="no limits"),
        pytest.param(GOOD.replace("success = 0.9,", ""), "limits does not say success", id="limits without success"),
        pytest.param(GOOD.replace("success = 0.9", "success = 99.5"), "success is 99.5, and has to be", id="percent"),
        pytest.param("mix = { steal = 1 }\n" + GOOD, "mix cannot have steal: write browse", id="unknown act"),
        pytest.param("mix = { }\n" + GOOD, "mix has to say", id="nothing to do"),
        pytest.param("in_flight = 0\n" + GOOD, "in_flight is 0", id="nothing in flight"),
        pytest.param("arrivals = [1]\n" + GOOD, r"arrivals is \[1\]", id="arrivals is a list"),
        pytest.param(GOOD.replace("= 2", "= 1" + 400 * "0"), "not a number", id="seconds beyond all numbers"),
        pytest.param(GOOD.replace("= 2", "= 3000000"), "seconds is 3e\\+06, and has to be", id="too long"),
        pytest.param("knee_at_least = 0\n" + GOOD, "knee_at_least is 0", id="no knee"),
    ],
)
def test_what_does_not_hold_is_said_in_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        Profile.named(str(file))
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_a_plan_survives_the_way_to_the_generator(tmp_path: Path) -> None:
    profile = Profile.named("spike")
    plan = LoadPlan(
        url="https://shop.example",
        file=tmp_path / "r",
        stages=profile.stages,
        mix=profile.mix,
        at_random=True,
        seed=9,
        host="a.b",
        ca=tmp_path / "ca.pem",
        paths=("/a",),
        products=("p",),
        in_flight=3,
        patience=timedelta(seconds=1.5),
    )
    assert LoadPlan.parse(plan.written()) == plan
