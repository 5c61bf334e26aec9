"""How incidents hang together, and what a review asks somebody to do."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the index by which earlier incidents of a cause are found."""
    op.create_table(
        "incident_relation",
        sa.Column("incident_id", sa.String(length=40), nullable=False),
        sa.Column("other_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "other_id", name=op.f("pk_incident_relation")),
    )
    op.create_index("ix_incident_relation_other_id", "incident_relation", ["other_id"])
    op.create_index("ix_incident_cause", "incident", ["cause", "opened_at"])
    op.create_table(
        "follow_up",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("incident_id", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("due_at", schema.Instant(), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("made_at", schema.Instant(), nullable=False),
        sa.Column("done_at", schema.Instant(), nullable=True),
        sa.Column("done_by", sa.String(length=200), nullable=True),
        sa.Column("tracker", sa.String(length=100), nullable=True),
        sa.Column("link", sa.String(length=1000), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
    )
    op.create_index("ix_follow_up_incident_id", "follow_up", ["incident_id"])
