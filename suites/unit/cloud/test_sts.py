"""The emulator gives a role to whom it trusts, and refuses it to others, as AWS does."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from werkzeug.test import Client
from werkzeug.wrappers import Response

from seatrial.cloud.corrections import tokens
from seatrial.cloud.corrections.sts import distrust_issuers
from seatrial.cloud.issuers import ROUTE, IssuerDesk
from suites.unit.cloud.emulated import NUMBER, client
from suites.unit.cloud.signer import ISSUER, Signer, encoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from seatrial.cloud.account import Account

HOST = ISSUER.removeprefix("https://")
PROVIDER = f"arn:aws:iam::{NUMBER}:oidc-provider/{HOST}"
ORDERS = "system:serviceaccount:shop:orders"
ROLE = f"arn:aws:iam::{NUMBER}:role/orders"


def _behind(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return Response("well")(environ, start_response)


@pytest.fixture
def desk() -> Iterator[Client]:
    yield Client(IssuerDesk(_behind))
    distrust_issuers()


@pytest.fixture
def signer(account: Account, desk: Client) -> Signer:
    """Return a cluster that the account believes, with a role that trusts one of its service accounts."""
    del account
    made = Signer()
    assert desk.put(ROUTE, json={"issuer": ISSUER, "keys": [made.public]}).status_code == 204
    client("iam").create_open_id_connect_provider(
        Url=ISSUER, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["9e" * 20]
    )
    _trusting("orders", {"StringEquals": {f"{HOST}:sub": ORDERS, f"{HOST}:aud": "sts.amazonaws.com"}})
    return made


def _trusting(name: str, condition: object, **changes: object) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }
    document = {"Version": "2012-10-17", "Statement": [{**statement, **changes}]}
    client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))


def _assume(token: str, role: str = ROLE) -> Any:  # noqa: ANN401 - as boto3 has it
    return client("sts").assume_role_with_web_identity(RoleArn=role, RoleSessionName="any", WebIdentityToken=token)


def _refusal(token: str, role: str = ROLE) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        _assume(token, role)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_who_is_trusted_gets_the_role(signer: Signer) -> None:
    given = _assume(signer.token(ORDERS))
    assert given["SubjectFromWebIdentityToken"] == ORDERS
    assert (given["Audience"], given["Provider"]) == ("sts.amazonaws.com", PROVIDER)
    assert given["AssumedRoleUser"]["Arn"].endswith(":assumed-role/orders/any")
    assert given["Credentials"]["SessionToken"]


def test_another_service_account_is_refused(signer: Signer) -> None:
    denied = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    assert _refusal(signer.token("system:serviceaccount:shop:catalog")) == denied
    assert _refusal(signer.token(ORDERS), role=f"arn:aws:iam::{NUMBER}:role/none") == denied
    assert _refusal(signer.token(ORDERS), role="not-even-the-name-of-a-role-in-aws") == denied


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"iss": "https://other.example.org"}, "InvalidIdentityToken", "No OpenIDConnect provider found"),
        ({"aud": ["somebody-else"]}, "InvalidIdentityToken", "Incorrect token audience"),
        ({"aud": "somebody-else"}, "InvalidIdentityToken", "Incorrect token audience"),
        ({"exp": 1}, "ExpiredTokenException", "Token expired"),
    ],
)
def test_a_token_that_is_not_good_is_refused(signer: Signer, changes: dict[str, object], code: str, said: str) -> None:
    refused = _refusal(signer.token(ORDERS, **changes))
    assert refused[0] == code
    assert said in refused[1]


def test_a_token_that_somebody_else_signed_is_refused(signer: Signer) -> None:
    del signer
    for forger in (Signer(), Signer(name="other")):
        code, said = _refusal(forger.token(ORDERS))
        assert code == "InvalidIdentityToken"
        assert "not signed by a key of its issuer" in said


def test_a_token_that_was_changed_is_refused(signer: Signer) -> None:
    header, _, signature = signer.token("system:serviceaccount:shop:catalog").split(".")
    _, claims, _ = signer.token(ORDERS).split(".")
    assert _refusal(f"{header}.{claims}.{signature}")[0] == "InvalidIdentityToken"


@pytest.mark.parametrize("text", ["not a token at all", "a.b.c", "e30.e30.e30", "!.!.!"])
def test_what_is_no_token_is_refused(signer: Signer, text: str) -> None:
    del signer
    assert _refusal(text) == ("InvalidIdentityToken", "The ID Token provided is not a valid JWT.")


def test_an_issuer_whose_keys_are_unknown_is_not_believed(signer: Signer, desk: Client) -> None:
    assert desk.delete(ROUTE).status_code == 204
    code, said = _refusal(signer.token(ORDERS))
    assert code == "InvalidIdentityToken"
    assert "Couldn't retrieve verification key" in said


@pytest.mark.parametrize(
    ("condition", "changes", "trusted"),
    [
        ({"StringLike": {f"{HOST}:sub": "system:serviceaccount:shop:*"}}, {}, True),
        ({"StringLike": {f"{HOST}:sub": "system:serviceaccount:other:*"}}, {}, False),
        ({}, {}, True),
        ({"StringEquals": {f"{HOST}:sub": [ORDERS, "any"]}}, {}, True),
        ({"StringEquals": {"other:sub": ORDERS}}, {}, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {}, False),
        ({}, {"Effect": "Deny"}, False),
        ({}, {"Action": "sts:*"}, True),
        ({}, {"Action": "sts:AssumeRole"}, False),
        ({}, {"Principal": {"Federated": f"{PROVIDER}/other"}}, False),
    ],
    ids=str,
)
def test_trust_is_what_its_policy_says(
    signer: Signer, condition: object, changes: dict[str, object], *, trusted: bool
) -> None:
    _trusting("other", condition, **changes)
    other = f"arn:aws:iam::{NUMBER}:role/other"
    if trusted:
        assert _assume(signer.token(ORDERS), other)["SubjectFromWebIdentityToken"] == ORDERS
    else:
        assert _refusal(signer.token(ORDERS), other)[0] == "AccessDenied"


def test_a_cluster_may_sign_by_rsa() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    public = {"kty": "RSA", "kid": "any", "n": encoded(numbers.n.to_bytes(256)), "e": encoded(b"\1\0\1")}
    claims = {"iss": ISSUER, "sub": ORDERS, "aud": "sts.amazonaws.com", "exp": time.time() + 60}
    parts = [encoded(json.dumps(each).encode()) for each in ({"alg": "RS256", "kid": "any"}, claims)]
    signature = key.sign(".".join(parts).encode(), padding.PKCS1v15(), SHA256())
    token = tokens.read(".".join([*parts, encoded(signature)]))
    tokens.verify(token, [Signer().public, public])
    for others in ([], [Signer(name="any").public], [{**public, "e": encoded(b"\3")}], [{"kty": "RSA", "kid": "any"}]):
        with pytest.raises(tokens.NotAToken, match="not signed by a key of its issuer"):
            tokens.verify(token, others)


def test_nobody_signs_by_no_algorithm() -> None:
    claims = {"iss": ISSUER, "sub": ORDERS, "aud": "sts.amazonaws.com", "exp": time.time() + 60}
    parts = [encoded(json.dumps(each).encode()) for each in ({"alg": "none"}, claims)]
    with pytest.raises(tokens.NotAToken):
        tokens.verify(tokens.read(".".join([*parts, ""])), [Signer().public])


@pytest.mark.parametrize(
    "said",
    [b"no JSON", b"[]", b'{"issuer": 1, "keys": []}', b'{"issuer": "https://a"}', b'{"issuer": "a", "keys": []}'],
)
def test_what_is_said_of_issuers_has_to_make_sense(desk: Client, said: bytes) -> None:
    assert desk.put(ROUTE, data=said).status_code == 400
    assert desk.post(ROUTE, data=said).status_code == 405
    assert desk.get("/").get_data() == b"well"
