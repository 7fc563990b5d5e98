"""The emulator misbehaves as told, for as long as told, and not otherwise."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.awsrequest import AWSResponse  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from werkzeug.test import Client
from werkzeug.wrappers import Response

from seatrial.cloud.faults import ROUTE, Fault, FaultSwitch, Kind

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Pauses:
    taken: list[float]

    def __call__(self, changed: threading.Event, seconds: float) -> None:
        assert not changed.is_set()
        self.taken.append(seconds)


def _behind(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return Response("well")(environ, start_response)


def _signed(service: str) -> Mapping[str, str]:
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential=a/20261126/eu-central-1/{service}/aws4_request, Signed"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses([])


@pytest.fixture
def emulator(clock: Clock, pauses: Pauses) -> Client:
    return Client(FaultSwitch(_behind, clock=clock, pause=pauses))


def _codes(emulator: Client, service: str, times: int) -> list[int]:
    return [emulator.post("/", headers=_signed(service)).status_code for _ in range(times)]


def test_nothing_happens_unless_it_is_turned_on(emulator: Client) -> None:
    assert _codes(emulator, "ec2", 3) == [200] * 3
    assert emulator.get(ROUTE).get_json() == {"met": 0}


def test_a_fault_lasts_for_so_many_requests_of_its_service(emulator: Client) -> None:
    emulator.put(ROUTE, json={"kind": "error", "service": "ec2", "requests": 2})
    assert _codes(emulator, "eks", 2) == [200, 200]
    assert _codes(emulator, "ec2", 3) == [500, 500, 200]
    assert emulator.get(ROUTE).get_json() == {"met": 2}


def test_a_fault_lasts_for_its_time(emulator: Client, clock: Clock) -> None:
    emulator.put(ROUTE, json={"kind": "error", "seconds": 5})
    clock.now = 4.9
    assert _codes(emulator, "eks", 1) == [500]
    clock.now = 5.0
    assert _codes(emulator, "eks", 1) == [200]


def test_a_fault_lasts_until_it_is_deleted(emulator: Client) -> None:
    emulator.put(ROUTE, json={"kind": "error"})
    assert emulator.get(ROUTE).get_json()["kind"] == "error"
    assert _codes(emulator, "eks", 1) == [500]
    emulator.delete(ROUTE)
    assert _codes(emulator, "eks", 1) == [200]


def test_a_delay_answers_in_the_end(emulator: Client, pauses: Pauses) -> None:
    emulator.put(ROUTE, json={"kind": "delay", "delay": 2.5, "requests": 1})
    assert _codes(emulator, "eks", 2) == [200, 200]
    assert pauses.taken == [2.5]


def test_deleting_a_fault_releases_whom_it_holds() -> None:
    held: list[threading.Event] = []

    def hold(changed: threading.Event, seconds: float) -> None:
        del seconds
        held.append(changed)
        Client(switch).delete(ROUTE)  # what another client does meanwhile

    switch = FaultSwitch(_behind, pause=hold)
    Client(switch).put(ROUTE, json={"kind": "delay", "delay": 600})
    assert Client(switch).post("/", headers=_signed("eks")).status_code == 200
    assert [each.is_set() for each in held] == [True]


@pytest.mark.parametrize(
    ("wished", "said"),
    [
        ("no JSON", "is not JSON"),
        ("[]", "not a JSON object"),
        ('{"kind": "fire"}', "kind is one of error, throttling, delay"),
        ('{"kind": "error", "request": 2}', "has no request"),
        ('{"kind": "error", "requests": 0}', "requests is a number from 1"),
        ('{"kind": "error", "requests": true}', "requests is a number"),
        ('{"kind": "error", "seconds": "5"}', "seconds is a number"),
        ('{"kind": "error", "service": 5}', "service is a name"),
        ('{"kind": "error", "delay": 5}', "A delay, and nothing else"),
        ('{"kind": "delay"}', "A delay, and nothing else"),
        ('{"kind": "delay", "delay": 601}', "at most 600 seconds"),
    ],
)
def test_what_is_no_fault_is_refused_and_changes_nothing(emulator: Client, wished: str, said: str) -> None:
    refused = emulator.put(ROUTE, data=wished)
    assert refused.status_code == 400
    assert said in refused.get_data(as_text=True)
    assert _codes(emulator, "ec2", 1) == [200]
    with pytest.raises(ValueError, match=said):
        Fault.read(wished.encode())


def test_faults_are_put_got_or_deleted_and_nothing_else(emulator: Client) -> None:
    assert emulator.post(ROUTE, json={"kind": "error"}).status_code == 405


# One operation of each protocol, and the code by which an SDK knows that it is throttled.
_PROTOCOLS = [
    ("ec2", "describe_vpcs", {}, "RequestLimitExceeded"),
    ("iam", "list_roles", {}, "Throttling"),
    ("kms", "list_keys", {}, "ThrottlingException"),
    ("eks", "list_clusters", {}, "ThrottlingException"),
    ("s3", "list_objects_v2", {"Bucket": "uploads"}, "SlowDown"),
]


@pytest.mark.parametrize(("service", "operation", "parameters", "code"), _PROTOCOLS)
@pytest.mark.parametrize("kind", [Kind.THROTTLING, Kind.ERROR])
def test_an_sdk_understands_the_answer_and_tries_again(
    emulator: Client,
    service: str,
    operation: str,
    parameters: Mapping[str, str],
    code: str,
    kind: Kind,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", _not)
    emulator.put(ROUTE, json={"kind": kind})
    with pytest.raises(ClientError) as refused:
        getattr(_through(emulator, service), operation)(**parameters)
    answer = refused.value.response
    assert answer["Error"]["Code"] == code or kind is Kind.ERROR
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 500 or kind is Kind.THROTTLING
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert json.loads(emulator.get(ROUTE).data)["met"] == 2


def _through(emulator: Client, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """Return a client whose requests go to *emulator* in this process, and that tries twice."""
    retries = {"total_max_attempts": 2, "mode": "standard"}
    client = boto3.client(
        service,
        region_name="eu-central-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="a",
        aws_secret_access_key="b",  # noqa: S106 - the emulator asks for any
        config=Config(retries=retries, s3={"addressing_style": "path"}),
    )

    class Body:
        def __init__(self, data: bytes) -> None:
            self._data = data

        def stream(self, **_: object) -> Iterable[bytes]:
            return [self._data]

        def read(self, **_: object) -> bytes:
            return self._data

    def send(request: Any, **_: object) -> AWSResponse:  # noqa: ANN401
        headers = {key: value if isinstance(value, str) else value.decode() for key, value in request.headers.items()}
        answer = emulator.open(request.url, method=request.method, headers=headers, data=request.body)
        return AWSResponse(request.url, answer.status_code, dict(answer.headers), Body(answer.data))

    client.meta.events.register("before-send", send)
    return client


def _not(seconds: float) -> None:
    """Wait no time between two attempts."""
    assert seconds >= 0
