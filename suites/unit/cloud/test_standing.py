"""An account that stands by itself gives rights by token alone, refuses what nobody granted, and comes back."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import httpx
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from seatrial.cloud import standing_server
from seatrial.cloud.account import Account, Credentials, NotFound, Refused
from seatrial.cloud.emulator import REGION
from seatrial.cloud.standing import Issuer, StandingAccount
from seatrial.errors import UsageError
from seatrial.waiting import eventually
from suites.unit.cloud.emulated import NUMBER
from suites.unit.cloud.signer import ISSUER, Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SOON = timedelta(seconds=60)
_SHIPPED = Path("infra/kubernetes/bases/aws/account.json")
_BUCKET = "uploads"


def _policy(*granted: tuple[str, str]) -> dict[str, object]:
    statements = [{"Effect": "Allow", "Action": [action], "Resource": [thing]} for action, thing in granted]
    return {"Version": "2012-10-17", "Statement": statements}


_ACCOUNT = {
    "region": REGION,
    "buckets": {_BUCKET: {"Rules": []}, "ledgers": {"Rules": []}},
    "log_groups": {"/shop": 7, "/bank": 7},
    "roles": {
        "gateway": {
            "trusts": "shop/gateway",
            "policy": _policy(("s3:ListBucket", f"arn:aws:s3:::{_BUCKET}"), ("s3:*", f"arn:aws:s3:::{_BUCKET}/*")),
        },
        "shipper": {
            "trusts": "shop/shipper",
            "policy": _policy(("logs:*", f"arn:aws:logs:{REGION}:{NUMBER}:log-group:/shop*")),
        },
    },
}


@dataclass
class Standing:
    """A server of that account, which can be started anew; *signer* is the cluster whose tokens it believes."""

    folder: Path
    signer: Signer = field(default_factory=Signer)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, key: str = "first") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", self.port))
            self.port = probe.getsockname()[1]
        files = {
            "account": json.dumps(_ACCOUNT),
            "issuer": json.dumps({"issuer": ISSUER, "keys": [self.signer.public]}),
            "key": key,
        }
        command = [sys.executable, "-m", "seatrial.cloud.standing_server", "--port", str(self.port)]
        for name, text in files.items():
            (self.folder / name).write_text(text)
            command += [f"--{name}", str(self.folder / name)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(self._answers, until=bool, within=_SOON, what="the account stands")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return httpx.get(f"{self.url}{standing_server.HEALTH}").is_success
        except httpx.HTTPError:
            return False

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def given(self, role: str, subject: str | None = None) -> Credentials:
        """Return the credentials that *role* is given for with the token of *subject*, its own account if None."""
        answer = Account(REGION, self.url).ask(
            "sts",
            "assume_role_with_web_identity",
            RoleArn=f"arn:aws:iam::{NUMBER}:role/{role}",
            RoleSessionName="any",
            WebIdentityToken=self.signer.token(f"system:serviceaccount:shop:{subject or role}"),
        )
        made = answer.part("Credentials")
        return Credentials(made.text("AccessKeyId"), made.text("SecretAccessKey"), made.text("SessionToken"))

    def as_(self, credentials: Credentials) -> Account:
        return Account(REGION, self.url, credentials)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    made = Standing(tmp_path_factory.mktemp("standing"))
    made.start()
    yield made
    made.end()


@pytest.fixture
def fickle(tmp_path: Path) -> Iterator[Standing]:
    """One of the test's own, which it may end."""
    made = Standing(tmp_path)
    made.start()
    yield made
    made.end()


def _store(standing: Standing, credentials: Credentials) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    return boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=standing.url,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.session_token,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )


