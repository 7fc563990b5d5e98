"""Real back ends for the services' suites."""

from __future__ import annotations

import pytest

from suites.backends import (
    object_store,
    object_store_process,
    postgresql,
    redis_process,
    redis_server,
    scratch,
)

__all__ = ["object_store", "object_store_process", "postgresql", "redis_process", "redis_server", "scratch"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
