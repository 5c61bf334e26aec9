"""Which commands are in a fence, and what is known about each."""

from collections.abc import Callable

import pytest

from watchkeeper.book.shell import read_commands, read_entries, read_inline


def texts(source: str, language: str = "bash") -> list[str]:
    return [command.text for command in read_commands(source, 1, language)]


def test_continuations_pipelines_lists_and_here_documents_are_one_command_each() -> None:
    source = (
        "curl -f \\\n  http://shop/health\nps aux | grep shop\nmake && make install\ncat > f <<EOF\n"
        'rm -rf /\nEOF\npsql -c "\nSELECT 1;\nSELECT 2;"\n'
    )
    assert [(c.line, c.tools) for c in read_commands(source, 10, "bash")] == [
        (10, ("curl",)), (12, ("ps", "grep")), (13, ("make",)), (14, ("cat",)), (17, ("psql",)),
    ]  # fmt: skip


def test_a_compound_statement_is_one_command() -> None:
    source = "for h in a b; do\n  ssh $h uptime\ndone\nif [ -f x ]; then\n  cat x\nfi\necho end"
    assert [c.line for c in read_commands(source, 1, "bash")] == [1, 4, 7]


def test_comments_are_purposes_and_remarks_leave_the_text() -> None:
    (command,) = read_commands("# Look at the disk\ndf -h # all of it", 1, "bash")
    assert (command.text, command.purpose) == ("df -h", "all of it")


def test_prompts_are_taken_off_and_output_is_left_out() -> None:
    assert texts("$ docker ps\nCONTAINER ID   IMAGE\nabc   shop\n$ df -h", "console") == ["docker ps", "df -h"]
    assert texts("anna@db1:~$ uptime\n 10:00 up 3 days", "") == ["uptime"]


def test_other_languages_in_a_shell_fence_are_told_apart() -> None:
    source = "psql -U shop\n\\dt\nSELECT count(*)\nFROM orders;\n\nredis-cli\nINFO memory\nKEYS *\n"
    assert [(c.language, c.tools[0], c.line) for c in read_commands(source, 1, "bash")] == [
        ("bash", "psql", 1), ("psql", "psql", 2), ("sql", "sql", 3), ("bash", "redis-cli", 6), ("redis", "redis-cli", 7),
        ("redis", "redis-cli", 8),
    ]  # fmt: skip


def test_numbered_prose_in_a_shell_fence_gives_its_commands_and_its_instructions() -> None:
    entries = read_entries(
        "1. Look at processes: htop\n2. Restart it: docker compose restart shop\n3. Scale the database: consider replicas",
        1,
        "bash",
    )
    assert [(e.kind, e.line) for e in entries] == [("command", 1), ("command", 2), ("step", 3)]


@pytest.mark.parametrize("language", ["yaml", "json", "promql", "hcl", "nginx", "mermaid"])
def test_configuration_is_no_command(language: str) -> None:
    assert texts("restart: always\ncommand: rm -rf /", language) == []


def test_application_code_is_no_command_but_what_is_typed_at_a_prompt_is() -> None:
    assert texts("import os\nos.remove('x')", "python") == []
    found = read_commands("kubectl exec -it shop-0 -- python\nfrom shop import repair\nrepair()", 1, "python")
    assert [(c.language, c.line) for c in found] == [("bash", 1), ("python", 2)]


def test_an_untagged_fence_of_prose_or_output_is_no_command() -> None:
    assert texts("Alert: checkout is down\nResponse: < 2 minutes\n", "") == []
    assert texts("find the pod that fails\ntest the failover\nmake sure it works", "") == []
    assert texts("shop -> database\n  |\n  v\nredis", "text") == []


def test_placeholders_are_no_redirections() -> None:
    (command,) = read_commands("kubectl logs <pod-name> -n <namespace>", 1, "bash")
    assert (command.tools, command.risk, command.placeholders) == (("kubectl",), "read", ("<pod-name>", "<namespace>"))


