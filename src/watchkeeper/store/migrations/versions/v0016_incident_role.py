"""Who has which role in an incident, and which tasks of its phases are done."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "incident_role",
        sa.Column("incident_id", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "role", name=op.f("pk_incident_role")),
    )
    op.create_table(
        "phase_task",
        sa.Column("incident_id", sa.String(length=40), nullable=False),
        sa.Column("task", sa.String(length=200), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "task", name=op.f("pk_phase_task")),
    )
