"""`watchkeeper show`: what people and programs see."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.cli import execute

SHOP = (
    "# Shop runbook\n\n## Alerts (P1)\n- Error rate > 5% for 5 minutes\n\n"
    "## Restart\n1. Restart:\n   ```bash\n   docker compose restart shop\n   ```\n\n"
    "```\nfrobnicate\n```\n"
)


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "shop.md"
    path.write_text(SHOP)
    return str(path)


def test_text(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["show", shop]) == 0
    out = capsys.readouterr().out
    for words in ("Shop runbook", "docker compose restart shop", "change", "Error rate", "> 5% for 5 min", "P1"):
        assert words in out
    assert out.index("Not understood") > out.index("Thresholds")


def test_json(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["show", shop, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["thresholds"][0]["for_s"] == 300


def test_why(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["show", shop, "--why", "4"]) == 0
    out = capsys.readouterr().out
    assert "threshold" in out
    assert "Error rate > 5% for 5 minutes" in out
    assert execute(["show", shop, "--why", "2"]) == 1
    assert "line 2" in capsys.readouterr().err


def test_what_is_no_runbook_ends_with_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"\x00\x01")
    assert execute(["show", str(path)]) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 2


def test_stub(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Runbook\n\nTBD\n")
    assert execute(["show", str(path)]) == 0
    assert "Nothing to carry out" in capsys.readouterr().out


def test_starts_without_the_heavy_parts(shop: str) -> None:
    heavy = ("sqlalchemy", "dbos", "rich.table", "ftfy")
    code = f"""if True:
        import sys
        from watchkeeper.cli import execute
        execute(["show", {shop!r}, "--format", "json"])
        print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_runbook_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil.md"
    path.write_text(
        "# Shop \x1b[2Jgone\n\n## Restart \u202ethe shop\n\n1. Restart it: `systemctl restart web`\n2. Look\x1b]0;title\x07\n"
    )
    for more in ([], ["--why", "5"]):
        assert execute(["show", str(path), *more]) == 0
        shown = capsys.readouterr().out
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)
        assert "systemctl restart web" in shown


def test_why_says_what_a_line_without_facts_is(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = {2: "it is blank", 99: "lines 1 to 14, and no line 99", 0: "no line 0", 8: "the procedure Restart (line 6)"}
    for line, words in said.items():
        assert execute(["show", shop, "--why", str(line)]) == 1
        assert words in capsys.readouterr().err


def test_why_of_a_later_line_of_a_command_is_that_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Shop\n\n## Look\n\n```bash\ndocker compose ps \\\n  --all\n```\n")
    assert execute(["show", str(path), "--why", "7"]) == 0
    assert "docker compose ps" in capsys.readouterr().out


@pytest.mark.parametrize("columns", [80, 120])
def test_nothing_is_wider_than_the_terminal_and_no_column_is_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    path = tmp_path / "a.md"
    path.write_text(
        "# Shop\n\n## Weekly check (every Monday 09:00)\n\n1. Look at the shop " + "and at its neighbours " * 30 + "\n\n"
        "```bash\ndocker compose logs " + "web-server-number-one " * 30 + "\n```\n\n"
        "## Contacts\n\n| Role | Phone |\n| --- | --- |\n| Lead | +1 555 0100 |\n\n[Queue](gone.md)\n\n"
        "```\n=======\nfrobnicate\n```\n"
    )
    assert execute(["show", str(path)]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns
    assert "week on Mon" in out
    assert "email" not in out
    assert "FREQ=" not in out
    assert "not read" in out
    assert "frobnicate" in out[out.index("Not understood") :]
    assert "===" not in out
    assert " …" in out


def test_a_command_over_several_lines_is_shown_whole_and_a_warning_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.md"
    path.write_text(
        "# Shop\n\n## Make room\n\n```bash\n# Remove old images (cannot be undone)\n"
        "docker exec web \\\n  rm -rf /var/tmp/old\n```\n\n[a](b.md) [c](b.md)\n"
    )
    assert execute(["show", str(path)]) == 0
    out = capsys.readouterr().out
    assert "docker exec web rm -rf /var/tmp/old" in out
    assert out.count("cannot be undone") == 1
    assert out.count("b.md") == 1
