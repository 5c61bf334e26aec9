"""Settings of the program itself (what it watches is in watchkeeper.toml): one table, environment over default.

Each setting is read from `WATCHKEEPER_<NAME>`; a secret may also come from `WATCHKEEPER_<NAME>_FILE`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.base.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, its default as text, what it does."""

    name: str
    default: str
    help: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """Give the environment variable that sets it."""
        return f"WATCHKEEPER_{self.name.upper()}"


SETTINGS: tuple[Setting, ...] = (
    Setting("state", ".watchkeeper", "Folder for the database, step outputs and reviews, relative to watchkeeper.toml."),
    Setting("database_url", "", "PostgreSQL URL; empty: SQLite in the state folder.", secret=True),
    Setting("engine", "dbos", "What drives runs durably: dbos (built in) or temporal (a server of yours)."),
    Setting("temporal_address", "127.0.0.1:7233", "Address of the Temporal server; only with the engine temporal."),
    Setting("temporal_namespace", "default", "Namespace on the Temporal server."),
    Setting("temporal_queue", "", "Task queue on the Temporal server; empty: one named after the database."),
    Setting("worker_lease_s", "10", "How long a worker may be silent before its peers take over its runs, in seconds."),
    Setting("host", "127.0.0.1", "Address on which the console listens."),
    Setting("port", "0", "Port of the console; 0 takes a free one."),
    Setting("public_url", "", "Address under which people reach the console through a proxy: https://watch.example.com."),
    Setting("proxies", "", "Addresses of proxies whose word for a caller's address counts, with commas; empty: none."),
    Setting("metrics_open", "", "loopback: /metrics needs no token from this machine; empty: it wants one like all else."),
    Setting("link_key", "", "Signs the links in notices, the same for all workers; empty: one in the state folder.", secret=True),
    Setting("max_book_bytes", "5000000", "The largest runbook that is read, in bytes."),
    Setting("step_output_bytes", "2000000", "Most output kept of one step, half from its start and half from its end, in bytes."),
    Setting("group_wait_s", "1", "How long an alert waits for a cause that may explain it, in seconds."),
    Setting("keep_samples_days", "7", "How long samples are kept as they are, in days; 0: for ever."),
    Setting("keep_minutes_days", "14", "How long sums of samples by the minute are kept, in days; 0: for ever."),
    Setting("keep_5_minutes_days", "60", "How long sums of samples by five minutes are kept, in days; 0: for ever."),
    Setting("keep_hours_days", "400", "How long sums of samples by the hour are kept, in days; 0: for ever."),
    Setting("keep_outputs_days", "90", "How long what acts printed is kept after their run ended, in days; 0: for ever."),
    Setting("keep_events_days", "0", "How long the logs of ended runs are kept, in days; 0: for ever."),
    Setting("keep_ledger_days", "0", "How long ledger entries stay in the database before they are exported; 0: for ever."),
    Setting("export_folder", "", "Folder for exported ledger entries; empty: exports in the state folder."),
    Setting("anchor_file", "", "File outside the state folder to which the ledger's head is written; empty: beside the log."),
    Setting("dead_man_url", "", "Address that is called every minute while Watchkeeper lives; empty: none."),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force."""

    values: Mapping[str, str]

    def text(self, name: str) -> str:
        """Give a setting as text."""
        return self.values[name]

    def number(self, name: str) -> float:
        """Give a setting as a number."""
        try:
            return float(self.values[name])
        except ValueError:
            raise ConfigError(
                f"WATCHKEEPER_{name.upper()} is {self.values[name]!r}, which is not a number.",
                hint=next(s.help for s in SETTINGS if s.name == name),
                code="WK122",
            ) from None


def load_settings(environment: Mapping[str, str] | None = None, **overrides: str) -> Settings:
    """Read the settings from the environment; `overrides` win. An unreadable *_FILE is an error, never ignored."""
    environment = os.environ if environment is None else environment
    values: dict[str, str] = {}
    for setting in SETTINGS:
        value = environment.get(setting.variable, setting.default)
        source = environment.get(f"{setting.variable}_FILE")
        if setting.secret and source:
            try:
                value = Path(source).read_text().strip()
            except OSError as problem:
                raise ConfigError(
                    f"{setting.variable}_FILE names {source}, which cannot be read: {problem.strerror}.",
                    hint="Mend the path or its permissions, or unset the variable.",
                    code="WK123",
                ) from None
        values[setting.name] = overrides.get(setting.name, value)
    return Settings(values)
