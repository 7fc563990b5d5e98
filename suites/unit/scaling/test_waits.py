from __future__ import annotations

import random
from pathlib import Path

import pytest

from seatrial.scaling.waits import STOCK, Settings, Wait, table, waits

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "explanation" / "scaling.md"


def test_a_moment_is_half_a_period_away_from_the_next_event_in_the_mean() -> None:
    assert Wait.until_next(15, 15) == Wait(worst=15, mean=7.5)


def test_of_uneven_gaps_the_long_ones_count_more() -> None:
    chance = random.Random(7)  # noqa: S311 (a model, no secret)
    gaps = [chance.uniform(10, 20) for _ in range(200_000)]
    # A gap is met as often as it is long, and then on average in its middle.
    simulated = sum(gap * gap / 2 for gap in gaps) / sum(gaps)
    assert Wait.until_next(10, 20).mean == pytest.approx(simulated, rel=0.01)
    assert Wait.until_next(10, 20).worst == 20


def test_the_parts_of_the_stock_settings_add_up() -> None:
    found = waits(STOCK)
    assert found["together"].worst == 20 + 15 + 15
    assert found["together"].mean == pytest.approx(7.777 + 7.5 + 7.5, abs=0.001)


def simulated_hold(window: int, sync: int, late: float) -> float:
    """How long it is from first wish to decision if each look comes *sync* seconds and *late* after the one before."""
    looks = [place * (sync + late) for place in range(1000)]
    last_high, wish = looks[0], looks[1]
    return next(look for look in looks if look - last_high >= window) - wish


@pytest.mark.parametrize(("window", "sync"), [(300, 15), (30, 5), (60, 5)])
@pytest.mark.parametrize("late", [0.0, 0.001, 0.01])
def test_the_window_holds_back_for_its_length_less_none_or_one_look(window: int, sync: int, late: float) -> None:
    held = simulated_hold(window, sync, late)
    worst = waits(Settings(10, 15, sync, window), down=True)["decided"].worst
    assert worst - sync <= held <= worst + late * window / sync


def test_what_is_set_here_is_read_and_no_slower_than_stock() -> None:
    here = Settings.here()
    assert here.resolution <= STOCK.resolution
    assert here.sync <= STOCK.sync
    assert 0 < here.window <= STOCK.window


@pytest.mark.parametrize("down", [False, True], ids=["growing", "shrinking"])
def test_the_guide_shows_what_the_settings_come_to(*, down: bool) -> None:
    assert table(Settings.here(), down=down) in GUIDE.read_text(encoding="utf-8")
