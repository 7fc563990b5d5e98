"""Real back ends for the suites that run services, one of each per session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis import Redis
from rich.console import Console

from seatrial.progress import open_progress
from seatrial.toolchain.debian import install_debian_packages, package_group
from suites.services.backing import ObjectStore, PostgreSQL, RedisServer, Scratch

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def scratch() -> Iterator[Scratch]:
    install_debian_packages(package_group("services"), progress=open_progress(Console(stderr=True)))
    with Scratch.opened() as scratch:
        yield scratch


@pytest.fixture(scope="session")
def postgresql(scratch: Scratch) -> Iterator[PostgreSQL]:
    server = PostgreSQL.created(scratch)
    server.start()
    try:
        server.prepare_role()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def redis_process(scratch: Scratch) -> Iterator[RedisServer]:
    server = RedisServer(scratch.room("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(redis_process: RedisServer) -> RedisServer:
    if redis_process.process is None:
        redis_process.start()
    with Redis.from_url(redis_process.url) as client:
        client.flushall()
    return redis_process


@pytest.fixture(scope="session")
def object_store_process(scratch: Scratch) -> Iterator[ObjectStore]:
    store = ObjectStore(scratch.room("object-store"))
    store.start()
    yield store
    store.kill()


@pytest.fixture
def object_store(object_store_process: ObjectStore) -> ObjectStore:
    if object_store_process.process is None:
        object_store_process.start()
    object_store_process.reset()
    return object_store_process
