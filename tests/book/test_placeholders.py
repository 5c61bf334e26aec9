"""Which words of a runbook are slots to be filled."""

import pytest

from watchkeeper.book.read.placeholders import read_placeholders
from watchkeeper.book.read.procedures import read_procedures
from watchkeeper.text.markdown import read_text


def slots(source: str) -> list[tuple[str, str]]:
    text = read_text(source)
    found, loose = read_procedures(text)
    return [(slot.token, slot.kind) for slot in read_placeholders(text, found, loose)]


def shell(text: str) -> list[tuple[str, str]]:
    return slots(f"## Do it\n```bash\n{text}\n```\n")


@pytest.mark.parametrize(("text", "found"), [
    ("kubectl logs <pod-name> -n <name space>", [("<name space>", "angle"), ("<pod-name>", "angle")]),
    ("curl https://your-domain.com/health", [("your-domain.com", "word")]),
    ("psql -h $DB_HOST", [("$DB_HOST", "env")]), ("aws ec2 modify-volume --volume-id vol-xxx", [("vol-xxx", "word")]),
    ("restore.sh backup_YYYYMMDD_HHMMSS.gz", [("YYYYMMDD_HHMMSS", "date")]),
    ("curl -X PUT http://x/orders/{order_id}", [("{order_id}", "brace")]),
    ("aws s3api get-object --version-id VERSION_ID", [("VERSION_ID", "word")]),
    ("sort < in.txt > out.txt", []), ("X=1\necho $X $HOME $1", []), ("for h in a b; do ssh $h uptime; done", []),
    ("awk '{print $1}' f", []), ("[ -f x ] && cat x", []),
    ("kubectl get po -o jsonpath='{.items[0].metadata.name}'", []), ("cat <<EOF\nx\nEOF", []),
    ("docker ps --format '{{.Names}}'", []), ("echo ${RETRIES:-1} ${HOST_NAME} $(date +%Y%m%d)", [("$HOST_NAME", "env")]),
])  # fmt: skip
def test_slots_of_commands(text: str, found: list[tuple[str, str]]) -> None:
    assert sorted(shell(text)) == found


def test_variables_set_in_another_fence_of_the_same_procedure_are_none() -> None:
    assert slots("## Do it\n```bash\nexport REGION=eu\n```\nthen\n```bash\naws s3 ls --region $REGION\n```\n") == []


def test_slots_of_templates_and_contacts() -> None:
    source = (
        "## Templates\n```\nINCIDENT: [Brief Description]\nSince: [time]\n```\n- Anna: +1-XXX-XXX-XXXX\n"
        "- [Ben](https://ben)\n- [x] done\n"
    )
    assert sorted(slots(source)) == [("+1-XXX-XXX-XXXX", "word"), ("[Brief Description]", "bracket"), ("[time]", "bracket")]


def test_a_number_that_stands_as_a_variable_is_still_to_be_filled_in() -> None:
    source = "## Contacts\n\n- **On call**: $ONCALL_PHONE, on-call@firm.test\n- It costs $5, and `$HOME_FOLDER` is yours.\n"
    assert slots(source) == [("$ONCALL_PHONE", "env")]


def test_all_lines_of_a_slot_are_kept() -> None:
    text = read_text("## Do it\n```bash\nping <host>\nssh <host>\n```\n")
    (only,) = read_placeholders(text, *read_procedures(text))
    assert (only.line, only.lines) == (3, (3, 4))