def test_a_token_gives_the_rights_of_its_role_and_no_others(standing: Standing) -> None:
    gateway = _store(standing, standing.given("gateway"))
    gateway.put_object(Bucket=_BUCKET, Key="files/a b+é", Body=b"kept")
    assert gateway.get_object(Bucket=_BUCKET, Key="files/a b+é")["Body"].read() == b"kept"
    assert [each["Key"] for each in gateway.list_objects_v2(Bucket=_BUCKET)["Contents"]] == ["files/a b+é"]
    gateway.head_bucket(Bucket=_BUCKET)
    begun = gateway.create_multipart_upload(Bucket=_BUCKET, Key="large")
    gateway.abort_multipart_upload(Bucket=_BUCKET, Key="large", UploadId=begun["UploadId"])
    for forbidden in (
        lambda: gateway.put_object(Bucket="ledgers", Key="any", Body=b"any"),
        lambda: gateway.get_object(Bucket="ledgers", Key="any"),
        lambda: gateway.create_bucket(Bucket="more", CreateBucketConfiguration={"LocationConstraint": REGION}),
        lambda: gateway.get_bucket_policy(Bucket=_BUCKET),
        gateway.list_buckets,
        lambda: gateway.copy_object(Bucket=_BUCKET, Key="copy", CopySource={"Bucket": "ledgers", "Key": "any"}),
        lambda: _store(standing, standing.given("shipper")).get_object(Bucket=_BUCKET, Key="files/a b+é"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            forbidden()
    gateway.copy_object(Bucket=_BUCKET, Key="copy", CopySource={"Bucket": _BUCKET, "Key": "files/a b+é"})
    for key in ("files/a b+é", "copy"):
        gateway.delete_object(Bucket=_BUCKET, Key=key)


def test_rights_to_logs_are_those_to_a_group(standing: Standing) -> None:
    shipper = standing.as_(standing.given("shipper"))
    for group in ("/shop", "/bank"):
        asked = {"logGroupName": group, "logStreamName": "any"}
        if group == "/bank":
            with pytest.raises(Refused, match="AccessDeniedException"):
                shipper.ask("logs", "create_log_stream", **asked)
        else:
            shipper.ask("logs", "create_log_stream", **asked)
            event = {"timestamp": 1_700_000_000_000, "message": "said"}
            shipper.ask("logs", "put_log_events", **asked, logEvents=[event])


def test_a_group_says_for_how_many_days_it_keeps_what_it_has(standing: Standing) -> None:
    asked = {"logGroupNamePrefix": "/shop"}
    shipper = standing.as_(standing.given("shipper"))
    assert [
        each.at("retentionInDays") for each in shipper.ask("logs", "describe_log_groups", **asked).parts("logGroups")
    ] == [7]
    with pytest.raises(Refused, match="AccessDeniedException"):
        shipper.ask("logs", "describe_log_groups", logGroupNamePrefix="/bank")


def test_who_calls_is_known(standing: Standing) -> None:
    told = standing.as_(standing.given("gateway")).ask("sts", "get_caller_identity")
    assert told.text("Arn") == f"arn:aws:sts::{NUMBER}:assumed-role/gateway/any"
    with pytest.raises(Refused, match=r"AccessDenied.*iam:ListRoles"):
        standing.as_(standing.given("gateway")).ask("iam", "list_roles")


def test_an_address_that_was_signed_is_good_as_it_was_signed(standing: Standing) -> None:
    gateway = _store(standing, standing.given("gateway"))
    gateway.put_object(Bucket=_BUCKET, Key="k/é x+y", Body=b"lent")
    asked = {"Bucket": _BUCKET, "Key": "k/é x+y", "ResponseContentType": "image/png"}
    link = gateway.generate_presigned_url("get_object", Params=asked, ExpiresIn=300)
    lent = httpx.get(link)
    assert (lent.content, lent.headers["content-type"]) == (b"lent", "image/png")
    for spoiled in (link.replace("image%2Fpng", "text%2Fhtml"), link.replace("X-Amz-Expires=300", "X-Amz-Expires=900")):
        assert "SignatureDoesNotMatch" in httpx.get(spoiled).text
    over = gateway.generate_presigned_url("get_object", Params=asked, ExpiresIn=-1)
    assert "Request has expired" in httpx.get(over).text


def _unsigned(standing: Standing) -> None:
    answer = httpx.get(f"{standing.url}/{_BUCKET}")
    assert answer.is_error
    raise Refused("a request that nobody signed", answer.text, "")


def _with(change: Callable[[Credentials], Credentials]) -> Callable[[Standing], None]:
    def asked(standing: Standing) -> None:
        standing.as_(change(standing.given("gateway"))).ask("s3", "list_objects_v2", Bucket=_BUCKET)

    return asked


_REFUSED: dict[str, tuple[str, Callable[[Standing], object]]] = {
    "nobody signed": ("AccessDenied", _unsigned),
    "a key that nobody was given": ("InvalidAccessKeyId", _with(lambda _: Credentials("emulated", "emulated"))),
    "another secret": (
        "SignatureDoesNotMatch",
        _with(lambda given: Credentials(given.access_key, "other", given.session_token)),
    ),
    "no session token": ("InvalidAccessKeyId", _with(lambda given: Credentials(given.access_key, given.secret_key))),
    "a token of somebody's own making": (
        "InvalidToken",
        _with(lambda given: Credentials(given.access_key, given.secret_key, "made up")),
    ),
    "the token of another account": ("AccessDenied", lambda standing: standing.given("gateway", "storefront")),
    "a role that does not exist": ("AccessDenied", lambda standing: standing.given("ghost")),
    "a cluster that nobody vouches for": (
        "InvalidIdentityToken",
        lambda standing: Standing(standing.folder, Signer(), standing.port).given("gateway"),
    ),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_what_nobody_granted_is_refused(standing: Standing, case: str) -> None:
    code, attempt = _REFUSED[case]
    with pytest.raises(Refused, match=code):
        attempt(standing)


def test_after_a_start_the_account_is_there_and_what_it_held_is_not(fickle: Standing) -> None:
    given = fickle.given("gateway")
    _store(fickle, given).put_object(Bucket=_BUCKET, Key="any", Body=b"any")
    fickle.end()
    fickle.start()
    assert "Contents" not in _store(fickle, given).list_objects_v2(Bucket=_BUCKET)
    assert fickle.as_(given).number == NUMBER
    fickle.end()
    fickle.start(key="second")
    with pytest.raises(ClientError, match="InvalidToken"):
        _store(fickle, given).list_objects_v2(Bucket=_BUCKET)
    _store(fickle, fickle.given("gateway")).list_objects_v2(Bucket=_BUCKET)


@pytest.mark.parametrize("path", ["/moto-api", "/moto-api/reset", "/seatrial/issuers", "/seatrial/faults"])
def test_what_rules_an_emulator_is_not_offered(standing: Standing, path: str) -> None:
    assert httpx.post(f"{standing.url}{path}").status_code == 404


def test_the_account_that_is_shipped_can_be_built_from_its_file() -> None:
    shipped = StandingAccount.read(_SHIPPED)
    assert {role.name: str(role.trusts) for role in shipped.roles}["gateway"] == "shop/gateway"
    assert "seatrial-uploads" in shipped.buckets


@pytest.mark.parametrize(
    ("read", "text", "why"),
    [
        pytest.param(StandingAccount.read, "{", "cannot be read as JSON", id="not-json"),
        pytest.param(StandingAccount.read, "[]", "no JSON object", id="not-an-object"),
        pytest.param(StandingAccount.read, '{"region": "any"}', "describes no account", id="half-an-account"),
        pytest.param(Issuer.read, "{}", "no issuer or no keys", id="no-issuer"),
        pytest.param(Issuer.read, '{"issuer": "http://a", "keys": [{}]}', "is https://", id="issuer-without-tls"),
        pytest.param(Issuer.read, '{"issuer": "https://a", "keys": []}', "0 keys", id="no-keys"),
    ],
)
def test_a_file_that_says_something_else_is_named(
    tmp_path: Path, read: Callable[[Path], object], text: str, why: str
) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=why):
        read(file)


def test_a_server_without_its_files_ends_with_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(SystemExit) as ended:
        standing_server.main(["--port", "0", "--account", missing, "--issuer", missing, "--key", missing])
    assert ended.value.code == 2
    assert "cannot be read" in capsys.readouterr().err


def test_what_is_absent_is_no_refusal(standing: Standing) -> None:
    with pytest.raises(NotFound):
        standing.as_(standing.given("gateway")).ask("s3", "get_object", Bucket=_BUCKET, Key="absent")
