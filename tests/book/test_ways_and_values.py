"""Ways beside each other, files of variables, and how long a page takes."""

from __future__ import annotations

from watchkeeper.book.reader import read_source


def test_methods_are_ways_of_one_procedure() -> None:
    text = (
        "# Shop\n\n## Roll back\n\n### Method 1: Switch colours\n\n```bash\n./switch.sh blue\n```\n\n"
        "### Method 2: Redeploy\n\n```bash\n./deploy.sh previous\n```\n"
    )
    (procedure,) = read_source("r.md", text).procedures
    assert [(step.commands[0].text, step.when) for step in procedure.steps] == [
        ("./switch.sh blue", "Switch colours"), ("./deploy.sh previous", "Redeploy"),
    ]  # fmt: skip


def test_a_file_of_variables_is_configuration() -> None:
    text = "# Shop\n\n## Deploy\n\nIn `.env`:\n\n```env\nLOG_LEVEL=info  # or debug\nPOOL=5\n```\n\n```bash\n./deploy.sh\n```\n"
    book = read_source("r.md", text)
    assert [(c.kind, c.values, c.line) for c in book.configs] == [("env", {"LOG_LEVEL": "info", "POOL": 5}, 8)]
    assert [c.text for p in book.procedures for s in p.steps for c in s.commands] == ["./deploy.sh"]


def test_values_under_a_heading_about_the_environment_are_no_procedure() -> None:
    book = read_source("r.md", "# Shop\n\n## Environment\n\n```bash\nPOOL=5\nLOG_LEVEL=info\n```\n")
    assert [c.kind for c in book.configs] == ["env"]
    assert not book.procedures
    assert not book.commands


def test_variables_beside_commands_are_no_file() -> None:
    assert not read_source("r.md", "# Shop\n\n## Environment\n\n```bash\nPOOL=5\n./deploy.sh\n```\n").configs


def test_how_long_a_page_takes_in_japanese() -> None:
    table = "| 指標 | 正常 | 警告 | 重大 |\n|---|---|---|---|\n| ページ読み込み時間 | < 2秒 | > 3秒 | > 5秒 |\n"
    found = read_source("r.md", f"# 店\n\n## 監視\n\n{table}").thresholds
    assert [(t.metric, t.op, t.value, t.severity) for t in found] == [
        ("response_time", "<", 2.0, None), ("response_time", ">", 3.0, "warning"), ("response_time", ">", 5.0, "critical"),
    ]  # fmt: skip
