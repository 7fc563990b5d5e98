"""Statements that are each a transaction of their own, at one round trip and as little processor time as can be.

A statement through SQLAlchemy's asynchronous engine takes two to three times the processor time of one straight
through the driver, most of it for lending the connection.
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, Any, LiteralString

import orjson
import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.json import set_json_loads
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from reference_app.telemetry.calls import call_started, current_recorder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg.rows import TupleRow

    from reference_app.persistence.settings import DatabaseSettings
    from reference_app.telemetry.calls import Attributes

    Connection = psycopg.AsyncConnection[TupleRow]


class Statements:
    """Runs statements on connections that are kept for the next ones, at most ``settings.database_pool_size`` at once.

    Nothing is connected before the first statement. A connection that died while it rested is replaced unnoticed: its
    socket tells. One to a machine that has vanished breaks after the time that an answer is waited for.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        url = settings.database
        self._patience = settings.database_timeout.total_seconds()
        self._parameters: dict[str, Any] = {
            **{name: str(value) for name, value in url.query.items()},
            "host": url.host,
            "port": url.port,
            "dbname": url.database,
            "user": url.username,
            "password": url.password,
            "tcp_user_timeout": int(self._patience * 1000),
        }
        self._slots = asyncio.Semaphore(settings.database_pool_size)
        self._resting: list[Connection] = []
        self._closed = False

    async def run(self, query: LiteralString, parameters: Mapping[str, object]) -> list[TupleRow]:
        """Run *query* and return its rows; raises what the driver raises, or SQLAlchemy's TimeoutError.

        The latter says that no connection became free in the time that an answer is waited for. Where the deployment
        wants spans, the statement becomes one, with its text, which holds placeholders and no values.
        """
        if current_recorder.get() is None:
            return await self._run(query, parameters)
        operation = query.split(maxsplit=1)[0].upper()
        attributes: Attributes = {
            "db.system.name": "postgresql",
            "db.operation.name": operation,
            "db.query.text": query,
        }
        call = call_started(operation, attributes)
        failure: str | None = None
        try:
            return await self._run(query, parameters)
        except BaseException as error:
            failure = type(error).__qualname__
            raise
        finally:
            if call is not None:
                call.end(failure)

    async def close(self) -> None:
        """Close the connections that rest, and the others as soon as they do."""
        self._closed = True
        while self._resting:
            await self._resting.pop().close()

    async def _run(self, query: LiteralString, parameters: Mapping[str, object]) -> list[TupleRow]:
        await self._wait_for_slot()
        try:
            connection = await self._connection()
            try:
                cursor = await connection.execute(query, parameters, prepare=True)
                return await cursor.fetchall()
            finally:
                await self._put_back(connection)
        finally:
            self._slots.release()

    async def _wait_for_slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._slots.acquire()
        except TimeoutError:
            raise PoolTimeoutError("no connection became free in time") from None

    async def _connection(self) -> Connection:
        # The one that rested least first, so that those that are not needed stay out of the way.
        while self._resting:
            connection = self._resting.pop()
            if _alive(connection):
                return connection
            await connection.close()
        connection = await psycopg.AsyncConnection.connect(autocommit=True, **self._parameters)
        set_json_loads(orjson.loads, connection)
        return connection

    async def _put_back(self, connection: Connection) -> None:
        if self._closed or connection.closed or connection.info.transaction_status is not TransactionStatus.IDLE:
            await connection.close()
        else:
            self._resting.append(connection)


def _alive(connection: Connection) -> bool:
    # Nobody has asked anything, so what can be read is the end of the connection or a word about it.
    resting = select.poll()
    resting.register(connection.fileno(), select.POLLIN)
    return not resting.poll(0)
