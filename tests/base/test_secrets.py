"""Secrets in streams: wherever the reads cut them, what is shown is what a scrub of the whole would show."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.base.secrets import MASK, Scrubber, Secret

# few letters, so that secrets begin, contain and overlap each other
_SECRETS = st.lists(st.text("ab+/=\"' %", min_size=8, max_size=20), min_size=1, max_size=4)
_WORDS = st.text("ab+/=\"' %\n", max_size=12)


def _spelled(secret: str, how: int, before: str) -> str:
    raw = (before + secret).encode()
    forms = (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        secret.replace("'", "'\\''"),
    )
    return forms[how % len(forms)]


@st.composite
def _streams(draw: st.DrawFn) -> tuple[list[str], str, list[str]]:
    secrets = draw(_SECRETS)
    text = ""
    for _ in range(draw(st.integers(0, 6))):
        text += draw(_WORDS)
        text += _spelled(draw(st.sampled_from(secrets)), draw(st.integers(0, 6)), draw(st.text("xyz", max_size=4)))
    text += draw(_WORDS)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return secrets, text, pieces


@settings(max_examples=400, deadline=None)
@given(_streams())
def test_a_stream_is_scrubbed_like_the_whole(stream: tuple[list[str], str, list[str]]) -> None:
    secrets, text, pieces = stream
    scrubber = Scrubber(Secret(secret) for secret in secrets)
    shown = "".join(scrubber.feed(piece) for piece in pieces) + scrubber.flush()
    assert shown == Scrubber(secrets).clean(text)
    assert not any(secret in shown for secret in secrets)


@settings(max_examples=200, deadline=None)
@given(_streams())
def test_nothing_shown_has_to_be_taken_back(stream: tuple[list[str], str, list[str]]) -> None:
    """At every instant what was shown is a beginning of what the whole will show."""
    secrets, text, pieces = stream
    scrubber, shown = Scrubber(secrets), ""
    whole = Scrubber(secrets).clean(text)
    for piece in pieces:
        shown += scrubber.feed(piece)
        assert whole.startswith(shown)


@settings(max_examples=200, deadline=None)
@given(st.text("abcdefgh", min_size=8, max_size=30), st.data())
def test_a_secret_cut_by_an_end_shows_no_part(secret: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(secret) - 1))
    scrubber = Scrubber([secret])
    assert scrubber.clean_cut("out: " + secret[:cut], back=True) == "out: "
    assert scrubber.clean_cut(secret[cut:] + " :out", front=True) == " :out"


def test_the_longer_of_two_secrets_with_the_same_beginning_is_taken_out_whole() -> None:
    scrubber = Scrubber(["correct horse", "correct horse battery"])
    assert scrubber.feed("it is correct horse") == "it is "
    assert scrubber.feed(" battery!") + scrubber.flush() == f"{MASK}!"


def test_a_long_secret_costs_little_memory_and_is_found_across_many_reads() -> None:
    key = "-----BEGIN KEY-----\n" + "\n".join(f"{n:064d}" for n in range(60)) + "\n-----END KEY-----"
    scrubber = Scrubber([key])
    text = f"before {key} after"
    shown = "".join(scrubber.feed(text[at : at + 7]) for at in range(0, len(text), 7)) + scrubber.flush()
    assert shown == f"before {MASK} after"
