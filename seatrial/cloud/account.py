"""One account in one region: the only place in the library that makes clients of the AWS API."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Structure: TypeAlias = "Mapping[str, object]"

_ATTEMPTS = 4
_ANSWER_WITHIN_SECONDS = 30


class NotFound(AssertionError):
    """Something that was looked for does not exist; *what* names it, *where* is the account, region and endpoint."""

    def __init__(self, what: str, where: str) -> None:
        self.what = what
        self.where = where
        super().__init__(f"{what} does not exist in {where}")


class Refused(Exception):
    """The API answered a request with an error other than that something is absent.

    *code* is the API's own, such as ``AccessDenied`` or ``Throttling``.
    """

    def __init__(self, request: str, code: str, message: str) -> None:
        self.request = request
        self.code = code
        super().__init__(f"{request} was refused: {code}: {message}")


class Unreachable(Exception):
    """The API gave no answer: nobody listens, the time ran out, or there are no credentials to sign a request with."""


@dataclass(frozen=True, eq=False)
class Answer:
    """One structure of an answer, read by names with types that are checked.

    Paths are written with dots, as in ``resourcesVpcConfig.vpcId``. What is absent reads as an empty value, as the
    API leaves out what is not set.
    """

    raw: Structure

    def at(self, path: str) -> object:
        """Return what lies at *path*, None where nothing does."""
        value: object = self.raw
        for step in path.split("."):
            if not isinstance(value, dict):
                return None
            value = value.get(step)
        return value

    def text(self, path: str) -> str:
        """Return the string (or number, written out) at *path*; empty when absent."""
        value = self.at(path)
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""

    def number(self, path: str) -> int | None:
        """Return the whole number at *path*, None when absent."""
        value = self.at(path)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def amount(self, path: str) -> float | None:
        """Return the number at *path*, whole or not, None when absent."""
        value = self.at(path)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def flag(self, path: str) -> bool:
        """Return whether true lies at *path*."""
        return self.at(path) is True

    def texts(self, path: str) -> tuple[str, ...]:
        """Return the strings of the list at *path*; empty when absent."""
        value = self.at(path)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    def part(self, path: str) -> Answer:
        """Return the structure at *path*; an empty one when absent."""
        value = self.at(path)
        return Answer(value if isinstance(value, dict) else {})

    def parts(self, path: str) -> tuple[Answer, ...]:
        """Return the structures of the list at *path*; empty when absent."""
        value = self.at(path)
        return tuple(Answer(item) for item in value if isinstance(item, dict)) if isinstance(value, list) else ()

    def mapping(self, path: str) -> Mapping[str, str]:
        """Return the string mapping at *path*, such as labels; empty when absent."""
        value = self.at(path)
        return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}

    def tags(self, path: str = "Tags", *, key: str = "Key", value: str = "Value") -> Mapping[str, str]:
        """Return the tags of the list at *path*."""
        return {item.text(key): item.text(value) for item in self.parts(path)}

    def moment(self, path: str) -> datetime | None:
        """Return the time at *path*, None when absent."""
        value = self.at(path)
        return value if isinstance(value, datetime) else None

    def document(self, path: str) -> Answer:
        """Return the JSON document at *path*, a structure already or the text of one; empty when absent."""
        value = self.at(path)
        if isinstance(value, str) and value:
            value = json.loads(value)
        return Answer(value if isinstance(value, dict) else {})


@dataclass(frozen=True)
class Credentials:
    """What requests are signed with."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


# The emulator takes any; these are visibly not somebody's.
EMULATED = Credentials(access_key="emulated", secret_key="emulated")  # noqa: S106


