"""A span for each statement that SQLAlchemy sends for a request, where the deployment wants spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import event

from reference_app.telemetry.calls import Call, call_started, current_recorder

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.ext.asyncio import AsyncEngine

_KEY = "reference_app.call"


def record_statements(engine: AsyncEngine) -> None:
    """Let the statements of *engine* be told with their text, which holds placeholders and no values."""
    target = engine.sync_engine
    event.listen(target, "before_cursor_execute", _begin)
    event.listen(target, "after_cursor_execute", _end)
    event.listen(target, "handle_error", _fail)


def _begin(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
    if current_recorder.get() is None:
        return
    operation = statement.split(maxsplit=1)[0].upper()
    attributes: dict[str, str | int] = {
        "db.system.name": "postgresql",
        "db.operation.name": operation,
        "db.query.text": statement,
    }
    connection.info[_KEY] = call_started(operation, attributes)


def _end(connection: Connection, *_: object) -> None:
    if (call := _taken(connection)) is not None:
        call.end()


def _fail(context: ExceptionContext) -> None:
    if context.connection is not None and (call := _taken(context.connection)) is not None:
        call.end(type(context.original_exception).__qualname__)


def _taken(connection: Connection) -> Call | None:
    call: Call | None = connection.info.pop(_KEY, None)
    return call
