"""What is kept and shown of an output: head and tail, and no part of a secret at a cut."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.base.secrets import Secret
from watchkeeper.run.output import read_raw, safe

TOKEN = Secret("tk-0123456789-abcdef", "TOKEN")


def test_a_long_output_keeps_its_head_and_tail(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(b"".join(b"line %d\n" % n for n in range(1000)))
    kept = read_raw(tmp_path / "output", 200)
    assert kept.startswith("line 0\nline 1\n")
    assert kept.endswith("line 998\nline 999\n")
    assert "bytes left out" in kept


def test_a_secret_that_the_gap_cuts_in_two_is_taken_out_of_both_ends(tmp_path: Path) -> None:
    for shift in range(25):
        filler = "x" * (100 - shift)
        text = filler + TOKEN.reveal() + "y" * 500 + TOKEN.reveal() + "z" * (100 - shift)
        (tmp_path / "output").write_text(text)
        kept = safe(read_raw(tmp_path / "output", 200), [TOKEN])
        assert not any(TOKEN.reveal()[at : at + 5] in kept for at in range(16)), kept
