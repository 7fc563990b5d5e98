"""What the customers of a load do, against the shop itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3  # type: ignore[import-untyped]
import httpx
import pytest

from seatrial.load.campaign import Campaign
from seatrial.load.judging import LoadRecord
from seatrial.load.profile import ACTS, Limits, Profile
from seatrial.load.schedule import Stage
from seatrial.load.shop import Shop
from seatrial.progress import open_progress
from seatrial.verdict import Verdict

if TYPE_CHECKING:
    from suites.running import Lent
    from suites.services.backing import ObjectStore


@pytest.fixture
def profile() -> Profile:
    return Profile(
        name="all acts",
        about="",
        stages=(Stage("only", timedelta(seconds=6), 10),),
        limits=Limits(success=0.9, share=0.5, latency=timedelta(seconds=9)),
        mix=dict.fromkeys(ACTS, 1.0),
        stage_limits={},
        at_random=False,
        seed=3,
        knee_at_least=None,
        in_flight=100,
        patience=timedelta(seconds=10),
    )


def kept(store: ObjectStore) -> set[str]:
    """The keys of all files in the store."""
    client = boto3.client(
        "s3",
        endpoint_url=store.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 (the store's that is made for tests)
    )
    return {one["Key"] for one in client.list_objects_v2(Bucket="uploads").get("Contents", [])}


def test_customers_do_all_that_customers_do_and_leave_no_files(
    gateway: Lent, object_store_process: ObjectStore, profile: Profile, tmp_path: Path
) -> None:
    session = dict(gateway.enter())
    left = httpx.post(
        f"{gateway.address}/api/uploads?name=a.txt",
        content=b"a",
        cookies=session,
        headers={"Content-Type": "text/plain"},
    )
    assert left.status_code == HTTPStatus.CREATED
    before = kept(object_store_process)
    assert before
    judgement = Campaign(profile, Shop((gateway.address,)), tmp_path).run(open_progress())
    record = LoadRecord.read(tmp_path / "requests.jsonl").record
    done = Counter(one.act for one in record.requests if one.succeeded)
    assert set(done) == set(ACTS), record
    assert judgement.verdict is Verdict.PASSED, judgement
    # The order that was placed before, for the first poll, is not on record.
    assert kept(object_store_process) == before
    orders = httpx.get(f"{gateway.address}/orders", params={"limit": 100}).json()["items"]
    assert len([one for one in orders if one["customer"].startswith("load-")]) == done["order"] + 1


def test_a_shop_that_takes_no_order_is_not_ready_to_be_loaded(gateway: Lent, profile: Profile, tmp_path: Path) -> None:
    gateway.reset()
    nothing = str(uuid4())
    told = Campaign(profile, Shop((gateway.address,)), tmp_path, products=(nothing,)).run(open_progress())
    assert told.verdict is Verdict.INCONCLUSIVE
    assert "is not ready to be loaded: status 4" in told.reason


def test_locusts_own_command_lets_the_same_customers_come(gateway: Lent, tmp_path: Path) -> None:
    profile = tmp_path / "short.toml"
    profile.write_text(
        'arrivals = "even"\nin_flight = 20\nlimits = { success = 0.9, share = 0.9, latency = 1 }\n'
        '[[stage]]\nname = "only"\nseconds = 3\nrate = 10\n'
    )
    file = Path(__file__).parents[2] / "load" / "locustfile.py"
    options = ["--headless", "--host", gateway.address, "--load-profile", str(profile), "--json"]
    ended = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(file), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert sum(one["num_requests"] for one in seen) == 30
    assert sum(one["num_failures"] for one in seen) == 0
    assert {one["name"] for one in seen} <= set(ACTS)
