"""Servers that can be killed and come back, and a summary of what was reckoned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
from rich.console import Console

from seatrial.progress import open_progress
from seatrial.toolchain.debian import install_debian_packages, package_group
from suites.services.backing import RedisServer, Scratch
from suites.soak.orders.stage import Builder, Freezable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REPORTS = pytest.StashKey[list[str]]()


class Tell(Protocol):
    def __call__(self, text: str, /) -> None: ...


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Tell:
    """Keep a text for the end of the run."""
    return request.config.stash.setdefault(_REPORTS, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for text in config.stash.get(_REPORTS, []):
        terminalreporter.section("orders")
        terminalreporter.write_line(text)


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    install_debian_packages(package_group("services"), progress=open_progress(Console(stderr=True)))
    with Scratch.opened() as scratch:
        yield scratch


@pytest.fixture
def postgresql(scratch: Scratch) -> Iterator[Freezable]:
    server = Freezable.durable(scratch)
    assert isinstance(server, Freezable)
    server.start()
    try:
        server.prepare_role()
        yield server
    finally:
        server.kill()


@pytest.fixture
def builder(postgresql: Freezable, tmp_path: Path) -> Builder:
    return Builder(postgresql, tmp_path)


class StartMessages(Protocol):
    def __call__(self, *, remembers: bool) -> RedisServer: ...


@pytest.fixture
def start_messages(scratch: Scratch) -> Iterator[StartMessages]:
    started = []

    def start(*, remembers: bool) -> RedisServer:
        server = RedisServer(scratch.room("redis"), remembers=remembers)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.kill()
