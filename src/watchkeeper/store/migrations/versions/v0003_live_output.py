"""What acts print while they run, and which run goes on where another ended."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of live output and the link from a resumed run to the one that ended."""
    op.create_table(
        "act_output",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("act", sa.String(length=30), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "act", "attempt", "start", name=op.f("pk_act_output")),
    )
    op.add_column("run", sa.Column("resumes", sa.String(length=40), nullable=True))
    op.create_index("ix_run_resumes", "run", ["resumes"], unique=True)
