"""What acts never becomes reading: in random disguises, and in random shell text that a real bash then runs."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.book.test_adversary import ADVERSARY
from tests.book.test_hiding import SHAPES

from watchkeeper.book.risk import assess

ACTING = [text for text, risk in ADVERSARY if risk != "read"]
#: {} is the command, {q} the command in single quotes
WRAPPERS = (
    "sudo sh -c {q}", "env A=1 bash -c {q}", "nohup sh -c {q} &", "timeout 5 bash -c {q}", "ls | xargs -I@ bash -c {q}",
    "ls; {}\n", "true && {{\n{}\n}}\n", "ls # look\n{}\n", "ls \\\n  -l\n{}\n", "A=1\n{}\nls", "if true\nthen\n{}\nfi\n",
    "(\n{}\n)\n", "for i in 1; do\n{}\ndone\n", "x=$(\n{}\n)\n", 'echo "$(\n{}\n)"', "cat <(\n{}\n)", "ls\n\n{}",
    "bash -c {q} _ a", "eval {q}", "ssh -p 22 a@db1 {q}", "kubectl exec -n x p -c c -- sh -c {q}",
    "docker exec -u root c sh -c {q}", "ls\t&&\t{}\n", "{}\nls | cat", "time {{\n{}\n}}\n",
    "while true; do\n{}\nbreak\ndone\n", "case x in x)\n{}\n;; esac\n", "f() {{\n{}\n}}\nf\n", "bash <<< {q}",
)  # fmt: skip


def disguised(deed: str, shapes: list[str]) -> str:
    """Put a command into one shape after the other."""
    for shape in shapes:
        quoted = "'" + deed.replace("'", "'\\''") + "'"
        deed = shape.replace("{q}", quoted).replace("{{", "{").replace("}}", "}") if "{q}" in shape else shape.format(deed)
    return deed


@given(st.sampled_from(ACTING), st.lists(st.sampled_from(WRAPPERS), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_what_acts_is_never_reading_in_any_disguise(deed: str, shapes: list[str]) -> None:
    text = disguised(deed, shapes)
    assert assess(text)[0] != "read", text


READING = ("ls", "df -h", "kubectl get pods", "psql -c 'SELECT 1'", "curl -fsS http://shop/health")
PLAIN = [shape for shape in (*WRAPPERS, *SHAPES) if "tee" not in shape and not shape.startswith("eval")]


@given(st.sampled_from(READING), st.sampled_from(PLAIN))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_reads_is_not_feared_for_its_wrapper(deed: str, shape: str) -> None:
    text = disguised(deed, [shape])
    assert assess(text)[0] == "read", text


#: what random shell text is made of; `rm` is the program that must not be reached by reading
PIECES = (
    "rm d", "ls", "'", '"', "\\", "`", "$(", ")", "\n", ";", " && ", "|", "#", " ", "<<EOF\n", "\nEOF\n", "<<'EOF'\n", "{ ",
    "; }", "(", "echo ", "x=", "$x", "eval ", "sh -c ", "| xargs ", "$'", "\\x72m d", " d", "cat ", "<(", "<<<", "\\\n",
    "if true; then ", "fi\n", "f() { ", "\nf\n", "$((", "[[ ", "]] ", "&", "||", "! ", "env ", "timeout 2 ", "case a in a) ",
    ";; esac", "| bash -s", "for i in rm; do ", "$i d", '"$x"', "$@", "set -- rm d; ", "${x:-`", "`}", "{rm,d}", "trap ",
    "EXIT", "\r\n", "x>", "=~", "\n\\rm d", "find . -exec ", "\\;", "sed '1e ", "' f", "'\\''", "exec ", ". ./f", "<<EOF;",
    "function ls { ", "\nrm d",
)  # fmt: skip
FRAMES = (
    "ls %s", "echo %s", "echo '%s'", 'echo "%s"', "ls; cat %s", "cat <<EOF\n%s\nEOF\n", "cat <<'EOF'\n%s\nEOF\n",
    "ls # %s\n", "test -n %s", "[ a = %s ]", "x=%s; ls", "ls | cat %s", "if ls; then echo %s; fi", "f() { ls %s; }; f",
    "env ls %s", "(ls %s)", "for i in %s; do echo $i; done", "echo $(ls %s)", "case %s in *) ls;; esac", "%s",
)  # fmt: skip


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder whose only programs are harmless ones, and an `rm` that leaves a mark."""
    folder = tmp_path_factory.mktemp("room")
    programs = folder / "bin"
    programs.mkdir()
    for name in ("bash", "sh", "env", "xargs", "timeout", "find", "cat", "ls", "true", "test", "sed", "tr"):
        if path := shutil.which(name):
            (programs / name).symlink_to(path)
    (programs / "rm").write_text(f"#!{shutil.which('bash')}\n: > '{folder}/ran'\n")
    (programs / "rm").chmod(0o755)
    (folder / "work").mkdir()
    return folder


@pytest.mark.real
@pytest.mark.slow
@given(st.sampled_from(FRAMES), st.lists(st.sampled_from(PIECES), min_size=1, max_size=5))
@settings(max_examples=800, deadline=None, derandomize=True)
def test_bash_runs_nothing_that_was_taken_for_reading(room: Path, frame: str, pieces: list[str]) -> None:
    text = frame.replace("%s", "".join(pieces))
    if assess(text)[0] != "read":
        return
    mark, work = room / "ran", room / "work"
    mark.unlink(missing_ok=True)
    (work / "f").write_text("rm d\n")
    subprocess.run([room / "bin/bash", "-c", text], cwd=work, env={"PATH": str(room / "bin")}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=False)  # fmt: skip
    assert not mark.exists(), text


@pytest.mark.parametrize("text", [
    "ls; " * 20_000 + "rm -rf /data", "echo " + "a" * 300_000 + "; rm -rf /data", "(" * 800 + "rm -rf /data" + ")" * 800,
    "$(" * 400 + "rm -rf /data" + ")" * 400, "sudo " * 500 + "rm -rf /data", "find . -exec " * 300 + "rm x \\;",
    "sh -c " * 50 + "'rm -rf /data'", "{a,b}" * 60 + "; rm -rf /data", "x=1;" * 5000 + "rm -rf $x", "'" * 999,
    "psql -c \"SELECT " + "(" * 3000 + "pg_promote()" + ")" * 3000 + '"', "SELECT 1; " * 3000,
], ids=lambda text: text[:12])  # fmt: skip
def test_length_and_depth_hide_nothing(text: str) -> None:
    assert assess(text)[0] in ("destroy", "unknown")
