"""What the gateway answers itself: sessions, files, and how the shop is doing."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import StreamingResponse

from reference_app.gateway.dependencies import (
    CurrentParts,
    CurrentReport,
    CurrentSessions,
    CurrentUploads,
    ExistingSession,
    ExistingUpload,
    SessionId,
    no_session,
)
from reference_app.gateway.files import KINDS, NotWhatItSays, disposition, kind_of, safe_name
from reference_app.gateway.headers import SESSION_COOKIE
from reference_app.gateway.proxy import received
from reference_app.gateway.schemas import (
    CartBody,
    HealthShown,
    LinkShown,
    PeerShown,
    SessionShown,
    UploadShown,
    UploadsShown,
)
from reference_app.telemetry.answers import invalid
from reference_app.telemetry.documents import CREATED_ID, leads_to, operation_name, problems
from reference_app.telemetry.problems import FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_NO_STORE = {"Cache-Control": "no-store"}


def _problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, object]]:
    return problems(*statuses, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


_OF_A_SESSION = _problems(HTTPStatus.UNAUTHORIZED)
_OF_A_FILE = _problems(
    HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY
)
_SENDING = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.UNPROCESSABLE_ENTITY)
_WITH_THE_COOKIE = ("read_session", "fill_cart", "list_uploads", "upload", "end_session")
_WITH_A_FILE = ("download", "link_upload", "remove_upload")
router = APIRouter(prefix="/api", generate_unique_id_function=operation_name)
# ExistingUpload takes the id from the path.
_ONE = "/uploads/{upload_id}"


@router.get("/health", responses=_problems())
async def read_health(report: CurrentReport) -> HealthShown:
    """Say how each part of the shop is doing; the answer is 200 whatever it says."""
    seen = await report.peers()
    peers = {name: PeerShown.model_validate(peer, from_attributes=True) for name, peer in seen.items()}
    well = all(peer.status == "ok" for peer in peers.values())
    return HealthShown(status="ok" if well else "degraded", peers=peers)


@router.post(
    "/session",
    status_code=HTTPStatus.CREATED,
    response_model=SessionShown,
    responses={
        **_problems(),
        HTTPStatus.CREATED: {
            "description": "It begins; whoever sends the cookie goes on with it.",
            "links": {operation: {"operationId": operation} for operation in _WITH_THE_COOKIE},
        },
    },
)
async def begin_session(sessions: CurrentSessions, parts: CurrentParts) -> Response:
    """Begin a session; its id comes as a cookie."""
    identity, session = await sessions.begin()
    answer = _session(SessionShown.of(session), HTTPStatus.CREATED)
    answer.set_cookie(
        SESSION_COOKIE, identity, path="/", httponly=True, samesite="lax", secure=not parts.settings.insecure_cookies
    )
    return answer


@router.get("/session", response_model=SessionShown, responses=_OF_A_SESSION)
async def read_session(session: ExistingSession) -> Response:
    """Read the session."""
    return _session(SessionShown.of(session), HTTPStatus.OK)


@router.delete("/session", status_code=HTTPStatus.NO_CONTENT, responses=_OF_A_SESSION)
async def end_session(identity: SessionId, sessions: CurrentSessions) -> Response:
    """End the session."""
    await sessions.end(identity)
    answer = Response(status_code=HTTPStatus.NO_CONTENT, headers=_NO_STORE)
    answer.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")
    return answer


@router.put(
    "/session/cart",
    response_model=SessionShown,
    responses={
        **_OF_A_SESSION,
        **_problems(*_SENDING),
        HTTPStatus.OK: {
            "description": "The session with its new cart.",
            "links": {operation: {"operationId": operation} for operation in ("read_session", "end_session")},
        },
    },
)
async def fill_cart(body: CartBody, identity: SessionId, sessions: CurrentSessions) -> Response:
    """Let the cart hold exactly what the body lists."""
    session = await sessions.fill_cart(identity, body.lines())
    if session is None:
        raise no_session()
    return _session(SessionShown.of(session), HTTPStatus.OK)


@router.post(
    "/uploads",
    status_code=HTTPStatus.CREATED,
    response_model=UploadShown,
    responses={
        **_problems(
            *_SENDING,
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        ),
        HTTPStatus.CREATED: {
            "description": "It was kept.",
            "links": {
                **leads_to("upload_id", CREATED_ID, *_WITH_A_FILE),
                "list_uploads": {"operationId": "list_uploads"},
            },
        },
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS},
        }
    },
)
async def upload(
    request: Request,
    name: Annotated[str, Query(min_length=1, max_length=1000)],
    session: ExistingSession,
    uploads: CurrentUploads,
    parts: CurrentParts,
) -> Response:
    """Upload a file, whose bytes are the body, under *name*; its folders and control characters are taken away."""
    kept = safe_name(name)
    if kept is None:
        raise invalid(FieldError("query/name", "is no name for a file"))
    kind = kind_of(request.headers.get("content-type", ""))
    if kind is None:
        raise _unsupported(f"A file must be one of {', '.join(KINDS)}; text in UTF-8.")
    limit = parts.settings.upload_limit
    if int(request.headers.get("content-length") or 0) > limit:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body is larger than {limit} bytes.",
            headers={"Connection": "close"},
        )
    try:
        taken = await uploads.take(session.customer, kept, kind, received(request.receive, limit))
    except NotWhatItSays:
        raise _unsupported(f"The content of the file is not {kind}.") from None
    parts.uploaded(taken.size)
    return Response(
        UploadShown.of(taken).model_dump_json(),
        status_code=HTTPStatus.CREATED,
        media_type="application/json",
        headers={"Location": f"/api/uploads/{taken.id}", **_NO_STORE},
    )


@router.get(
    "/uploads",
    responses={
        **_OF_A_SESSION,
        HTTPStatus.OK: {
            "description": "The files, the newest first.",
            "links": leads_to("upload_id", "$response.body#/items/0/id", *_WITH_A_FILE),
        },
    },
)
async def list_uploads(session: ExistingSession, uploads: CurrentUploads) -> UploadsShown:
    """List the newest files of the session, at most 100."""
    return UploadsShown(items=[UploadShown.of(one) for one in await uploads.listed(session.customer)])


@router.get(
    _ONE,
    response_class=Response,
    responses=_OF_A_FILE
    | {200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS}}},
)
async def download(found: ExistingUpload, session: ExistingSession, uploads: CurrentUploads) -> Response:
    """Download a file of the session."""
    content = uploads.content(session.customer, found)
    # Opened here, so that a store that is away is still a problem and not an answer that breaks off.
    pieces = await content.__aenter__()

    async def sent() -> AsyncIterator[bytes]:
        try:
            async for piece in pieces:
                yield piece
        finally:
            await content.__aexit__(None, None, None)

    return StreamingResponse(
        sent(),
        media_type=found.content_type,
        headers={
            "Content-Length": str(found.size),
            "Content-Disposition": disposition(found.name),
            "ETag": f'"{found.sha256}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "private, no-cache",
        },
    )


@router.post(f"{_ONE}/link", responses=_OF_A_FILE)
async def link_upload(found: ExistingUpload, session: ExistingSession, uploads: CurrentUploads) -> LinkShown:
    """Make an address that gives the file to whoever has it, for five minutes."""
    return LinkShown.of(await uploads.link(session.customer, found))


@router.delete(_ONE, status_code=HTTPStatus.NO_CONTENT, responses=_OF_A_FILE)
async def remove_upload(found: ExistingUpload, session: ExistingSession, uploads: CurrentUploads) -> None:
    """Delete a file of the session."""
    await uploads.remove(session.customer, found.id)


def _session(shown: SessionShown, status: HTTPStatus) -> Response:
    return Response(shown.model_dump_json(), status_code=status, media_type="application/json", headers=_NO_STORE)


def _unsupported(detail: str) -> Problem:
    return Problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, kind="unsupported-file", headers={"Accept": ", ".join(KINDS)}
    )
