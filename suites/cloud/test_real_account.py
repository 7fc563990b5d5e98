"""The way to a real account, walked with an emulator at its end: the state in a bucket, a budget, and nothing left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from seatrial.cloud.account import EMULATED, Account
from seatrial.cloud.choice import RealAccount
from seatrial.cloud.emulator import REGION, Emulator
from seatrial.cloud.inventory import difference, inventory
from seatrial.cloud.platform import real_platform
from seatrial.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "state-of-seatrial"


@pytest.fixture
def account_of_its_own(tmp_path: Path) -> Iterator[tuple[Emulator, Account]]:
    with Emulator.running(tmp_path / "emulator") as emulator:
        account = Account(REGION, emulator.url, EMULATED)
        account.ask("s3", "create_bucket", Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        passwords = json.dumps(dict.fromkeys(("database", "cache", "catalog", "orders"), "no-secret-since-emulated"))
        account.ask("secretsmanager", "create_secret", Name="seatrial-first-passwords", SecretString=passwords)
        yield emulator, account


def test_it_is_built_within_its_budget_and_taken_down(
    account_of_its_own: tuple[Emulator, Account], tmp_path: Path
) -> None:
    emulator, account = account_of_its_own
    before = inventory(account)
    with real_platform(RealAccount("learner", 1000, BUCKET), tmp_path / "work", emulator=emulator) as platform:
        platform.build()
        kept = account.every("s3", "list_objects_v2", "Contents", Bucket=BUCKET)
        assert [found.text("Key") for found in kept] == ["seatrial/learner.tfstate"]
        assert platform.planned_anew().empty
        assert not (tmp_path / "work" / "state.tfstate").exists()
    assert str(difference(before, inventory(account))) == "no difference"


def test_nothing_is_built_above_the_budget(account_of_its_own: tuple[Emulator, Account], tmp_path: Path) -> None:
    emulator, account = account_of_its_own
    before = inventory(account)
    with (
        pytest.raises(UsageError, match=r"learner costs about [0-9.]+ dollars a month and your budget is 5"),
        real_platform(RealAccount("learner", 5, BUCKET), tmp_path / "work", emulator=emulator) as platform,
    ):
        platform.build()
    assert str(difference(before, inventory(account))) == "no difference"


def test_without_credentials_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with (
        pytest.raises(UsageError, match=r"No account can be worked on: .*Set credentials of AWS that work\."),
        real_platform(RealAccount("learner", 100, BUCKET), tmp_path / "work"),
    ):
        pass
    assert not (tmp_path / "work" / "tofu").exists()
