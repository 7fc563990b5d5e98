"""Lists of orders by where they stand; everything it adds is derived, so going back loses nothing."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_orders_status_created_at_id", "orders", ["status", "created_at", "id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_orders_status_created_at_id", table_name="orders")
