"""Several effects of one command as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchkeeper.run.effect.model import Answers, Effect, Seen


def combine(effects: Sequence[Effect]) -> Effect:
    """Give the effects of a command's programs as one: looks in a row, sentences in a row, the way back in reverse."""
    if len(effects) == 1:
        return effects[0]

    def read(answers: Answers) -> Seen:
        seen, at = [], 0
        for effect in effects:
            seen.append(effect.read(answers[at : at + len(effect.looks)]))
            at += len(effect.looks)
        before = [each.before for each in seen]
        return Seen(
            " ".join(each.sentence for each in seen),
            "\n".join(each.scope for each in seen),
            before if any(each is not None for each in before) else None,
            tuple(seen),
        )

    def undo(before: Any) -> str | None:
        texts = [effect.undo(each) if each is not None else None for effect, each in zip(effects, before, strict=True)]
        if not all(texts):
            return None
        joint = "; " if language in ("sql", "redis") else " && "
        return joint.join(text for text in reversed(texts) if text)

    def happened(before: Any, now: Seen) -> bool | None:
        olds = before if isinstance(before, list) else [None] * len(effects)
        told = [effect.happened(old, part) for effect, old, part in zip(effects, olds, now.parts, strict=False)]
        return True if told and all(each is True for each in told) else None

    languages = {effect.language for effect in effects}
    language = languages.pop() if len(languages) == 1 else "bash"
    lacking = next((effect.no_way_back for effect in effects if effect.no_way_back), "No way back is known.")
    looks = tuple(look for effect in effects for look in effect.looks)
    return Effect(read, looks, undo, happened, lacking, language, any(effect.known for effect in effects))
