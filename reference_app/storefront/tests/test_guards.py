"""Who may send a form, and what every answer tells browsers."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.responses import Response

from reference_app.storefront.guards import POLICY, Hardened, refuse_foreign_form
from reference_app.telemetry.problems import Problem

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_HOST = {"host": "shop.example"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "https://shop.example"},
        {"origin": "http://shop.example"},
        # A browser that says both is believed in what it says better.
        {"sec-fetch-site": "same-origin", "origin": "null"},
    ],
    ids=["no browser", "the shop", "the person", "the shop's origin", "TLS ended in front", "both"],
)
def test_the_shops_own_forms_are_taken(headers: dict[str, str]) -> None:
    refuse_foreign_form("POST", Headers({**_HOST, **headers}))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://shop.example.evil.example"},
        {"origin": "https://shop.example:8443"},
        {"sec-fetch-site": "cross-site", "origin": "https://shop.example"},
    ],
    ids=["another site", "a neighbour", "odd", "another origin", "hidden", "alike", "another port", "both"],
)
def test_forms_of_others_are_refused(method: str, headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        refuse_foreign_form(method, Headers({**_HOST, **headers}))
    assert (refused.value.status, refused.value.kind) == (HTTPStatus.FORBIDDEN, "foreign-origin")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_whoever_links_to_a_page_may(method: str) -> None:
    refuse_foreign_form(method, Headers({**_HOST, "sec-fetch-site": "cross-site", "origin": "https://evil.example"}))


def test_nothing_of_others_runs_on_a_page() -> None:
    allowed = dict(part.strip().split(" ", 1) for part in POLICY.split(";"))
    assert allowed["default-src"] == "'none'"
    assert (allowed["frame-ancestors"], allowed["base-uri"]) == ("'none'", "'none'")
    assert {allowed[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}


@pytest.mark.anyio
async def test_every_answer_is_hardened_unless_it_says_otherwise_itself() -> None:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        own = {"Content-Security-Policy": "sandbox"} if scope["path"] == "/own" else {}
        await Response(status_code=HTTPStatus.IM_A_TEAPOT, headers=own)(scope, receive, send)

    transport = httpx.ASGITransport(Hardened(serve))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as visitor:
        usual, own = await visitor.get("/"), await visitor.get("/own")
    assert usual.headers["content-security-policy"] == POLICY
    assert own.headers.get_list("content-security-policy") == ["sandbox"]
    for answer in (usual, own):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
