"""Terraform and OpenTofu: the plan, read from what `plan` or `show` says; no lock is taken."""

from __future__ import annotations

import re

from watchkeeper.run.effect.model import Answers, Effect, Look, Seen, unseen
from watchkeeper.run.effect.place import Place
from watchkeeper.run.effect.words import listed, sentence

_SUMMARY = re.compile(r"Plan: (?:(\d+) to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy")
_THING = re.compile(r"^\s*# (\S+)(?: \([^)]*\))? (?:will|must) be (created|updated in-place|destroyed|replaced)", re.MULTILINE)
_PASSED = frozenset({"-var", "-var-file", "-target", "-replace", "-parallelism", "-state"})


def of_place(place: Place) -> Effect | None:
    """Give the effect of `terraform apply` and `destroy`."""
    front = []
    words = list(place.words)
    while words and words[0].text.startswith("-"):
        front.append(words.pop(0))
    if not words or words[0].text not in ("apply", "destroy"):
        return None
    verb, rest = words[0].text, words[1:]
    saved = [word for n, word in enumerate(rest) if not word.text.startswith("-") and (n == 0 or rest[n - 1].text not in _PASSED)]
    passed = place.pick(_PASSED)
    if saved:
        look = place.own(*front, "show", "-no-color", *saved[:1])
    else:
        destroys = ["-destroy"] if verb == "destroy" or any(word.text == "-destroy" for word in rest) else []
        look = place.own(*front, "plan", "-input=false", "-lock=false", "-no-color", *destroys, *passed)

    def read(answers: Answers) -> Seen:
        output = answers[0].output
        if not answers[0].ok:
            return unseen(answers[0])
        summary, things = _SUMMARY.search(output), _THING.findall(output)
        if summary is None and not things:
            return Seen("Changes nothing: what is there is as it is written.", "terraform nothing")
        add, change, destroy = (int(summary[n]) for n in (2, 3, 4)) if summary else (0, 0, 0)
        gone = [name for name, what in things if what in ("destroyed", "replaced")]
        told = [f"adds {add}, changes {change}, destroys {destroy}"]
        told += [f"destroys or replaces {listed(gone)}"] if gone else []
        told += [f"changes {listed(name for name, what in things if what == 'updated in-place')}"] if change else []
        return Seen(sentence(told), "terraform " + " ".join(sorted(f"{name}:{what}" for name, what in things)))

    return Effect(
        read, (Look(place.script(look)),), no_way_back="No way back is known: apply the version before of what is written."
    )
