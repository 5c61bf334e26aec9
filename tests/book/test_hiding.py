"""No wrapper, pipe, subshell or quoting makes a deletion look like reading."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.book.risk import assess

DEEDS = ("rm -rf /data", "psql -qAtc 'DROP TABLE orders'", "redis-cli flushall", "docker volume rm data",
    "kubectl delete ns shop",
    "mysql -Be 'DELETE FROM orders WHERE 1'", "mongosh --eval 'db.dropDatabase()'", "aws s3 rm s3://b --recursive",
    "git reset --hard HEAD~1", "find /data -delete", "> /var/log/shop.log", "psql -c 'SELECT \"pg_promote\"()'",
    "psql shop < dump.sql", "echo FLUSHALL | redis-cli")  # fmt: skip
#: {} is the command, {q} the command in single quotes
SHAPES = ("ls && {}", "ls; {}", "ls || {}", "({})", "{{ {}; }}", "if ls; then {}; fi", "for i in 1 2; do {}; done", "echo $({})",
    'echo "a $({}) b"', "X=$({})", "sh -c {q}", "bash -lc {q}", "ssh db1 {q}", "docker exec db sh -c {q}",
    "kubectl exec -it db-0 -- bash -c {q}", "sudo sh -c {q}", "su - shop -c {q}", "echo {q} | sh", "sh <<'EOF'\n{}\nEOF",
    "ssh db1 <<'XX'\n{}\nXX", "cat <<'Q' | bash\n{}\nQ", "bash <<< {q}", "watch -n 5 {q}", "flock /l -c {q}",
    "diff <(ls) <({})", "f() {{ {}; }}; f", "trap {q} EXIT", "cat <<EOF\n$({})\nEOF", "case a in a) {};; esac",
    "xargs -I@ sh -c {q}", "find . -exec sh -c {q} \\;", "ls | while read l; do {}; done", "! {}", "test -n \"$({})\"",
    "# first\n{}", "{} || true", "gcloud compute ssh vm1 --command={q}", "(ls; {}) 2>&1 | tee log", "cd /x && {}")  # fmt: skip


def _wrapped(deed: str, shapes: list[str]) -> str:
    for shape in shapes:
        quoted = "'" + deed.replace("'", "'\\''") + "'"
        deed = shape.replace("{q}", quoted) if "{q}" in shape else shape.format(deed)
    return deed


@given(st.sampled_from(DEEDS), st.lists(st.sampled_from(SHAPES), max_size=4))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_what_deletes_is_never_reading_however_it_is_wrapped(deed: str, shapes: list[str]) -> None:
    text = _wrapped(deed, shapes)
    assert assess(text)[0] != "read", text


@pytest.mark.parametrize("shape", SHAPES)
def test_what_only_reads_stays_reading_in_its_plain_wrappers(shape: str) -> None:
    risk, _ = assess(_wrapped("df -h", [shape]))
    assert risk in (("change",) if "tee" in shape else ("read",)), shape
