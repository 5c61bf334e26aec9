"""Chat: the channels of incidents, and what was said in them that must not be taken twice."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of chats."""
    op.create_table(
        "chat_channel",
        sa.Column("incident_id", sa.String(length=40), nullable=False),
        sa.Column("chat", sa.String(length=100), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("begun", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=300), nullable=False),
        sa.Column("made_at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "chat", name=op.f("pk_chat_channel")),
    )
    op.create_table(
        "chat_event",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_event")),
    )
