"""What is put beside the clients of databases in shell text: tables."""

from __future__ import annotations

import subprocess

import pytest

from watchkeeper.run.guarding import guarded, read_only, refusal

ENV = r"env PGOPTIONS=-c\ default_transaction_read_only=on\ -c\ statement_timeout=60000"
TWICE = r"env PGOPTIONS=-c\\\ default_transaction_read_only=on\\\ -c\\\ statement_timeout=60000"
STOP = "-v ON_ERROR_STOP=1"


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("psql -c 'SELECT 1'", "psql -c 'SELECT 1'"),
        ("psql -tAc 'SELECT 1' | head", "psql -tAc 'SELECT 1' | head"),
        ("psql shop <<EOF\nSELECT 1;\nEOF", f"psql {STOP} shop <<EOF\nSELECT 1;\nEOF"),
        ("cat x.sql | psql shop", f"cat x.sql | psql {STOP} shop"),
        ("psql -v ON_ERROR_STOP=0 -f x.sql", "psql -v ON_ERROR_STOP=0 -f x.sql"),
        ("sudo -u postgres psql -c 'SELECT 1'", f"sudo -u postgres {ENV} psql -c 'SELECT 1'"),
        ("docker exec -i db psql -U a -c 'SELECT 1'", f"docker exec -i db {ENV} psql -U a -c 'SELECT 1'"),
        ("docker compose exec -T db psql < x.sql", f"docker compose exec -T db {ENV} psql {STOP} < x.sql"),
        ("docker-compose exec db psql -f x.sql", f"docker-compose exec db {ENV} psql {STOP} -f x.sql"),
        ("kubectl exec -n p db-0 -- psql -c 'SELECT 1'", f"kubectl exec -n p db-0 -- {ENV} psql -c 'SELECT 1'"),
        ('kubectl exec db-0 -- sh -c "psql -c \\"SELECT 1\\""', f'kubectl exec db-0 -- sh -c "{ENV} psql -c \\"SELECT 1\\""'),
        ("ssh -p 22 db 'sudo psql -c \"SELECT 1\"'", f"ssh -p 22 db 'sudo {ENV} psql -c \"SELECT 1\"'"),
        ("ssh db psql -l", f"ssh db {TWICE} psql -l"),
        ("N=$(sudo psql -tAc 'SELECT 1')", f"N=$(sudo {ENV} psql -tAc 'SELECT 1')"),
        ("sudo PGOPTIONS=-cx=1 psql -c 'SELECT 1'", "sudo PGOPTIONS=-cx=1 psql -c 'SELECT 1'"),
        ('echo "psql is here"; cat mysql.log', 'echo "psql is here"; cat mysql.log'),
        ('psql "unclosed', 'psql "unclosed'),
    ],
)
def test_options_stand_beside_the_client_and_nothing_else_changes(text: str, held: str) -> None:
    assert guarded(text, 60, reads=True) == held


def test_what_changes_only_stops_at_the_first_error() -> None:
    assert guarded("sudo psql -f x.sql", 60, reads=False) == f"sudo psql {STOP} -f x.sql"
    assert guarded("docker exec db mysql -e 'DELETE FROM a'", 60, reads=False) == "docker exec db mysql -e 'DELETE FROM a'"


def test_mysql_takes_its_files_of_defaults_first() -> None:
    held = guarded("mysql --defaults-file=a --login-path=b -e 'SELECT 1'", 60, reads=True)
    assert held.startswith("mysql --defaults-file=a --login-path=b --init-command=SET\\ SESSION")


@pytest.mark.parametrize("around", ["{}", "sh -c '{}'", 'bash -c "{}"', "sh -c 'sh -c \"{}\"'"])
def test_a_shell_hands_the_options_over_as_they_are(around: str) -> None:
    """Shown by `env` itself, behind as many shells as the text has."""
    held = guarded(around.format("env psql"), 60, reads=True).replace(f"psql {STOP}", "printenv PGOPTIONS")
    told = subprocess.run(["bash", "-c", held], capture_output=True, text=True, check=True)
    assert told.stdout == f"{read_only(60)}\n"


def test_a_refused_write_is_told_from_other_failures() -> None:
    assert "nothing changed" in (refusal("ERROR:  cannot execute INSERT in a read-only transaction") or "")
    assert "nothing changed" in (refusal("ERROR 1792 (25006): Cannot execute statement in a READ ONLY transaction") or "")
    assert "time limit" in (refusal("ERROR:  canceling statement due to statement timeout") or "")
    assert refusal('ERROR:  relation "read-only" does not exist') is None
