from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.scaling.growing import grown
from seatrial.scaling.seen import Look
from seatrial.scaling.shrinking import shrunk
from seatrial.verdict import Inconclusive
from seatrial.witness import listening
from suites.unit.scaling.world import AHEAD, GROWING, NEW, SHRINKING, World, autoscaler, pod, sample, slices

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.scaling.reaction import Reaction
    from seatrial.scaling.seen import Seen

LENGTHS = st.floats(min_value=0, max_value=90)
WORLDS = st.builds(
    World,
    growing=st.tuples(*[LENGTHS] * 8),
    shrinking=st.tuples(*[LENGTHS] * 4),
    start=st.floats(min_value=50, max_value=60),
    every=st.floats(min_value=0.5, max_value=3),
    error=st.floats(min_value=0, max_value=0.5),
)


def true_lengths(world: World) -> tuple[dict[str, float], dict[str, float]]:
    grew, shrank = (
        dict(zip(GROWING[1:], world.growing, strict=True)),
        dict(zip(SHRINKING[1:], world.shrinking, strict=True)),
    )
    return grew, shrank


def contains(reaction: Reaction, lengths: dict[str, float]) -> bool:
    took = {part.name: part.took for part in reaction.parts}
    return all(took[name].least - 1e-5 <= length <= took[name].most + 1e-5 for name, length in lengths.items())


@settings(deadline=None)
@given(WORLDS)
def test_each_part_lies_within_its_error_and_all_add_up_to_the_whole(world: World) -> None:
    seen = world.seen()
    for reaction, lengths in zip((grown(seen), shrunk(seen)), true_lengths(world), strict=True):
        assert contains(reaction, lengths)
        assert reaction.contradictions == ()
        assert reaction.whole.least - 1e-5 <= sum(lengths.values()) <= reaction.whole.most + 1e-5
        assert sum(part.took.seconds for part in reaction.parts) == pytest.approx(reaction.together.seconds, abs=1e-4)


@settings(deadline=None)
@given(WORLDS, st.sampled_from([*GROWING[3:], *SHRINKING[1:]]), st.sampled_from([-1, 1]))
def test_a_part_that_is_dated_by_a_wrong_clock_is_noticed(world: World, name: str, way: int) -> None:
    # Off by more than all parts together can have taken.
    off = World(**{**vars(world), "lag": {name: way * 1000.0}})
    told = []
    for judge in (grown, shrunk):
        try:
            told.append(judge(off.seen()).contradictions)
        except Inconclusive as error:
            told.append((error.reason,))
    assert any(told)


def test_the_example_is_told_in_plain_words() -> None:
    told: list[tuple[str, str]] = []

    class Listener:
        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *words: told.append(words) if name == "document" else None

    with listening(Listener()):
        reaction = grown(World().seen()).tell()
    assert reaction.sentence == (
        "catalog grew from 2 to 4 replicas because the cpu in use was 130 % of what the replicas request and should be "
        "60 %. Customers reached the first new replica 18.8 s ± 0.6 s after the load began; "
        "the longest part, until measured (the kubelet counts what its pods use), was 7.8 s ± 0.6 s."
    )
    (title, text), (_, record) = told
    assert title == "how autoscaler catalog went from 2 to 4 replicas"
    assert text.endswith("the parts add up to the whole")
    kept = json.loads(record)
    assert [part["until"] for part in kept["parts"]] == list(GROWING[1:])
    assert kept["from outside"]["error"] <= 0.6
    assert kept["basis"]["replica"] == NEW


def test_going_down_the_window_is_most_of_it_and_said_to_be() -> None:
    reaction = shrunk(World().seen())
    assert max(reaction.parts, key=lambda part: part.took.seconds).name == "decided"
    assert "catalog shrank from 4 to 3 replicas because the cpu in use was 12 %" in reaction.sentence
    assert "the longest part, until decided (the autoscaler holds back, in case the load returns)" in reaction.sentence
    assert reaction.sentence.endswith("It waits until fewer were enough for 60 s.")
    assert [name for name, _ in pairwise([*reaction.instants, ""])] == list(SHRINKING)


def without(part: str) -> Seen:
    """What is seen when *part* is missing."""
    seen = World().seen()
    setattr(seen, part, [] if isinstance(getattr(seen, part), list) else None)
    return seen


@pytest.mark.parametrize(
    ("judge", "missing", "said"),
    [
        (grown, "autoscaler", "adding replicas"),
        (grown, "pods", "which new replica customers reached"),
        (grown, "slices", "which new replica customers reached"),
        (grown, "samples", "which sample it decided by"),
        (grown, "routes", "from outside"),
        (grown, "ahead", "what the API's clock says"),
        (grown, "began", "when the load began"),
        (shrunk, "autoscaler", "removing a replica"),
        (shrunk, "pods", "which replica was told to end"),
        (shrunk, "slices", "when customers were no longer sent to it"),
        (shrunk, "routes", "from outside"),
        (shrunk, "ahead", "what the API's clock says"),
        (shrunk, "ended", "when the load ended"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_was_not_seen_is_inconclusive_and_never_nothing(
    judge: Callable[[Seen], Reaction], missing: str, said: str
) -> None:
    seen = without(missing)
    seen.lost.append("403 Forbidden")
    with pytest.raises(Inconclusive, match=f"it was not seen {said}: 403 Forbidden"):
        judge(seen)


def test_a_sample_that_was_there_before_anybody_looked_has_no_date() -> None:
    seen = World().seen()
    seen.samples = [look for look in seen.samples if look.begun > World().grew["published"]]
    with pytest.raises(Inconclusive, match="when that sample was published"):
        grown(seen)


def test_samples_from_which_its_average_does_not_follow_are_not_those_that_it_decided_by() -> None:
    seen = World().seen()
    seen.autoscaler[2] = autoscaler(3, 4, 67, scaled=AHEAD + World().grew["decided"])
    with pytest.raises(Inconclusive, match="which sample it decided by"):
        grown(seen)


@pytest.mark.parametrize("use", [65, 67], ids=["alike", "unlike"])
def test_samples_that_came_after_the_decision_are_not_those_that_it_decided_by(use: int) -> None:
    seen, world = World().seen(), World()
    later = sample(AHEAD + world.grew["decided"] - 1, use)
    seen.samples = [
        Look(look.begun, look.ended, later) if look.begun > world.grew["decided"] + 2 else look for look in seen.samples
    ]
    assert grown(seen).instants == grown(World().seen()).instants


def test_a_replica_that_ended_for_another_reason_is_not_the_one_that_was_removed() -> None:
    seen, world = World().seen(), World()
    seen.pods.insert(1, (*seen.pods[0], pod("other", {"created": AHEAD}, told=AHEAD + world.start)))
    assert shrunk(seen).basis["replica"] == NEW


def test_a_replica_that_was_there_before_is_not_a_new_one() -> None:
    seen = World().seen()
    seen.pods[0] = (*seen.pods[0], *(one for one in seen.pods[1] if one.uid == NEW))
    with pytest.raises(Inconclusive, match="which new replica customers reached"):
        grown(seen)


def test_a_replica_whose_address_nobody_wrote_down_has_no_date() -> None:
    seen = World().seen()
    (piece,) = slices(AHEAD, NEW)
    raw = {**piece.raw, "metadata": {"uid": "s"}}
    seen.slices[1] = (type(piece)(raw),)
    with pytest.raises(Inconclusive, match="when customers were sent to it"):
        grown(seen)
