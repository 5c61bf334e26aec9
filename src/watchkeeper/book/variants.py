"""What a call may be once the shell has put in the values that the text itself gives: a call goes in, all its readings come out.

`A=-delete; find /data $A` is judged as `find /data -delete`. A value that the text does not show stays a variable; the word that
names the program is never put in, so that a computed program stays unknown.
"""

from __future__ import annotations

import re
from dataclasses import replace

from watchkeeper.book.syntax import Call, Script, Word

_USED = re.compile(r"\$(?:\{(\w+|[@*])\}|(\w+|[@*]))")
#: readings of one call that are judged
_MOST_VARIANTS = 8


def variants(call: Call, script: Script) -> list[Call]:
    """Give the calls that one may be, with the values that the text itself gives to its variables put in."""
    names = {name for word in call.words[1:] if not word.static for pair in _USED.findall(word.text) for name in pair if name}
    if not names:
        return [call]
    known = {name: script.values[name] for name in names if script.values.get(name)}
    given = _positional(script) if any(name in "@*" or name.isdigit() for name in names) else []
    known.update({name: given for name in names if given and (name in "@*" or name.isdigit())})
    if not known:
        return [call]
    longest = min(max(len(values) for values in known.values()), _MOST_VARIANTS)
    found = [_put_in(call, {name: values[n % len(values)] for name, values in known.items()}) for n in range(longest)]
    settled = all(name in script.settled and script.settled[name] < call.start for name in known)
    return found if settled else [call, *found]


def _positional(script: Script) -> list[str]:
    """Give the words that functions of the text are called with, and those of `set --`."""
    calls = [call for call in script.calls if call.words[0].text in script.functions or call.words[0].text == "set"]
    words = [word.text for call in calls for word in call.words[1:] if word.static and word.text != "--"]
    return [*words, *([" ".join(words)] if len(words) > 1 else [])]


def _put_in(call: Call, values: dict[str, str]) -> Call:
    words = [call.words[0]]
    for word in call.words[1:]:
        if word.static:
            words.append(word)
            continue
        text = _USED.sub(lambda one: values.get(one.group(1) or one.group(2), one.group()), word.text)
        static = "$" not in text and "`" not in text
        words += [Word(text, static, True)] if word.quoted or not text.split() else [Word(part, static) for part in text.split()]
    return replace(call, words=tuple(words))
