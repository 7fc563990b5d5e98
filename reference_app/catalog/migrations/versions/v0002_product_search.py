"""Search over products; everything it adds is derived, so going back loses nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Spelled out rather than imported: a step must stay as it was when the tables move on.
_SEARCH = "setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('english', description), 'B')"


def upgrade() -> None:
    """Add the generated search column and its index."""
    op.add_column("products", sa.Column("search", TSVECTOR(), sa.Computed(_SEARCH, persisted=True), nullable=False))
    op.create_index("ix_products_search", "products", ["search"], postgresql_using="gin")


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_products_search", table_name="products")
    op.drop_column("products", "search")
