"""Commands inside a pod, over the API's stream."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import yaml
from kubernetes import client
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL
from websocket import WebSocketException

from seatrial.kube.api import Interrupted, Refused
from seatrial.kube.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from kubernetes.stream.ws_client import WSClient

    from seatrial.kube.pod import Pod


@dataclass(frozen=True)
class Completed:
    """A command that ran to its end: its exit code and all it wrote, standard output and error together."""

    exit_code: int
    output: str

    @property
    def succeeded(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.exit_code == 0


@dataclass
class Execution:
    """A command under way inside a pod."""

    session: WSClient
    what: str

    def said(self, line: str, *, within: timedelta) -> None:
        """Return once it has written *line*. Raises Interrupted when it ended before, or did not *within* that time."""
        seen = self.session.readline_stdout(timeout=within.total_seconds()) or ""
        if seen.strip() != line:
            raise Interrupted(f"{self.what} did not say {line!r} within {within}: {seen or self.session.read_all()!r}")

    def tell(self, text: str) -> None:
        """Write *text* to its standard input. Raises Interrupted when it is not there any more."""
        try:
            self.session.write_stdin(text)
        except (WebSocketException, OSError) as error:
            raise Interrupted(f"{self.what} is gone: {error}") from error

    def ended(self, *, within: timedelta) -> Completed:
        """Wait for its end, return how it ended. Raises Interrupted when it did not end *within* that time."""
        self.session.run_forever(timeout=within.total_seconds())
        if self.session.is_open():
            raise Interrupted(f"{self.what} did not end within {within}")
        # In this order: reading all that was written also empties the channel on which the exit code came.
        code = exit_code(self.session)
        return Completed(code, self.session.read_all())


@contextmanager
def executing(
    pod: Pod, command: Sequence[str], *, container: str | None = None, stdin: bool = False
) -> Iterator[Execution]:
    """Start *command* inside *pod* and hold on to it until the block ends; its standard input ends then too.

    Raises Refused when the API does not allow it, Interrupted when the connection fails.
    """
    # The library replaces a method of the client while it opens the stream: each call gets a client of its own.
    with client.ApiClient(pod.api.settings) as own:
        try:
            session = stream(
                client.CoreV1Api(own).connect_get_namespaced_pod_exec,
                pod.name,
                pod.namespace,
                command=list(command),
                stdout=True,
                stderr=True,
                stdin=stdin,
                tty=False,
                _preload_content=False,
                **({"container": container} if container else {}),
            )
        except client.ApiException as error:
            raise Refused(error.status or 0, "ExecRefused", str(error.reason)) from error
        except (WebSocketException, OSError) as error:
            raise Interrupted(str(error)) from error
        try:
            yield Execution(session, f"{list(command)} in {pod.namespace}/{pod.name}")
        finally:
            # Its own close() leaves the socket open once the other side has closed the session.
            session.sock.shutdown()


class _Session(Protocol):
    def read_channel(self, channel: int, /) -> str: ...


def exit_code(session: _Session) -> int:
    """Read how the command of a session that is closed ended. Raises Refused when it could not even be started."""
    said = Document(yaml.safe_load(session.read_channel(ERROR_CHANNEL)) or {})
    causes = {cause.text("reason"): cause.text("message") for cause in said.documents("details.causes")}
    if said.text("status") == "Success":
        return 0
    if "ExitCode" in causes:
        return int(causes["ExitCode"])
    raise Refused(said.number("code"), said.text("reason") or "ExecFailed", said.text("message"))