@dataclass(frozen=True)
class Account:
    """Access to one account, in one *region*, at an *endpoint* (the emulator's address), or at AWS if that is None.

    *credentials* None means those of the environment, found as the AWS SDK finds them; an account at an endpoint never
    uses them, so that no emulator is ever shown a real secret. *authority* is the PEM file that the endpoint's
    certificate is checked against.
    """

    region: str
    endpoint: str | None = None
    credentials: Credentials | None = None
    authority: str | None = None
    _session: list[Any] = field(default_factory=list, compare=False, repr=False)
    _clients: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.region} at {self.endpoint or 'AWS'}"

    @property
    def number(self) -> str:
        """The account's number, twelve digits."""
        return self.ask("sts", "get_caller_identity").text("Account")

    def ask(self, service: str, operation: str, **parameters: object) -> Answer:
        """Return the answer of *operation* (in boto3's spelling, such as ``describe_vpcs``) of *service*.

        Raises NotFound where the API says that something is absent, Refused where it answers with another error, and
        Unreachable where it does not answer.
        """
        request = f"{service}:{operation}"
        try:
            return Answer(getattr(self._client(service), operation)(**parameters))
        except ClientError as error:
            raise self._translated(error, request, parameters) from error
        except ParamValidationError:
            raise  # a mistake of the caller's, which was never sent
        except BotoCoreError as error:
            raise Unreachable(f"{request} got no answer from {self}: {error}") from error

    def find(self, what: str, service: str, operation: str, **parameters: object) -> Answer:
        """Return what ask returns; where it is absent, NotFound names it as *what*."""
        found = self.look(service, operation, **parameters)
        if found is None:
            raise NotFound(what, str(self))
        return found

    def every(self, service: str, operation: str, items: str, **parameters: object) -> tuple[Answer, ...]:
        """Return the structures of the list *items* in all pages of *operation*; raises what ask raises."""
        return tuple(part for page in self._pages(service, operation, parameters) for part in page.parts(items))

    def names(self, service: str, operation: str, items: str, **parameters: object) -> tuple[str, ...]:
        """Return the strings of the list *items* in all pages of *operation*; raises what ask raises."""
        return tuple(name for page in self._pages(service, operation, parameters) for name in page.texts(items))

    def look(self, service: str, operation: str, **parameters: object) -> Answer | None:
        """Return the answer of *operation*, None where the API says that what it asks for is absent."""
        try:
            return self.ask(service, operation, **parameters)
        except NotFound:
            return None

    def _pages(self, service: str, operation: str, parameters: Mapping[str, object]) -> Sequence[Answer]:
        client = self._client(service)
        if not client.can_paginate(operation):
            return (self.ask(service, operation, **parameters),)
        request = f"{service}:{operation}"
        try:
            return tuple(Answer(page) for page in client.get_paginator(operation).paginate(**parameters))
        except ClientError as error:
            raise self._translated(error, request, parameters) from error
        except ParamValidationError:
            raise  # a mistake of the caller's, which was never sent
        except BotoCoreError as error:
            raise Unreachable(f"{request} got no answer from {self}: {error}") from error

    def _translated(self, error: ClientError, request: str, parameters: Mapping[str, object]) -> Exception:
        code = str(error.response.get("Error", {}).get("Code", ""))
        message = str(error.response.get("Error", {}).get("Message", ""))
        if says_absent(code):
            asked = ", ".join(f"{name} {value}" for name, value in parameters.items())
            return NotFound(f"what {request} asks for ({asked}; {code})", str(self))
        return Refused(request, code, message)

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        with self._lock:  # making clients of one session is not safe from several threads, using them is
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:  # noqa: ANN401
        chosen = self.credentials if self.endpoint is None else self.credentials or EMULATED
        retries = {"total_max_attempts": _ATTEMPTS, "mode": "standard"}
        settings: dict[str, object] = {
            "retries": retries,
            "connect_timeout": _ANSWER_WITHIN_SECONDS,
            "read_timeout": _ANSWER_WITHIN_SECONDS,
        }
        if self.endpoint is not None:
            settings |= {"s3": {"addressing_style": "path"}, "proxies": {}}
        if not self._session:  # one for all clients: it remembers the descriptions of the services that it has read
            session = boto3.session.Session(
                region_name=self.region,
                aws_access_key_id=chosen.access_key if chosen else None,
                aws_secret_access_key=chosen.secret_key if chosen else None,
                aws_session_token=chosen.session_token if chosen else None,
            )
            self._session.append(session)
        config = Config(**settings)
        return self._session[0].client(service, endpoint_url=self.endpoint, config=config, verify=self.authority)


# Not all errors say "not found" in these words: these are the API references' own exceptions to the rule.
_ABSENT_CODES = frozenset({"NoSuchEntity", "ParameterNotFound", "404"})


def says_absent(code: str) -> bool:
    """Return whether an error *code* of any of the services means that what was asked for does not exist."""
    # InvalidVpcID.NotFound, DBInstanceNotFound, ReplicationGroupNotFoundFault, NoSuchBucket,
    # NoSuchLifecycleConfiguration, ServerSideEncryptionConfigurationNotFoundError, ResourceNotFoundException ...
    return code in _ABSENT_CODES or "NotFound" in code or code.startswith("NoSuch")
