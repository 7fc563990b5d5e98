"""Who may assume a role, and whether what it may do is as little as it should be."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from seatrial.cloud.account import Answer, NotFound
from seatrial.cloud.inspection import Policy, ServiceAccount, Trust, role, roles_trusting
from seatrial.cloud.inspection.policies import parse
from seatrial.cloud.inspection.roles import trust
from suites.unit.cloud.emulated import NUMBER, client

if TYPE_CHECKING:
    from seatrial.cloud.account import Account

HOST = "oidc.eks.eu-central-1.amazonaws.com/id/ABC"
ISSUER = f"https://{HOST}"
PROVIDER = f"arn:aws:iam::{NUMBER}:oidc-provider/{HOST}"
ORDERS = ServiceAccount("shop", "orders")


def statement(**changes: object) -> dict[str, Any]:
    """Return what trusts exactly one service account, with changes."""
    exact: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{HOST}:sub": ORDERS.subject, f"{HOST}:aud": "sts.amazonaws.com"}},
    }
    return {**exact, **changes}


def trusted(*statements: dict[str, Any]) -> Trust:
    return trust(parse("trust", Answer({"Statement": list(statements)})), ISSUER)


def test_one_service_account_and_nobody_else() -> None:
    seen = trusted(statement())
    assert seen == Trust(PROVIDER, (ORDERS,), ())
    assert seen.exact
    assert seen.only(ORDERS)
    assert not seen.only(ServiceAccount("shop", "catalog"))


def test_two_service_accounts_are_two() -> None:
    subjects = [ORDERS.subject, "system:serviceaccount:shop:catalog"]
    seen = trusted(statement(Condition={"StringEquals": {f"{HOST}:sub": subjects, f"{HOST}:aud": "sts.amazonaws.com"}}))
    assert seen.exact
    assert not seen.only(ORDERS)


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        ({"Condition": {}}, "which service account"),
        ({"Condition": {"StringEquals": {f"{HOST}:sub": ORDERS.subject}}}, r"\(aud\)"),
        (
            {
                "Condition": {
                    "StringEquals": {f"{HOST}:sub": ORDERS.subject, f"{HOST}:aud": ["sts.amazonaws.com", "any"]}
                }
            },
            r"\(aud\)",
        ),
        (
            {
                "Condition": {
                    "StringLike": {f"{HOST}:sub": "system:serviceaccount:shop:*"},
                    "StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"},
                }
            },
            r"\(sub\)",
        ),
        (
            {
                "Condition": {
                    "StringEquals": {f"{HOST}:sub": "system:serviceaccount:shop:*", f"{HOST}:aud": "sts.amazonaws.com"}
                }
            },
            "names no service account",
        ),
        (
            {"Condition": {"StringEquals": {f"{HOST}:sub": "shop:orders", f"{HOST}:aud": "sts.amazonaws.com"}}},
            "'shop:orders', which names no service account",
        ),
        (
            {"Condition": {"StringEquals": {"other/id/X:sub": ORDERS.subject, f"{HOST}:aud": "sts.amazonaws.com"}}},
            r"\(sub\)",
        ),
        ({"Principal": {"Federated": [PROVIDER, PROVIDER + "D"]}}, "it trusts Federated .*ABCD"),
        ({"Principal": "*"}, r"it trusts \* \*"),
        ({"Principal": {"AWS": f"arn:aws:iam::{NUMBER}:root"}}, "it trusts AWS"),
        ({"Action": ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"]}, "may be assumed by sts:AssumeRole$"),
        ({"Action": "sts:*"}, r"may be assumed by sts:\*"),
        ({"NotPrincipal": {"AWS": "arn:any"}}, "all but arn:any"),
    ],
)
def test_what_lets_more_in_is_said(change: dict[str, object], gap: str) -> None:
    seen = trusted(statement(**change))
    assert not seen.exact
    assert not seen.only(ORDERS)
    assert any(re.search(gap, each) for each in seen.gaps), seen.gaps


def test_a_second_statement_can_spoil_the_first() -> None:
    assert not trusted(statement(), statement(Condition={})).exact


def test_a_denial_opens_nothing() -> None:
    assert trusted(statement(), statement(Effect="Deny", Condition={})).only(ORDERS)


def test_nobody_trusted_is_not_exactly_one() -> None:
    assert not trusted().exact


def policy(**changes: object) -> Policy:
    narrow = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::uploads/*"}
    return parse("any", Answer({"Statement": {**narrow, **changes}}))


def test_least_privilege_reaches_nothing_but_what_it_names() -> None:
    assert policy().wild_actions == ()
    assert policy().reaching_everything() == frozenset()
    assert policy().actions == {"s3:GetObject"}


@pytest.mark.parametrize("action", ["*", "s3:*"])
def test_a_wild_action_is_seen(action: str) -> None:
    assert policy(Action=action).wild_actions == (action,)
    assert policy(Action=action, Effect="Deny").wild_actions == ()


@pytest.mark.parametrize(
    ("change", "reaching"),
    [
        ({"Resource": "*"}, {"s3:GetObject"}),
        ({"Resource": ["arn:any", "*"]}, {"s3:GetObject"}),
        ({"Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/owner": "fleet"}}}, set()),
        ({"NotResource": "arn:any", "Resource": []}, {"s3:GetObject"}),
        ({"NotAction": "iam:*", "Action": [], "Resource": "arn:any"}, {"*"}),
        ({"Resource": "*", "Effect": "Deny"}, set()),
    ],
)
def test_what_reaches_everything_is_seen(change: dict[str, object], reaching: set[str]) -> None:
    assert policy(**change).reaching_everything() == reaching


def test_what_cannot_be_bounded_is_excepted_by_name() -> None:
    both = policy(Action=["ecr:GetAuthorizationToken", "s3:GetObject"], Resource="*")
    assert both.reaching_everything(but=["ecr:GetAuthorizationToken"]) == {"s3:GetObject"}


def test_roles_are_read_with_all_their_policies(account: Account) -> None:
    iam = client("iam")
    document = {"Version": "2012-10-17", "Statement": [statement()]}
    iam.create_role(RoleName="orders", AssumeRolePolicyDocument=json.dumps(document))
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    wide = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    made = iam.create_policy(
        PolicyName="queues", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [wide]})
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="orders", PolicyArn=made)
    narrow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::uploads/*"}
    iam.put_role_policy(
        RoleName="orders",
        PolicyName="uploads",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [narrow]}),
    )
    seen = role(account, "orders")
    assert seen.trust(ISSUER).only(ORDERS)
    assert {each.name for each in seen.policies} == {"queues", "uploads"}
    assert seen.actions == {"sqs:*", "s3:GetObject"}
    assert seen.wild_actions == ("sqs:*",)
    assert seen.reaching_everything() == {"sqs:*"}
    assert seen.own_policies == seen.policies
    of_aws = replace(seen, policies=(*seen.policies, replace(seen.policies[0], name="theirs", managed=True)))
    assert of_aws.own_policies == seen.policies
    assert [each.name for each in roles_trusting(account, ISSUER)] == ["orders"]
    with pytest.raises(NotFound, match=r"a role that trusts tokens of https://oidc\.example\.org"):
        roles_trusting(account, "https://oidc.example.org")
