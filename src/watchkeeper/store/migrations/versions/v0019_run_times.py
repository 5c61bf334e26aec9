"""When runs began and ended, in order: what an incident suspects and what a list shows are found without looking at all."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("ix_run_started", "run", ["started_at"])
    op.create_index("ix_run_ended", "run", ["ended_at"])
