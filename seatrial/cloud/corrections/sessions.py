"""Temporary credentials as AWS has them: their session token says by itself whose they are and how long they are good.

An emulator that was started anew with the same key goes on taking those that it gave out before.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html
"""

from __future__ import annotations

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography.fernet import Fernet, InvalidToken
from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, STSBackend, sts_backends
from moto.utilities.utils import get_partition

from seatrial.cloud.corrections.registry import Corrections

if TYPE_CHECKING:
    from collections.abc import Callable

SESSIONS: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_use-resources.html"
_SEALS: list[Fernet] = [Fernet(Fernet.generate_key())]


class NotASession(Exception):
    """The text is no session token of this emulator's."""


class SessionOver(Exception):
    """The credentials were good once."""


@dataclass(frozen=True)
class Session:
    """A role as it was given to somebody under the name *name*; *ends* is in seconds since 1970."""

    account: str
    region: str
    role: str
    name: str
    access_key: str
    secret_key: str
    ends: float


def seal_with(key: str) -> None:
    """Seal session tokens with a key made of *key* from now on; those of other keys are refused."""
    _SEALS[:] = [Fernet(urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))]


@SESSIONS.around(STSBackend, "assume_role", reference=_REFERENCE)
def assume_role(original: Callable[..., AssumedRole], backend: STSBackend, **asked: object) -> AssumedRole:
    """Put into the session token, sealed, all that the emulator has to know of the session."""
    role = original(backend, **asked)
    ends = role.expiration.replace(tzinfo=UTC).timestamp()
    session = Session(
        role.account_id,
        role.region_name,
        role.role_arn,
        role.session_name,
        role.access_key_id,
        role.secret_access_key,
        ends,
    )
    role.session_token = _SEALS[0].encrypt(json.dumps(asdict(session)).encode()).decode()
    return role


def resume(token: str) -> Session:
    """Return the session that *token* is of, and let the emulator know of it if it does not any more.

    Raises NotASession and SessionOver.
    """
    try:
        session = Session(**json.loads(_SEALS[0].decrypt(token)))
    except (InvalidToken, ValueError, TypeError) as wrong:
        raise NotASession("The security token included in the request is invalid.") from wrong
    if session.ends <= time.time():
        raise SessionOver("The security token included in the request is expired")
    backend = sts_backends[session.account][get_partition(session.region)]
    if backend.get_assumed_role_from_access_key(session.access_key) is None:
        backend.assumed_roles.append(_assumed(session, token))
    return session


def _assumed(session: Session, token: str) -> AssumedRole:
    key = iam_backends[session.account][get_partition(session.region)].create_temp_access_key()
    key.access_key_id, key.secret_access_key, key.role_arn = session.access_key, session.secret_key, session.role
    role = AssumedRole(
        account_id=session.account,
        region_name=session.region,
        access_key=key,
        role_session_name=session.name,
        role_arn=session.role,
        policy="",
        duration=0,
        external_id="",
    )
    role.session_token = token
    role.expiration = datetime.fromtimestamp(session.ends, UTC).replace(tzinfo=None)
    return role