@pytest.mark.parametrize(("text", "endless", "interactive"), [
    ("tail -f /var/log/shop.log", True, False), ("timeout 9 tail -f x", False, False), ("docker logs -f shop", True, False),
    ("docker compose -f c.yml logs shop", False, False),
    ("docker compose up", True, False), ("docker compose up -d", False, False), ("ping db1", True, False),
    ("ping -c 3 db1", False, False), ("top", True, False), ("top -bn1", False, False),
    ("htop", True, False), ("watch -n 5 'df -h'", True, False), ("kubectl port-forward svc/shop 80:80", True, False),
    ("kubectl port-forward svc/shop 80:80 &", False, False), ("redis-cli MONITOR", True, False),
    ("docker stats", True, False), ("docker stats --no-stream", False, False), ("journalctl -u shop -f", True, False),
    ("ssh db1", False, True), ("ssh db1 uptime", False, False), ("psql -h db", False, True),
    ("psql -h db -c 'SELECT 1'", False, False), ("docker exec -it shop bash", False, True),
    ("docker exec -it shop ls", False, False), ("vim /etc/hosts", False, True), ("kubectl edit deploy shop", False, True),
    ("iostat -x 1", True, False), ("iostat -x 1 5", False, False),
])  # fmt: skip
def test_what_never_returns_and_what_waits_for_a_person(text: str, endless: bool, interactive: bool) -> None:
    (command,) = read_commands(text, 1, "bash")
    assert (command.endless, command.interactive) == (endless, interactive)


@pytest.mark.parametrize(("text", "target"), [
    ("docker compose restart shop", "shop"), ("kubectl rollout restart deployment/shop -n x", "shop"),
    ("systemctl restart shop.service", "shop"), ("docker exec db psql -c 'SELECT 1'", "db"),
    ("ssh anna@db1 uptime", "db1"), ("kubectl exec pod/db-0 -- ls", "db-0"), ("df -h", None), ("docker logs <name>", None),
    ("supervisorctl restart shop:web", "shop"),
])  # fmt: skip
def test_what_a_command_acts_on(text: str, target: str | None) -> None:
    assert read_commands(text, 1, "bash")[0].target == target


@pytest.mark.parametrize(("text", "found"), [
    ("docker logs shop", True), ("SELECT pg_terminate_backend(1)", True), ("./deploy.sh", True), ("kubectl", False),
    ("/health", False), ("shop-api", False), ("find the pod", False),
    ("docs/alerts.md", False), ("../other/guide.md", False), ("http://shop/health", False), ("DATABASE_URL=x", False),
    ("/link now", False),
])  # fmt: skip
def test_inline_code_is_a_command_only_where_it_is_one(text: str, found: bool) -> None:
    assert (read_inline(text) is not None) == found


def test_variables_that_the_fence_sets_are_no_slots() -> None:
    found = read_commands('LATEST=$(ls -t | head -1)\nrestore "$LATEST" --host $DB_HOST', 1, "bash")
    assert found[1].placeholders == ("$DB_HOST",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "'",
        '"',
        "$(",
        "<<EOF",
        "if",
        "`",
        "\\",
        "{" * 50,
        "(" * 200,
        "é'" * 30,
        "- \n- \n",
        "<" * 99,
        "a=b=c",
        "|",
        "SELECT '",
        "$ ",
        "\ud800",
    ],
)
def test_nothing_raises(text: str) -> None:
    for language in ("bash", "sql", "", "python", "powershell", "redis", "js"):
        read_commands(text, 1, language)
        read_inline(text)


def test_one_stray_apostrophe_does_not_swallow_the_rest() -> None:
    assert texts("echo don't\ndf -h\nfree -h")[1:] == ["df -h", "free -h"]


def test_work_grows_with_the_length(growth: Callable[[Callable[[int], object]], float]) -> None:
    lines = "curl -f http://shop/health | grep ok\n# look\nif [ -f x ]; then\n  cat x\nfi\n"
    assert growth(lambda size: read_commands(lines * 20 * size, 1, "bash")) < 2.6


def test_a_configuration_block_in_a_shell_fence_is_no_command() -> None:
    source = "/var/log/shop/*.log {\n    daily\n    postrotate\n        systemctl reload shop\n    endscript\n}\ndf -h"
    assert texts(source) == ["df -h"]
    assert texts("greet() {\n  echo hello\n}") == ["greet() {\n  echo hello\n}"]
