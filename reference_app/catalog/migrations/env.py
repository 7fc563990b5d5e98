"""Alembic's entry: runs the steps on the connection that `reference_app.catalog.database` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from reference_app.catalog.tables import Base

# Any number will do as long as every runner uses the same; two Jobs started together then run one after the other.
_LOCK = 7_305_941

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Base.metadata, compare_type=True, transaction_per_migration=False
)
with context.begin_transaction():
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    context.run_migrations()
