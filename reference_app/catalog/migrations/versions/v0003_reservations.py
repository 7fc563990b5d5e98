"""Reservations of stock, and a database that itself refuses to have less than nothing in stock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, unless a step back has left it, and the constraint."""
    op.create_table(
        "reservations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("items", JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_reservations"),
        sa.CheckConstraint("state IN ('held', 'released')", name=op.f("ck_reservations_state")),
        if_not_exists=True,
    )
    op.create_check_constraint(op.f("ck_products_stock"), "products", "stock >= 0")


def downgrade() -> None:
    """Drop the constraint and keep the table.

    Nothing else knows which stock was taken for whom, and the release before does not look at it.
    """
    op.drop_constraint(op.f("ck_products_stock"), "products")
