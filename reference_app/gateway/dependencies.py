"""What a route can ask for by type; each refuses the request with a problem if it cannot be given."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie

from reference_app.gateway.door import ENTERED
from reference_app.gateway.files import Upload
from reference_app.gateway.headers import SESSION_COOKIE
from reference_app.gateway.report import Report
from reference_app.gateway.sessions import Session, Sessions
from reference_app.gateway.settings import Settings
from reference_app.gateway.uploads import Uploads
from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_app.gateway.door import Entered


@dataclass(frozen=True)
class Parts:
    """What one instance of the gateway is made of; lives as long as the application."""

    settings: Settings
    sessions: Sessions
    uploads: Uploads
    report: Report
    uploaded: Callable[[int], object]


def _parts(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)


CurrentParts = Annotated[Parts, Depends(_parts)]


def _sessions(parts: CurrentParts) -> Sessions:
    return parts.sessions


def _uploads(parts: CurrentParts) -> Uploads:
    return parts.uploads


def _report(parts: CurrentParts) -> Report:
    return parts.report


CurrentSessions = Annotated[Sessions, Depends(_sessions)]
CurrentUploads = Annotated[Uploads, Depends(_uploads)]
CurrentReport = Annotated[Report, Depends(_report)]


# For the document alone: the door has read the cookie already.
_COOKIE = APIKeyCookie(name=SESSION_COOKIE, scheme_name="Session", auto_error=False)


def _identity(request: Request, _given: Annotated[str | None, Security(_COOKIE)]) -> str:
    entered = cast("Entered", request.scope[ENTERED])
    if entered.session is None:
        raise no_session()
    return entered.session


SessionId = Annotated[str, Depends(_identity)]


async def existing_session(identity: SessionId, sessions: CurrentSessions) -> Session:
    """Return the session of the request; raises a 401 problem."""
    session = await sessions.find(identity)
    if session is None:
        raise no_session()
    return session


ExistingSession = Annotated[Session, Depends(existing_session)]


async def existing_upload(upload_id: UUID, session: ExistingSession, uploads: CurrentUploads) -> Upload:
    """Return the file of the session that the path names; raises a 404 problem."""
    upload = await uploads.find(session.customer, upload_id)
    if upload is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"There is no file {upload_id}.", kind="not-found")
    return upload


ExistingUpload = Annotated[Upload, Depends(existing_upload)]


def no_session() -> Problem:
    """Return the problem of a request that needs a session and has none."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "This needs a session; begin one with POST /api/session.",
        kind="no-session",
        # RFC 9110 asks for a challenge; no registered scheme fits a cookie.
        headers={"WWW-Authenticate": "Cookie"},
    )
