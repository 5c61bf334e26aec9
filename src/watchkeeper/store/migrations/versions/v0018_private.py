"""Since when an incident is private, and whether its channel in a chat is."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns; what there is stays as open as it was."""
    op.add_column("incident", sa.Column("private_at", schema.Instant(), nullable=True))
    op.create_index("ix_incident_private_at", "incident", ["private_at"])
    op.add_column("chat_channel", sa.Column("private", sa.Integer(), server_default="0", nullable=False))
