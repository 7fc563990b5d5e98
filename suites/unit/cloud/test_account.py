"""One account: what is asked is answered, absent, refused, or not answered at all, and each is told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ParamValidationError  # type: ignore[import-untyped]

from seatrial.cloud.account import EMULATED, Account, Answer, Credentials, NotFound, Refused, Unreachable, says_absent
from suites.unit.cloud.emulated import NUMBER, REGION, client

if TYPE_CHECKING:
    from collections.abc import Callable


def test_an_answer_is_read_by_paths_and_types() -> None:
    made = datetime(2026, 1, 2, tzinfo=UTC)
    answer = Answer(
        {
            "name": "fleet",
            "size": {"nodes": 3, "ratio": 0.5, "big": True},
            "zones": ["a", "b", 3],
            "parts": [{"name": "one"}, "no part"],
            "labels": {"tier": "system", "rank": 1},
            "Tags": [{"Key": "Name", "Value": "fleet"}],
            "made": made,
            "policy": '{"Statement": []}',
        }
    )
    assert (answer.text("name"), answer.text("size.nodes"), answer.text("size.big")) == ("fleet", "3", "")
    assert (answer.number("size.nodes"), answer.number("size.ratio"), answer.number("size.big")) == (3, None, None)
    assert (answer.amount("size.nodes"), answer.amount("size.ratio"), answer.amount("name")) == (3.0, 0.5, None)
    assert (answer.flag("size.big"), answer.flag("size.nodes")) == (True, False)
    assert answer.texts("zones") == ("a", "b")
    assert [each.text("name") for each in answer.parts("parts")] == ["one"]
    assert answer.part("size").number("nodes") == 3
    assert answer.mapping("labels") == {"tier": "system", "rank": "1"}
    assert answer.tags() == {"Name": "fleet"}
    assert (answer.moment("made"), answer.moment("name")) == (made, None)
    assert answer.document("policy").parts("Statement") == ()
    assert answer.document("size").number("nodes") == 3


@pytest.mark.parametrize("path", ["none", "name.none", "zones.none", "none.none"])
def test_what_is_absent_reads_as_empty(path: str) -> None:
    answer = Answer({"name": "fleet", "zones": []})
    assert (answer.at(path), answer.text(path), answer.number(path), answer.flag(path)) == (None, "", None, False)
    assert (answer.texts(path), answer.parts(path), answer.mapping(path), answer.tags(path)) == ((), (), {}, {})
    assert (answer.part(path).raw, answer.document(path).raw) == ({}, {})


@pytest.mark.parametrize(
    "code",
    [
        "InvalidVpcID.NotFound",
        "DBInstanceNotFound",
        "ReplicationGroupNotFoundFault",
        "NoSuchEntity",
        "NoSuchBucketPolicy",
        "ServerSideEncryptionConfigurationNotFoundError",
        "ResourceNotFoundException",
        "404",
    ],
)
def test_codes_that_say_that_something_is_absent(code: str) -> None:
    assert says_absent(code)


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling", "InternalError", "InvalidParameterValue", "403", ""])
def test_codes_that_say_something_else(code: str) -> None:
    assert not says_absent(code)


def test_all_pages_are_one_answer(account: Account) -> None:
    for number in range(3):
        client("iam").create_user(UserName=f"user-{number}")
    paged = account.every("iam", "list_users", "Users", PaginationConfig={"PageSize": 1})
    assert [each.text("UserName") for each in paged] == ["user-0", "user-1", "user-2"]
    assert account.number == NUMBER


def test_names_are_listed(account: Account) -> None:
    client("sqs").create_queue(QueueName="orders")
    (queue,) = account.names("sqs", "list_queues", "QueueUrls")
    assert queue.endswith("/orders")


def test_what_is_absent_is_not_found_and_told_with_what_was_asked(account: Account) -> None:
    with pytest.raises(NotFound, match=r"iam:get_role asks for \(RoleName none; NoSuchEntity\) does not exist in eu-"):
        account.ask("iam", "get_role", RoleName="none")
    with pytest.raises(NotFound, match=r"^the role none does not exist in eu-central-1 at AWS$"):
        account.find("the role none", "iam", "get_role", RoleName="none")
    assert account.look("iam", "get_role", RoleName="none") is None


@pytest.mark.parametrize("ask", [Account.ask, Account.look])
def test_what_is_refused_is_not_absent(account: Account, ask: Callable[..., object]) -> None:
    client("s3").create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": REGION})
    with pytest.raises(Refused, match=r"^s3:create_bucket was refused: BucketAlreadyOwnedByYou: ") as refused:
        ask(
            account,
            "s3",
            "create_bucket",
            Bucket="uploads",
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
    assert refused.value.code == "BucketAlreadyOwnedByYou"


def test_a_mistake_of_the_callers_is_not_somebody_elses_silence(account: Account) -> None:
    with pytest.raises(ParamValidationError, match="Missing required parameter"):
        account.ask("iam", "get_role")
    with pytest.raises(ParamValidationError, match="Unknown parameter"):
        account.every("iam", "list_roles", "Roles", Rank=1)


def test_who_does_not_answer_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)  # between attempts
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # which nothing that has an endpoint uses
    nobody = Account(REGION, endpoint="http://127.0.0.1:9")
    with pytest.raises(
        Unreachable, match=r'^ec2:describe_vpcs got no answer from eu-.* to the endpoint URL: "http://127'
    ):
        nobody.ask("ec2", "describe_vpcs")
    with pytest.raises(Unreachable, match="got no answer"):
        nobody.every("ec2", "describe_vpcs", "Vpcs")


def test_an_emulator_is_never_shown_a_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebodys")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    used = Account(REGION, endpoint="http://127.0.0.1:9")._client("sts")._request_signer._credentials
    assert used.access_key == EMULATED.access_key
    used = Account(REGION)._client("sts")._request_signer._credentials
    assert used.access_key == "somebodys"


def test_secrets_are_not_shown() -> None:
    account = Account(REGION, credentials=Credentials("key", "hidden", "hidden-too"))
    assert "hidden" not in repr(account)
    assert str(Account(REGION, endpoint="http://127.0.0.1:9")) == "eu-central-1 at http://127.0.0.1:9"
