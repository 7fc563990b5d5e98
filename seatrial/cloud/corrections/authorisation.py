"""Requests as AWS takes them: signed by somebody that it knows, who has the right to what they ask for.

moto lets everybody do everything, and its own simulation of rights knows neither addresses that were signed in advance
nor requests that nobody signed. What is not judged is refused: conditions, and services whose things are not named
below, whose policies have to say ``*``.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.access_control import CreateAccessKeyFailure, S3IAMRequest, create_access_key
from moto.iam.models import Policy as ManagedPolicy
from moto.s3.exceptions import BucketAccessDeniedError, S3ClientError
from moto.utilities.utils import get_partition
from werkzeug.exceptions import BadRequest, Forbidden

from seatrial.cloud.account import Answer
from seatrial.cloud.corrections.registry import Corrections
from seatrial.cloud.corrections.sessions import NotASession, SessionOver, resume
from seatrial.cloud.inspection.policies import Policy, parse
from seatrial.cloud.rights import permits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

AUTHORISATION: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
_FOR_ANYBODY = frozenset({"sts:AssumeRoleWithWebIdentity"})
_FOR_WHOEVER_IS_KNOWN = frozenset({"sts:GetCallerIdentity"})
# The names of rights where they are not those of the operations:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_RIGHTS = {"s3:HeadBucket": "s3:ListBucket"}
_STAMP = "%Y%m%dT%H%M%SZ"
_SKEW_SECONDS = 900
_ENFORCED: list[bool] = [False]


class Denied(Exception):
    """The request is refused; *code* is the API's own."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def enforce(*, yes: bool) -> None:
    """Let rights be judged from now on, or not any more."""
    _ENFORCED[:] = [yes]


@dataclass(frozen=True)
class Signed:
    """What a signature says of itself, in the header of a request or in its address.

    *lasting* is how many seconds an address is good for, None of a header.
    """

    access_key: str
    region: str
    service: str
    headers: frozenset[str]
    signature: str
    stamp: str
    token: str = field(repr=False)
    lasting: int | None

    @classmethod
    def read(cls, headers: Mapping[str, str], query: Mapping[str, str]) -> Signed:
        """Read it; raises Denied where there is none.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
        """
        authorisation = str(headers.get("Authorization", ""))
        pairs = [each.strip().partition("=")[::2] for each in authorisation.partition(" ")[2].split(",")]
        said = query if "X-Amz-Signature" in query else {f"X-Amz-{name}": value for name, value in pairs}
        try:
            access_key, _, region, service, _ = said["X-Amz-Credential"].split("/")
            return cls(
                access_key,
                region,
                service,
                frozenset(said["X-Amz-SignedHeaders"].split(";")),
                said["X-Amz-Signature"],
                query.get("X-Amz-Date") or str(headers.get("X-Amz-Date", "")),
                query.get("X-Amz-Security-Token") or str(headers.get("X-Amz-Security-Token", "")),
                int(query["X-Amz-Expires"]) if "X-Amz-Signature" in query else None,
            )
        except (KeyError, ValueError) as unsigned:
            raise Denied("AccessDenied", "Access Denied: the request is not signed.") from unsigned

    def require_timely(self) -> None:
        """Raise Denied unless it was signed just now, or for now."""
        try:
            signed = datetime.strptime(self.stamp, _STAMP).replace(tzinfo=UTC).timestamp()
        except ValueError as wrong:
            raise Denied("AccessDenied", "The request says not when it was signed.") from wrong
        age = time.time() - signed
        if self.lasting is not None and age > self.lasting:
            raise Denied("AccessDenied", "Request has expired")
        if self.lasting is None and abs(age) > _SKEW_SECONDS:
            raise Denied("RequestTimeTooSkewed", "The request was not signed just now.")


@AUTHORISATION.around(ActionAuthenticatorMixin, "_authenticate_and_authorize_action", reference=_REFERENCE)
def authorise(original: Callable[..., None], response: Any, kind: type, resource: str = "*") -> None:  # noqa: ANN401 - moto's mixin has no type that names what it is mixed into
    """Refuse what nobody signed, what was signed wrongly, and what whoever signed it has no right to.

    Nothing is refused, as in moto, unless that was asked for (``enforce``).
    """
    if not _ENFORCED[0]:
        original(response, kind, resource)
        return
    action = f"{response.boto3_service_name}:{response._get_action()}"  # noqa: SLF001 - what moto itself asks
    if action in _FOR_ANYBODY:
        return
    try:
        _judge(response, _RIGHTS.get(action, action), resource)
    except Denied as denied:
        _refuse(response, denied, s3=issubclass(kind, S3IAMRequest))


