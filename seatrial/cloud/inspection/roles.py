"""Roles, who may assume them, and what they may do: least privilege, as IAM tells of it.

Roles for service accounts: https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seatrial.cloud.account import Account, Answer, NotFound
from seatrial.cloud.inspection.policies import Policy, Statement, is_wild, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

ASSUME: Final = "sts:AssumeRoleWithWebIdentity"
AUDIENCE: Final = "sts.amazonaws.com"

_SUBJECT = "system:serviceaccount:"


@dataclass(frozen=True, order=True)
class ServiceAccount:
    """A service account of the cluster."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def subject(self) -> str:
        """Its name in the tokens that the cluster issues for it."""
        return f"{_SUBJECT}{self.namespace}:{self.name}"


@dataclass(frozen=True)
class Trust:
    """Who may assume a role with a token of the cluster's.

    *gaps* says, a sentence each, what lets more in than exactly the *service_accounts*; there are none in a trust that
    is as narrow as it looks.
    """

    provider: str
    service_accounts: tuple[ServiceAccount, ...]
    gaps: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether the service accounts named, and nobody else, may assume the role."""
        return bool(self.service_accounts) and not self.gaps

    def only(self, account: ServiceAccount) -> bool:
        """Return whether *account*, and nobody else, may assume the role."""
        return self.exact and self.service_accounts == (account,)


@dataclass(frozen=True)
class Role:
    """A role: who may assume it, and all policies that say what it may do, attached and inline."""

    name: str
    arn: str
    trusted: Policy
    policies: tuple[Policy, ...]
    boundary: str

    @property
    def own_policies(self) -> tuple[Policy, ...]:
        """The policies that the account has written, not AWS."""
        return tuple(each for each in self.policies if not each.managed)

    @property
    def actions(self) -> frozenset[str]:
        """All actions that its policies allow, as they are written."""
        return frozenset(action for each in self.policies for action in each.actions)

    @property
    def wild_actions(self) -> tuple[str, ...]:
        """The allowed actions that are all of a service's, or all there are."""
        return tuple(action for each in self.policies for action in each.wild_actions)

    def reaching_everything(self, *, but: Iterable[str] = ()) -> frozenset[str]:
        """Return the actions that it may do with all things, unconditionally, *but* those that cannot be bounded."""
        exceptions = tuple(but)
        return frozenset(action for each in self.policies for action in each.reaching_everything(but=exceptions))

    def trust(self, issuer: str) -> Trust:
        """Return whom the role trusts among the accounts of the cluster whose tokens *issuer* signs."""
        return trust(self.trusted, issuer)


def trust_document(provider: str, issuer: str, account: ServiceAccount) -> str:
    """Return the trust policy, as JSON, by which a role trusts *account* and nobody else.

    *provider* is the ARN of what vouches for tokens of *issuer* in the role's account.
    """
    host = issuer.removeprefix("https://")
    statement = {
        "Effect": "Allow",
        "Action": ASSUME,
        "Principal": {"Federated": provider},
        "Condition": {"StringEquals": {f"{host}:sub": account.subject, f"{host}:aud": AUDIENCE}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(account: Account, name: str) -> Role:
    """Return the role of a name, with its policies; raises NotFound."""
    told = account.find(f"the role {name}", "iam", "get_role", RoleName=name)
    return _role(account, told.part("Role"))


def roles_trusting(account: Account, issuer: str) -> tuple[Role, ...]:
    """Return the roles that trust tokens of *issuer*, at least one; raises NotFound."""
    provider = f":oidc-provider/{issuer.removeprefix('https://')}"
    found = tuple(
        _role(account, each)
        for each in account.every("iam", "list_roles", "Roles")
        if _mentions(parse("trust", each.document("AssumeRolePolicyDocument")), provider)
    )
    if not found:
        raise NotFound(f"a role that trusts tokens of {issuer}", str(account))
    return found


def _mentions(policy: Policy, provider: str) -> bool:
    return any(who.everybody or who.value.endswith(provider) for each in policy.statements for who in each.principals)


def _role(account: Account, told: Answer) -> Role:
    name = told.text("RoleName")
    attached = account.every("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
    inline = account.names("iam", "list_role_policies", "PolicyNames", RoleName=name)
    return Role(
        name=name,
        arn=told.text("Arn"),
        trusted=parse("trust", told.document("AssumeRolePolicyDocument")),
        policies=(
            *(_attached(account, each.text("PolicyArn"), each.text("PolicyName")) for each in attached),
            *(_inline(account, name, each) for each in inline),
        ),
        boundary=told.text("PermissionsBoundary.PermissionsBoundaryArn"),
    )


def _attached(account: Account, arn: str, name: str) -> Policy:
    current = account.ask("iam", "get_policy", PolicyArn=arn).text("Policy.DefaultVersionId")
    told = account.ask("iam", "get_policy_version", PolicyArn=arn, VersionId=current)
    return parse(name, told.document("PolicyVersion.Document"), managed=":aws:policy/" in arn)


def _inline(account: Account, role_name: str, name: str) -> Policy:
    told = account.ask("iam", "get_role_policy", RoleName=role_name, PolicyName=name)
    return parse(name, told.document("PolicyDocument"))


def trust(policy: Policy, issuer: str) -> Trust:
    """Return whom a trust *policy* lets in by tokens of *issuer*, and what makes that more than it should be."""
    host = issuer.removeprefix("https://")
    accounts: dict[ServiceAccount, None] = {}
    gaps: list[str] = []
    provider = ""
    for statement in policy.statements:
        if not statement.allows:
            continue
        if statement.all_but:
            gaps.append(f"it trusts all but {', '.join(statement.all_but)}")
        for who in statement.principals:
            if who.kind == "Federated" and who.value.endswith(f":oidc-provider/{host}"):
                provider = who.value
            else:
                gaps.append(f"it trusts {who.kind} {who.value}")
        gaps += [f"it may be assumed by {action}" for action in statement.actions if action != ASSUME]
        named, missing = _subjects(statement, host)
        accounts |= dict.fromkeys(named)
        gaps += missing
    return Trust(provider, tuple(accounts), tuple(dict.fromkeys(gaps)))


def _subjects(statement: Statement, host: str) -> tuple[list[ServiceAccount], list[str]]:
    """Return the service accounts that a statement names by ``StringEquals``, and what it leaves open."""
    gaps: list[str] = []
    subjects = statement.condition("StringEquals", f"{host}:sub")
    if not subjects:
        gaps.append("it does not say by StringEquals which service account (sub) it trusts")
    if statement.condition("StringEquals", f"{host}:aud") != (AUDIENCE,):
        gaps.append(f"it does not say by StringEquals that tokens are for {AUDIENCE} (aud)")
    accounts: list[ServiceAccount] = []
    for subject in subjects:
        namespace, _, name = subject.removeprefix(_SUBJECT).partition(":")
        if not subject.startswith(_SUBJECT) or not namespace or not name or is_wild(subject):
            gaps.append(f"it trusts {subject!r}, which names no service account")
        else:
            accounts.append(ServiceAccount(namespace, name))
    return accounts, gaps
