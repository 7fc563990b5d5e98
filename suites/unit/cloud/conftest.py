"""An emulated account for the tests that look into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suites.unit.cloud.emulated import ACCOUNT, emulated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.cloud.account import Account


@pytest.fixture
def account() -> Iterator[Account]:
    with emulated():
        yield ACCOUNT
