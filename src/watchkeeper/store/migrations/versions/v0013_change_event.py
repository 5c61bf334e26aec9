"""What was changed outside of incidents: deployments, releases, commits, settings."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of change events."""
    op.create_table(
        "change_event",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("component", sa.String(length=200), nullable=True),
        sa.Column("link", sa.String(length=1000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_event")),
    )
    op.create_index("ix_change_event_at", "change_event", ["at"])
