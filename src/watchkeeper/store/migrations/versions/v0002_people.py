"""People come in by more than the printed address, and a token says for which service, for what, and who answers for it."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen tokens and sessions; make the tables of passwords, guesses, used links and errands."""
    for name, kind in (("person", sa.String(200)), ("service", sa.String(100))):
        op.add_column("token", sa.Column(name, kind, nullable=False, server_default=""))
    op.add_column("token", sa.Column("scopes", sa.Text(), nullable=True))
    # a session of before does not say what it grants: who had one signs in again
    op.execute("DELETE FROM session")
    for name, length in (("role", 20), ("by", 200), ("opened_from", 100), ("service", 100)):
        op.add_column("session", sa.Column(name, sa.String(length), nullable=False, server_default=""))
    op.create_table(
        "password",
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("hash", sa.String(length=300), nullable=False),
        sa.Column("set_at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_password")),
    )
    op.create_table(
        "guess",
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", schema.Instant(), nullable=False),
        sa.Column("wait_until", schema.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_guess")),
    )
    op.create_table(
        "used_link",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("used_at", schema.Instant(), nullable=False),
        sa.Column("expires_at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_used_link")),
    )
    op.create_table(
        "errand",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("expires_at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_errand")),
    )
