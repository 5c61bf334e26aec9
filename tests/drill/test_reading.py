"""estate.toml and faults: what is wrong is said with its file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.base.errors import InputError
from watchkeeper.drill.reading import read_course, read_fault


def test_an_estate_is_read_with_its_faults(tiny_estate: Path) -> None:
    course = read_course(tiny_estate)
    assert course.name == "kiosk"
    assert course.commands["well"] == "./estate well"
    assert [fault.name for fault in course.faults] == ["forgotten", "hung", "killed"]
    killed = course.faults[-1]
    assert (killed.pace, killed.patience_s, killed.expected.promise_s) == (10.0, 30.0, 300.0)
    assert killed.expected.procedure == ("Kiosk is not answering",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('mend = "./estate mend"\n', "", "mend is missing."),
        ("pace = 10", "pace = 0", "pace is 0."),
        ("pace = 10", "paces = 10", "paces is not known."),
        ("pace = 10", 'quiet = "yes"', "quiet is 'yes'."),
        ('patience = "30s"', 'patience = "soon"', "patience is 'soon'."),
        ('alert = "Kiosk"\n', "", "expect.alert is missing."),
        ('cause = "Kiosk"', "cause = 3", "expect.cause is 3."),
        ('promise = "5m"', "recovers = false", "expect.waits_for is missing."),
        ('promise = "5m"', "approvals = -1", "expect.approvals is -1."),
        ('promise = "5m"', 'promise_from = "now"', "expect.promise_from is 'now'."),
        ("[expect]", "[expects]", "expects is not known."),
    ],
)
def test_a_wrong_fault_is_refused_with_its_file_and_key(written: Path, old: str, new: str, said: str) -> None:
    text = written.read_text()
    assert old in text
    written.write_text(text.replace(old, new))
    with pytest.raises(InputError) as refused:
        read_fault(written)
    assert str(refused.value) == f"{written}: {said}"
    assert refused.value.hint


def test_what_is_no_estate_says_so(tmp_path: Path, tiny_estate: Path) -> None:
    with pytest.raises(InputError, match="not an estate"):
        read_course(tmp_path)
    (tiny_estate / "estate.toml").write_text('[estate]\nup = "true"\ndown = "true"\n')
    with pytest.raises(InputError, match=r"estate.well is missing"):
        read_course(tiny_estate)
    (tiny_estate / "estate.toml").write_text("[estate")
    with pytest.raises(InputError, match="is not TOML"):
        read_course(tiny_estate)
