"""Alembic's entry: runs the steps on the connection that `reference_app.persistence.schema` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from reference_app.orders.tables import Base

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Base.metadata, compare_type=True, transaction_per_migration=False
)
with context.begin_transaction():
    context.run_migrations()
