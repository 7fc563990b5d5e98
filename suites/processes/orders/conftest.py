"""Servers for one test session, and order services on them that start at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import pytest
from redis import Redis
from rich.console import Console

from seatrial.progress import open_progress
from seatrial.toolchain.debian import install_debian_packages, package_group
from suites.processes.orders.nursery import launching, nursery
from suites.services.backing import RedisServer, Scratch
from suites.soak.orders.stage import Builder, Freezable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import ForkServerContext

    from suites.soak.orders.stage import Program, Stage

# What lies about is found soon, so that a test need not wait long to see that it is found.
_HASTE = {"ORDERS_REPUBLISH_AFTER": "1", "ORDERS_CLAIM_AFTER": "1"}


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Freezable, RedisServer]]:
    install_debian_packages(package_group("services"), progress=open_progress(Console(stderr=True)))
    with Scratch.opened() as scratch:
        postgresql = Freezable.durable(scratch)
        assert isinstance(postgresql, Freezable)
        redis = RedisServer(scratch.room("redis"), remembers=True)
        try:
            postgresql.start()
            postgresql.prepare_role()
            redis.start()
            yield postgresql, redis
        finally:
            redis.kill()
            postgresql.kill()


@pytest.fixture(scope="session")
def context() -> ForkServerContext:
    return nursery()


@pytest.fixture(scope="session")
def builder(
    servers: tuple[Freezable, RedisServer], context: ForkServerContext, tmp_path_factory: pytest.TempPathFactory
) -> Builder:
    return Builder(servers[0], tmp_path_factory.mktemp("stage"), launching(context))


@pytest.fixture(scope="session")
def catalogue(builder: Builder) -> Iterator[Program]:
    program = builder.catalogue()
    program.start()
    yield program
    program.kill()


class OpenStage(Protocol):
    def __call__(self, bug: str | None = None, *, serving: int = 1, relays: int = 1) -> Stage: ...


@pytest.fixture
def open_stage(
    builder: Builder, catalogue: Program, servers: tuple[Freezable, RedisServer], context: ForkServerContext
) -> Iterator[OpenStage]:
    _, redis = servers
    opened: list[Stage] = []

    def start(bug: str | None = None, *, serving: int = 1, relays: int = 1) -> Stage:
        with Redis.from_url(redis.url) as client:
            client.flushall()
        build = partial(builder.stage, redis, catalogue, settings=_HASTE, launch=launching(context, bug))
        stage = build(serving=serving, relays=relays)
        opened.append(stage)
        stage.start()
        return stage

    yield start
    for stage in opened:
        for program in (*stage.serving, *stage.relays, *stage.workers):
            program.kill()
