"""Brings a database to this release's schema. Alembic does the work; two processes that start at once do it one by one."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from watchkeeper.base.errors import ConfigError
from watchkeeper.store.database import Database, engine_for_migrations

_LOCK = 7_215_330_118  # any number that is ours: PostgreSQL's advisory lock of the migration


def migrate(database: Database) -> None:
    """Upgrade to the newest revision; a database of a newer release is an error, never touched."""
    config = alembic_config()
    scripts = ScriptDirectory.from_config(config)
    if database.read_now(_revision) == scripts.get_current_head():
        return  # the usual case takes no lock
    engine = engine_for_migrations(database)
    try:
        with engine.begin() as connection:
            if database.dialect == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            current = MigrationContext.configure(connection).get_current_revision()
            if current == scripts.get_current_head():
                return
            if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
                raise ConfigError(
                    f"The database has schema {current}, which this release does not know.",
                    hint="It belongs to a newer release: start that one, or restore a backup from before the upgrade.",
                    code="WK125",
                )
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def alembic_config() -> Config:
    """Give Alembic's configuration, with the migrations of this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
