"""A customer: one who reaches the platform through its edge, over TLS, by the public host name."""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from seatrial.kube.document import Document
from seatrial.waiting import NotObserved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from seatrial.target import Edge

_PATIENCE = timedelta(seconds=10)


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status, headers with names in lower case, and the body as text and as bytes."""

    status: int
    headers: Mapping[str, str]
    body: str
    content: bytes = b""

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    @property
    def document(self) -> Document:
        """The body as a JSON object. Raises ValueError when it is none."""
        said = json.loads(self.body)
        if not isinstance(said, dict):
            raise TypeError(f"the body is not a JSON object: {self.body[:200]}")
        return Document(said)


@dataclass(frozen=True)
class Customer:
    """Sends requests to the edge under the host name *host*; trusts the edge's certificate authority and no other."""

    edge: Edge
    host: str

    @property
    def url(self) -> str:
        """Where the edge listens."""
        return f"https://{self.edge.address}:{self.edge.port}"

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request over a connection of its own; return the answer whatever its status.

        A mapping is sent as JSON, bytes as they are. Raises httpx.HTTPError when there is no answer, also when the
        certificate is not good for the host name.
        """
        with self._client(_PATIENCE) as client:
            answer = client.request(
                method,
                self.url + path,
                headers={"Host": self.host, **(headers or {})},
                json=None if isinstance(body, bytes) else body,
                content=body if isinstance(body, bytes) else None,
                extensions={"sni_hostname": self.host},
            )
        named = {key.lower(): value for key, value in answer.headers.items()}
        return Answer(answer.status_code, named, answer.text, answer.content)

    def events(self, path: str, *, within: timedelta) -> Iterator[Document]:
        """Read the server-sent events at *path*, each as the JSON object that it carries, until the stream ends.

        Raises httpx.HTTPError when the stream breaks, NotObserved when it has not ended *within* that time.
        """
        deadline = time.monotonic() + within.total_seconds()
        last = "nothing"
        with (
            self._client(within) as client,
            client.stream(
                "GET",
                self.url + path,
                headers={"Host": self.host, "Accept": "text/event-stream"},
                extensions={"sni_hostname": self.host},
            ) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise AssertionError(f"{path} answered with status {answer.status_code}: {answer.read()[:300]!r}")
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    last = line.removeprefix("data:").strip()
                    yield Document(json.loads(last))
                if time.monotonic() > deadline:
                    raise NotObserved(f"the events of {path} end", last=last, within=within)

    def _client(self, patience: timedelta) -> httpx.Client:
        context: ssl.SSLContext | bool = ssl.create_default_context(cafile=self.edge.ca) if self.edge.ca else True
        return httpx.Client(verify=context, timeout=patience.total_seconds(), trust_env=False)

    def distrust(self, path: str) -> str | None:
        """Read *path*; return why the certificate is not accepted, None when it is.

        Raises httpx.HTTPError when there is no answer for another reason.
        """
        try:
            self.get(path)
        except httpx.ConnectError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                raise
            return str(error)
        return None

    def get(self, path: str) -> Answer:
        """Read *path*."""
        return self.request("GET", path)
