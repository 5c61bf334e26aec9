"""What was seen of objectives that have a budget."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "budget_count",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", "at", name=op.f("pk_budget_count")),
    )
