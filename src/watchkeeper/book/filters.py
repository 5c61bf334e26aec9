"""Programs whose words hold programs of their own: `sed`, `awk`, `tar`, `git -c`, `rsync -e` and their like.

Words go in; the reason why they do more than they seem, or None, comes out. It is asked of programs that the table lets read
or change: what they would start besides is never in the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from watchkeeper.book.verdicts import Judged

_RUNS: Judged = ("unknown", "")


def look_closer(name: str, texts: Sequence[str]) -> Judged | None:
    """Give a graver verdict where the words of a program hold code, options or files that the table cannot see."""
    look = _LOOKS.get(name)
    found = look(texts) if look else None
    if found is not None and found[1] == "":
        return "unknown", f"What {name} is told to run or to write is not judged."
    return found


def _values(texts: Sequence[str], *options: str) -> list[str]:
    """Give the values of options, attached or not, also where a long one is shortened."""
    found: list[str] = []
    for number, text in enumerate(texts):
        name, equals, value = text.partition("=")
        for option in options:
            if text == option or (
                option.startswith("--") and len(name) > 3 and option.startswith(name) and name.startswith("--")
            ):
                found.append(value if equals else (texts[number + 1] if number + 1 < len(texts) else ""))
            elif not option.startswith("--") and text.startswith(option) and len(text) > len(option):
                found.append(text[len(option) :].removeprefix("="))
    return found


# ── awk ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_AWK_OPTIONS = re.compile(r"-[fiElopdD]\w*$|-i\b|-f.+|--(?:f|i|l|ex|o|p|du|de|pr)[\w-]*")
_AWK_TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*\"|#[^\n]*|[A-Za-z_]\w*|&&|\|\||\|&|>>|>=|<=|==|!=|.|\n", re.DOTALL)


def _awk(texts: Sequence[str]) -> Judged | None:
    position, program = 0, None
    while position < len(texts):
        text = texts[position]
        position += 1
        if text in ("-F", "-v", "--assign", "--field-separator"):
            position += 1
        elif text in ("-e", "--source"):
            return _RUNS
        elif text.startswith("-") and len(text) > 1 and text != "--":
            if _AWK_OPTIONS.match(text) and not text.startswith(("-F", "-v")):
                return _RUNS
        elif text != "--":
            program = text
            break
    return _RUNS if program is not None and awk_acts(program) else None


def awk_acts(program: str) -> bool:
    """Say whether an awk program starts others, writes files or calls what it computes.

    >>> awk_acts('$3 > 80 {print $1}'), awk_acts('{print > "f"}'), awk_acts('{print "a > b"}')
    (False, True, False)
    """
    before = ""
    printing, depth = False, 0
    position = 0
    while position < len(program):
        if program[position] == "/" and (
            before in ("", "(", ",", "{", "}", ";", "!", "~", "&&", "||", "\n", "=") or before == "print"
        ):
            end = re.compile(r"/(?:[^/\\\n\[]|\\.|\[(?:\\.|[^\]\\\n])*\])*/").match(program, position)
            if end is None:
                return True
            position, before = end.end(), "/"
            continue
        token = _AWK_TOKEN.match(program, position)
        if token is None:
            return True
        position, word = token.end(), token.group()
        if word.isspace() and word != "\n":
            continue
        if word in ("system", "getline", "@", "|", "|&"):
            return True
        if word in ("print", "printf"):
            printing, depth = True, 0
        elif word in "([":
            depth += 1
        elif word in ")]":
            depth = max(0, depth - 1)
        elif word in (";", "}", "\n"):
            printing = False
        elif word in (">", ">>") and printing and depth == 0:
            return True
        before = word
    return False


# ── sed ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_SED_TEXT = frozenset("aic")
_SED_FLAGS = re.compile(r"[gpiImM0-9]*")


def _sed(texts: Sequence[str]) -> Judged | None:
    programs: list[str] = []
    plain: list[str] = []
    position = 0
    while position < len(texts):
        text = texts[position]
        position += 1
        name, equals, value = text.partition("=")
        if text.startswith("--") and len(text) > 2:
            if len(name) > 3 and "--expression".startswith(name):
                programs.append(value if equals else "".join(texts[position : position + 1]))
                position += not equals
            elif len(name) > 3 and "--file".startswith(name):
                return _RUNS
        elif text.startswith("-") and len(text) > 1:
            letters = re.match(r"-([nrEsuzbi]*)([efl]?)(.*)", text, re.DOTALL)
            letter, rest = (letters.group(2), letters.group(3)) if letters else ("", "")
            if letter == "f":
                return _RUNS
            if letter in ("e", "l"):
                given = rest or "".join(texts[position : position + 1])
                position += not rest
                if letter == "e":
                    programs.append(given)
        else:
            plain.append(text)
    if not programs:
        programs = plain[:1]
    return _RUNS if any(sed_acts(program) for program in programs) else None


def sed_acts(program: str) -> bool:
    """Say whether a sed program runs commands or writes files; what cannot be followed counts as if.

    >>> sed_acts("s|/etc|/opt|g"), sed_acts("s,a,b,w /etc/motd"), sed_acts("1e date"), sed_acts("/^#/d;$!N")
    (False, True, True, False)
    """
    position, length = 0, len(program)
    while position < length:
        position = _sed_address(program, position)
        if position < 0 or position >= length:
            return position < 0
        letter = program[position]
        position += 1
        if letter in "ewW":
            return True
        if letter in "sy":
            ends = _sed_parts(program, position)
            if ends < 0:
                return True
            flags = _SED_FLAGS.match(program, ends)
            position = flags.end() if flags else ends
            if program[position : position + 1] in ("e", "w"):
                return True
        elif letter in _SED_TEXT or letter in "rRbtT:":
            end = program.find("\n", position)
            if letter in "btT":
                end = min((at for at in (end, program.find(";", position), program.find("}", position)) if at >= 0), default=-1)
            position = length if end < 0 else end
        elif letter not in "dDgGhHnNpPxlqQ=zF{}#;,":
            return True
        elif letter == "#":
            end = program.find("\n", position)
            position = length if end < 0 else end
        else:
            number = re.compile(r"\d*").match(program, position)
            position = number.end() if number else position
    return False


def _sed_address(program: str, position: int) -> int:
    """Go past blanks and addresses; -1 where an address does not end."""
    while position < len(program):
        char = program[position]
        if char in " \t\n;}{,!$~+" or char.isdigit():
            position += 1
        elif char == "/" or (char == "\\" and position + 1 < len(program)):
            mark = char if char == "/" else program[position + 1]
            end = _to_mark(program, position + (1 if char == "/" else 2), mark)
            if end < 0:
                return -1
            position = end
            while program[position : position + 1] in ("I", "M"):
                position += 1
        else:
            return position
    return position


def _sed_parts(program: str, position: int) -> int:
    """Give the position after the two parts of `s` or `y`; -1 where there are none."""
    mark = program[position : position + 1]
    if not mark or mark in "\\\n":
        return -1
    first = _to_mark(program, position + 1, mark)
    return _to_mark(program, first, mark, classes=False) if first >= 0 else -1


def _to_mark(program: str, position: int, mark: str, *, classes: bool = True) -> int:
    while position < len(program):
        char = program[position]
        if char == "\\":
            position += 2
        elif char == mark:
            return position + 1
        elif char == "[" and classes and mark != "[" and (found := re.compile(r"\[\^?\]?[^\]]*\]").match(program, position)):
            # a mark within a class ends the expression for some versions of sed and not for others
            if mark in found.group():
                return -1
            position = found.end()
        else:
            position += 1
    return -1


# ── archives and copies ──────────────────────────────────────────────────────────────────────────────────────────────

_COMPRESSORS = re.compile(r"(?:/usr/bin/)?(?:p?gzip|pigz|zstd|zstdmt|p?bzip2|lbzip2|p?xz|pixz|lz4|lzop|brotli)(?:\s+[-\w=]+)*")


def _tar(texts: Sequence[str]) -> Judged | None:
    if _values(texts, "--to-command", "--info-script", "--new-volume-script", "--rsh-command", "--rmt-command", "-F") or any(
        "exec" in value for value in _values(texts, "--checkpoint-action")
    ):
        return _RUNS
    if any(not _COMPRESSORS.fullmatch(value) for value in _values(texts, "--use-compress-program", "-I")):
        return _RUNS
    if any(len(text) > 9 and "--remove-files".startswith(text) for text in texts):
        return "destroy", "tar --remove-files deletes what it packed."
    return None


def _rsync(texts: Sequence[str]) -> Judged | None:
    shells = _values([text for text in texts if not re.fullmatch(r"-[a-df-zA-Z]\w*", text)], "-e", "--rsh")
    shells += [texts[n + 1] for n, text in enumerate(texts[:-1]) if re.fullmatch(r"-\w+e", text) and not text.startswith("--")]
    plain = all(
        re.fullmatch(r"(?:/usr/bin/)?(?:ssh|rsh)(?:\s+(?!-o)[-\w./@:~$]+|\s+-o\s*(?!Proxy|Local|KnownHostsC)\S+)*", value)
        for value in shells
    )
    sudo = all(re.fullmatch(r"(?:sudo\s+)?[\w./-]*rsync", value) for value in _values(texts, "--rsync-path"))
    return None if plain and sudo else _RUNS


def _zip(texts: Sequence[str]) -> Judged | None:
    return _RUNS if any(text.startswith("-TT") for text in texts) or _values(texts, "--unzip-command") else None


def _dd(texts: Sequence[str]) -> Judged | None:
    out = [text[3:] for text in texts if text.startswith("of=")]
    return ("destroy", f"dd writes over {out[-1]}.") if out and out[-1] not in ("/dev/null", "/dev/stdout") else None


# ── git and others with options that run something ────────────────────────────────────────────────────────────────────

#: settings of git that only show or name
_GIT_SETTINGS = re.compile(
    r"(?:color|column|advice|user|author|committer|log|status|safe|init|i18n|blame|grep\.(?!.*open)|versionsort|tag\.sort|branch\.sort)\.?[\w.]*|"
    r"core\.(?:quotepath|autocrlf|eol|abbrev|ignorecase|filemode|longpaths)|diff\.(?:renames|renamelimit|algorithm|context|noprefix|mnemonicprefix)|"
    r"http\.(?:sslverify|postbuffer|lowspeed\w+|version|timeout)|protocol\.version|pager\.\w+|pull\.\w+|push\.default|merge\.ff|"
    r"commit\.gpgsign|tag\.gpgsign|gc\.auto|fetch\.\w+|submodule\.recurse|transfer\.\w+|lfs\.\w+",
    re.IGNORECASE,
)
_GIT_OPTIONS = re.compile(
    r"--exec-path=|--config-env|-O.*|--open-files-in-pager.*|--upload-pack.*|--receive-pack.*|--exec=.*|--ext-diff|-x|--textconv"
)


def _git(texts: Sequence[str]) -> Judged | None:
    verb = next(
        (n for n, text in enumerate(texts) if not text.startswith("-") and (not n or texts[n - 1] not in ("-C", "-c"))),
        len(texts),
    )
    for number, text in enumerate(texts[:verb]):
        if text == "-c" and number + 1 < len(texts):
            name, _, value = texts[number + 1].partition("=")
            ran = name.lower() in ("core.pager", "pager") and value.split(" ")[0] in ("cat", "less", "")
            if not (
                ran or (_GIT_SETTINGS.fullmatch(name) and (not name.startswith("pager.") or value in ("true", "false", "cat")))
            ):
                return _RUNS
        elif text == "--paginate" or text == "-p":
            continue
        elif _GIT_OPTIONS.fullmatch(text) or text.startswith(("--exec-path=", "--config-env")):
            return _RUNS
    words = texts[verb:]
    if words[:1] and words[0] in (
        "grep",
        "ls-remote",
        "fetch",
        "pull",
        "push",
        "clone",
        "archive",
        "diff",
        "log",
        "show",
        "rebase",
    ):
        running = [text for text in words[1:] if _GIT_OPTIONS.fullmatch(text) and text != "-x"]
        if words[0] in ("diff", "log", "show"):
            running = [text for text in running if text == "--ext-diff"]
        if running or any(text.startswith("ext::") for text in words[1:]):
            return _RUNS
    return None


def _running(*options: str) -> Callable[[Sequence[str]], Judged | None]:
    """Make a look that is suspicious of these options."""

    def look(texts: Sequence[str]) -> Judged | None:
        return _RUNS if _values(texts, *options) else None

    return look


def _pager(texts: Sequence[str]) -> Judged | None:
    return _RUNS if any(re.match(r"\+.*!|-[kPH]|--(?:lesskey|pager|html)", text) for text in texts) else None


def _restic(texts: Sequence[str]) -> Judged | None:
    runs = [value for value in _values(texts, "-o", "--option") if re.match(r"(?:sftp\.command|sftp\.args|rclone\.)", value)]
    return _RUNS if runs or _values(texts, "--password-command") else None


def _etcdctl(texts: Sequence[str]) -> Judged | None:
    return _RUNS if "watch" in texts and "--" in texts else None


def _aws(texts: Sequence[str]) -> Judged | None:
    pair = [text for text in texts if not text.startswith("-")]
    if "start-session" in pair and any(text.startswith("--parameters") for text in texts):
        forwards = any("PortForward" in value for value in _values(texts, "--document-name"))
        return ("read", "It only forwards a port.") if forwards else _RUNS
    if "send-command" in pair and not any("commands=" in text or '"commands"' in text for text in texts):
        return _RUNS
    if "start-query-execution" in pair and not _values(texts, "--query-string"):
        return _RUNS
    return None


def _certbot(texts: Sequence[str]) -> Judged | None:
    return (
        _RUNS
        if "--dry-run" in texts and any(re.match(r"--(?:pre|post|manual-auth|manual-cleanup)-hook", text) for text in texts)
        else None
    )


_LOOKS: dict[str, Callable[[Sequence[str]], Judged | None]] = {
    "awk": _awk, "gawk": _awk, "mawk": _awk, "nawk": _awk, "sed": _sed, "gsed": _sed, "tar": _tar, "gtar": _tar, "bsdtar": _tar,
    "rsync": _rsync, "zip": _zip, "dd": _dd, "git": _git, "less": _pager, "zless": _pager, "more": _pager, "man": _pager,
    "restic": _restic, "etcdctl": _etcdctl, "aws": _aws, "certbot": _certbot,
    "sort": _running("--compress-program"), "rg": _running("--pre", "--hostname-bin"), "ack": _running("--pager"),
    "ag": _running("--pager"), "bat": _running("--pager"), "tcpdump": _running("-z", "--postrotate-command"),
    "helm": _running("--post-renderer"), "kubectl": _running("--enable-exec"), "kustomize": _running("--enable-exec"),
    "mc": _running("--exec"), "borg": _running("--rsh"), "rclone": _running("--password-command", "--sftp-ssh"),
    "env": _running("-S", "--split-string"), "wget": _running("--use-askpass", "-e", "--execute"), "at": _running("-f"),
    "kubecolor": _running("--enable-exec"), "oc": _running("--enable-exec"), "gpg": _running("--photo-viewer"),
}  # fmt: skip
