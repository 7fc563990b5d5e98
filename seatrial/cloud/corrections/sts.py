"""STS as its API reference has it: a role is given to those it trusts, and refused to others.

AWS fetches an issuer's keys from the issuer. The emulator cannot reach the issuers that it makes up, so whoever runs a
cluster tells it their keys (``trust_issuer``); a token whose issuer's keys are unknown is refused, as AWS does when it
cannot fetch them.
"""

from __future__ import annotations

import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from moto.core.exceptions import AccessDeniedError, ServiceException
from moto.iam.models import iam_backends
from moto.sts.responses import TokenResponse

from seatrial.cloud.account import Answer
from seatrial.cloud.corrections import tokens
from seatrial.cloud.corrections.registry import Corrections, asked
from seatrial.cloud.inspection.policies import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from moto.core.responses import ActionResult

    from seatrial.cloud.inspection.policies import Condition, Statement

STS: Final = Corrections()

_ACTION = "sts:AssumeRoleWithWebIdentity"
_REFERENCE = "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"
_KEYS: dict[str, Sequence[Mapping[str, str]]] = {}


class InvalidIdentityToken(ServiceException):
    """The token is none that the account could believe."""

    code = "InvalidIdentityToken"


class ExpiredToken(ServiceException):
    """The token was good once."""

    code = "ExpiredTokenException"


class AccessDenied(AccessDeniedError):
    """The role does not trust whom the token is about, or there is no such role: AWS does not say which."""

    def __init__(self) -> None:
        super().__init__("", _ACTION)
        self.message = f"Not authorized to perform {_ACTION}"
        error = f"<Type>Sender</Type><Code>AccessDenied</Code><Message>{self.message}</Message>"
        self.description = f"<ErrorResponse><Error>{error}</Error><RequestId>0</RequestId></ErrorResponse>"


def trust_issuer(issuer: str, keys: Sequence[Mapping[str, str]]) -> None:
    """Let tokens of *issuer* be checked with *keys*, those of its JWK set, from now on."""
    _KEYS[issuer] = tuple(keys)


def distrust_issuers() -> None:
    """Forget all keys."""
    _KEYS.clear()


@STS.around(TokenResponse, "assume_role_with_web_identity", reference=_REFERENCE)
def assume_role_with_web_identity(original: Callable[..., ActionResult], response: TokenResponse) -> ActionResult:
    """Check the token, and the role's trust in whom it is about, before the role is given.

    Raises InvalidIdentityToken, ExpiredToken and AccessDenied, and tells whom it was given to.
    """
    try:
        token = tokens.read(str(asked(response, "WebIdentityToken")))
    except tokens.NotAToken as wrong:
        raise InvalidIdentityToken(str(wrong)) from wrong
    role = str(asked(response, "RoleArn"))
    account = _account_of(role, otherwise=response.current_account)
    provider = _believed(token, account)
    if token.expires <= time.time():
        raise ExpiredToken("Token expired")
    if not _trusts(account, role, provider, token):
        raise AccessDenied
    told = original(response)
    if isinstance(told.result, dict):
        whom = {"SubjectFromWebIdentityToken": token.subject, "Provider": provider}
        told.result.update(whom, Audience=",".join(token.audiences))
    return told


def _account_of(role: str, *, otherwise: str) -> str:
    """Return the account that a role's ARN names: arn:aws:iam::ACCOUNT:role/NAME."""
    parts = role.split(":", maxsplit=5)
    return parts[4] if role.count(":") == len(parts) - 1 and parts[-1].startswith("role/") else otherwise


def _believed(token: tokens.Token, account: str) -> str:
    """Return the ARN of the provider that vouches for a token."""
    host = token.issuer.removeprefix("https://")
    providers = iam_backends[account]["aws"].open_id_providers
    found = next((each for each in providers.values() if each.url == host), None)
    if found is None:
        raise InvalidIdentityToken(f"No OpenIDConnect provider found in your account for {token.issuer}")
    if not set(found.client_id_list) & set(token.audiences):
        raise InvalidIdentityToken("Incorrect token audience")
    if token.issuer not in _KEYS:
        raise InvalidIdentityToken("Couldn't retrieve verification key from your identity provider")
    try:
        tokens.verify(token, _KEYS[token.issuer])
    except tokens.NotAToken as wrong:
        raise InvalidIdentityToken(str(wrong)) from wrong
    return str(found.arn)


def _trusts(account: str, role: str, provider: str, token: tokens.Token) -> bool:
    found = next((each for each in iam_backends[account]["aws"].roles.values() if each.arn == role), None)
    if found is None:
        return False
    document = Answer({"Policy": found.assume_role_policy_document}).document("Policy")
    matching = [each for each in parse("trust", document).statements if _is_about(each, provider, token)]
    return bool(matching) and all(each.allows for each in matching)


def _is_about(statement: Statement, provider: str, token: tokens.Token) -> bool:
    return (
        any(fnmatchcase(_ACTION.lower(), action.lower()) for action in statement.actions)
        and any(who.everybody or (who.kind, who.value) == ("Federated", provider) for who in statement.principals)
        and all(_holds(each, token) for each in statement.conditions)
    )


def _holds(condition: Condition, token: tokens.Token) -> bool:
    """Return whether a condition holds of a token; one that is not known here does not."""
    host = token.issuer.removeprefix("https://").lower()
    claims = {f"{host}:sub": (token.subject,), f"{host}:aud": token.audiences}
    told = claims.get(condition.key.lower(), ())
    operator = condition.operator.lower()
    if operator == "stringequals":
        return any(each in condition.values for each in told)
    if operator == "stringlike":
        return any(fnmatchcase(each, pattern) for each in told for pattern in condition.values)
    return False
