"""A customer: one who reaches the platform through its edge, over TLS, by the public host name."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from seatrial.kube.document import Document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.target import Edge

_PATIENCE = timedelta(seconds=10)


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status, headers with names in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: str

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
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request over a connection of its own; return the answer whatever its status.

        Raises httpx.HTTPError when there is no answer, also when the certificate is not good for the host name.
        """
        context: ssl.SSLContext | bool = ssl.create_default_context(cafile=self.edge.ca) if self.edge.ca else True
        with httpx.Client(verify=context, timeout=_PATIENCE.total_seconds(), trust_env=False) as client:
            answer = client.request(
                method,
                self.url + path,
                headers={"Host": self.host, **(headers or {})},
                json=body,
                extensions={"sni_hostname": self.host},
            )
        return Answer(answer.status_code, {key.lower(): value for key, value in answer.headers.items()}, answer.text)

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