def _judge(response: Any, action: str, resource: str) -> None:  # noqa: ANN401
    query = dict(parse_qsl(urlsplit(response.uri).query, keep_blank_values=True))
    signed = Signed.read(response.headers, query)
    signed.require_timely()
    try:
        if signed.token:
            resume(signed.token)
    except SessionOver as over:
        code = "ExpiredToken" if signed.service == "s3" else "ExpiredTokenException"
        raise Denied(code, str(over)) from over
    except NotASession as wrong:
        raise Denied("InvalidToken" if signed.service == "s3" else "UnrecognizedClientException", str(wrong)) from wrong
    headers = {"X-Amz-Security-Token": signed.token} if signed.token else {}
    try:
        key = create_access_key(response.current_account, get_partition(signed.region), signed.access_key, headers)
    except CreateAccessKeyFailure as unknown:
        code = "InvalidAccessKeyId" if signed.service == "s3" else "UnrecognizedClientException"
        raise Denied(code, "The access key that signed the request does not exist.") from unknown
    if _signature(response, signed, key.create_credentials()) != signed.signature:
        raise Denied("SignatureDoesNotMatch", "The signature is not that of the request.")
    policies = [_policy(each) for each in key.collect_policies()]
    if action in _FOR_WHOEVER_IS_KNOWN:
        return
    asked = [(action, _named(response, signed, action) if resource == "*" else resource)]
    if source := response.headers.get("x-amz-copy-source"):
        # Who copies reads, too: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        asked.append(("s3:GetObject", f"arn:aws:s3:::{unquote(source).lstrip('/').partition('?')[0]}"))
    for right, thing in asked:
        if not permits(policies, right, thing):
            raise Denied("AccessDenied", f"User: {key.arn} is not authorized to perform: {right} on resource: {thing}")


def _signature(response: Any, signed: Signed, credentials: object) -> str:  # noqa: ANN401
    """Return the signature that the request should have."""
    query = urlsplit(response.uri).query
    if signed.lasting is not None:
        auth = S3SigV4QueryAuth(credentials, signed.service, signed.region, expires=signed.lasting)
        kept = [each for each in parse_qsl(query, keep_blank_values=True) if each[0] != "X-Amz-Signature"]
        query = urlencode(kept, quote_via=quote)
    else:
        auth = (S3SigV4Auth if signed.service == "s3" else SigV4Auth)(credentials, signed.service, signed.region)
    request = AWSRequest(
        method=response.method,
        url=f"{response.raw_path.partition('?')[0]}?{query}" if query else response.raw_path.partition("?")[0],
        data=response.raw_body or response.data,
        headers={name: value for name, value in response.headers.items() if name.lower() in signed.headers},
    )
    request.context["timestamp"] = signed.stamp
    signature: str = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return signature


def _policy(told: ManagedPolicy | Mapping[str, str] | str) -> Policy:
    """Return a policy, in whichever of moto's three forms it comes."""
    if isinstance(told, ManagedPolicy):
        text = next(version.document for version in told.versions if version.is_default)
    else:
        text = told if isinstance(told, str) else told["policy_document"]
    return parse("", Answer({"Policy": text}).document("Policy"))


def _named(response: Any, signed: Signed, action: str) -> str:  # noqa: ANN401
    """Return the ARN of what a request is about, as far as its service's are known here; else ``*``."""
    try:
        asked = Answer(json.loads(response.raw_body))
    except ValueError:
        return "*"
    prefix = f"arn:{get_partition(signed.region)}:{signed.service}:{signed.region}:{response.current_account}"
    if action == "logs:DescribeLogGroups" and asked.text("logGroupNamePrefix"):
        return f"{prefix}:log-group:{asked.text('logGroupNamePrefix')}"
    if signed.service == "logs" and asked.text("logGroupName") and not asked.text("logGroupIdentifier"):
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
        stream = asked.text("logStreamName")
        return f"{prefix}:log-group:{asked.text('logGroupName')}:{f'log-stream:{stream}' if stream else ''}"
    if signed.service == "secretsmanager" and asked.text("SecretId"):
        # The name of an entry stands in its ARN before six characters that nobody chooses.
        name = asked.text("SecretId")
        return name if name.startswith("arn:") else f"{prefix}:secret:{name}-??????"
    return "*"


def _refuse(response: Any, denied: Denied, *, s3: bool) -> NoReturn:  # noqa: ANN401
    """Refuse in the protocol of the request."""
    if s3:
        bucket = response.data.get("BucketName")
        if denied.code == "AccessDenied" and bucket:
            raise BucketAccessDeniedError(bucket=bucket)
        raise S3ClientError(denied.code, str(denied))
    refusal = Forbidden()
    if response.headers.get("X-Amz-Target"):
        refusal.code = BadRequest.code
        code = "AccessDeniedException" if denied.code == "AccessDenied" else denied.code
        refusal.description = json.dumps({"__type": code, "message": str(denied)})
    else:
        error = f"<Error><Type>Sender</Type><Code>{denied.code}</Code><Message>{escape(str(denied))}</Message></Error>"
        refusal.description = f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>"
    raise refusal
