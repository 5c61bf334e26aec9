"""What a call would really start: `sudo`, `ssh HOST`, `docker exec NAME` and their like taken off, one after the other.

A call goes in; every program that would be started comes out, wrappers first, with the container, host or service it acts
on. A command word that the shell would compute is reported as such, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from watchkeeper.book.doubt import changes_programs
from watchkeeper.book.programs import find, word_set
from watchkeeper.book.started import Started, Unwrapped
from watchkeeper.book.syntax import Call, Script, Word, read_script
from watchkeeper.book.variants import variants

#: wrapper -> options that take a value, plain words before the program
_PLAIN: dict[str, tuple[str, int]] = {
    "sudo": ("-u -g -h -p -C -r -t -U -D -R --user --group", 0), "doas": ("-u -C", 0), "env": ("-u -C --unset --chdir", 0),
    "time": ("-o -f", 0), "nohup": ("", 0), "nice": ("-n", 0), "ionice": ("-c -n", 0), "setsid": ("", 0), "exec": ("-a", 0),
    "stdbuf": ("-i -o -e", 0), "command": ("", 0), "builtin": ("", 0), "timeout": ("-s -k --signal --kill-after", 1),
    "gtimeout": ("-s -k", 1), "xargs": (
        "-n -P -I -L -d -s -a -E --max-args --max-procs", 0), "sshpass": ("-p -f", 0), "chroot": ("", 1),
    "strace": ("-p -e -o -s -u -E -P", 0), "gosu": ("", 1), "su-exec": ("", 1), "flock": ("-w -E", 1), "unbuffer": ("", 0),
    "torsocks": ("", 0),
    "chronic": ("", 0), "parallel": ("-j -n -S --jobs", 0), "nsenter": ("-t --target -S -G", 0), "taskset": ("", 1),
    "numactl": ("", 0),
    "npx": ("-p --package -c", 0), "bunx": ("", 0), "pipx": ("--spec", 0), "winpty": ("", 0), "cgexec": ("-g", 0),
    "systemd-run": ("-u -p --unit --property", 0),
    "aws-vault": ("-d --duration", 0), "chamber": ("", 0), "doppler": ("-p -c --project --config", 0),
    "infisical": ("--env", 0), "direnv": ("", 0),
    "runuser": ("-u -g -s", 0), "setpriv": ("", 0), "ltrace": ("-p -e -o", 0), "catchsegv": ("", 0), "caffeinate": ("", 0),
    "pkexec": ("--user", 0), "coproc": ("", 0), "valgrind": ("", 0), "chrt": ("-p", 1), "unshare": ("", 0), "fakeroot": ("", 0),
    "proxychains": ("", 0), "proxychains4": ("", 0), "firejail": ("", 0),
    "dotenv": ("-f -e", 0),
}  # fmt: skip
#: program -> words after which the rest is another program
_RUNNERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "bundle": (("exec",),), "poetry": (("run",),), "pipenv": (("run",),), "uv": (("run",), ("tool", "run")), "uvx": ((),),
    "pdm": (("run",),), "hatch": (("run",),),
    "pnpm": (("exec",), ("dlx",)), "yarn": (("exec",), ("dlx",)), "npm": (("exec",),), "bun": (("x",),),
    "conda": (("run",),), "rbenv": (("exec",),),
    "aws-vault": (("exec",),), "chamber": (("exec",),), "doppler": (("run",),), "infisical": (("run",),),
    "direnv": (("exec",),), "pipx": (("run",),),
    "mise": (("exec",), ("x",)), "asdf": (("exec",),), "sail": (("php",), ("artisan",)), "op": (("run",),),
    "sops": (("exec-env",),), "dotenv": (("run",),),
}  # fmt: skip
#: every name that is taken off, or that runs another program under some verb
WRAPPERS = frozenset({*_PLAIN, *_RUNNERS, "ssh", "autossh", "su", "watch", "source", "eval"})
_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ash", "ksh", "fish", "busybox"})
_EXEC_VALUES = word_set(
    "-e --env -u --user -w --workdir --env-file --detach-keys --index -n --namespace -c --container --context "
    "--kubeconfig --cluster "
    "-l --selector -s --server --as --token --request-timeout --pod-running-timeout -f --filename -a --app "
    "--zone --project --region "
    "--name -v --volume -p --publish --entrypoint --network --net -h --hostname --mount -m --memory --cpus "
    "--restart --label --link --add-host --platform "
    "--ulimit --cap-add --device --security-opt --dns --log-driver --log-opt --shm-size --tmpfs --pull --gpus "
    "--ip --pid --ipc --gcplogs --cpuset-cpus --cpuset-mems --cpu-shares --cpu-quota --cpu-period --cidfile --userns --uts "
    "--cgroupns --cgroup-parent --device-cgroup-rule --expose --group-add --health-cmd --health-interval --health-retries "
    "--health-timeout --health-start-period --isolation --label-file --mac-address --memory-swap --memory-reservation "
    "--network-alias --oom-score-adj --pids-limit --runtime --stop-signal --stop-timeout --storage-opt --sysctl --volume-driver "
    "--volumes-from --annotation --attach --cap-drop --blkio-weight --detach-keys"
)
_SSH_VALUES = word_set("-i -p -l -o -F -J -L -R -D -b -c -E -e -I -m -O -Q -S -W -w -B")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")


@lru_cache(maxsize=2048)
def unwrap_text(text: str, depth: int = 0) -> tuple[Unwrapped, Script]:
    """Read shell text and take the wrappers off all its calls. The result is shared: leave it as it is."""
    script = read_script(text)
    found = Unwrapped()
    if script.broken:
        found.opaque = "the shell text cannot be read in full"
    found.opaque = found.opaque or script.doubt
    forgets = bool(script.functions) and any(
        call.words[0].text == "unset" and any(word.text.startswith("-f") for word in call.words) for call in script.calls
    )
    for call in script.calls:
        if call.words and call.words[0].text in script.functions and not forgets and _is_function(call, script):
            continue
        for variant in variants(call, script):
            _unwrap(variant, found, depth)
    return found, script


def _is_function(call: Call, script: Script) -> bool:
    """Say whether a call means a function of the text rather than a program of that name."""
    defined = script.reachable.get(call.words[0].text)
    within = any(first <= call.start < last for first, last in script.bodies)
    return defined is not None and (within or call.start > defined)


def _unwrap(call: Call, found: Unwrapped, depth: int) -> None:
    if depth > _MOST_WRAPPERS:
        found.opaque = "commands are nested too deeply to be read"
        return
    found.writes += call.writes
    words = list(call.words)
    if call.writes and not call.appends and _prints_nothing([word.text for word in words]):
        found.emptied += call.writes
    found.feed = (call.stdin, call.stdin_text)
    elsewhere = False
    for _ in range(_MOST_WRAPPERS):
        if not words:
            return
        head = words.pop(0)
        if not head.static or head.text.startswith("$"):
            found.opaque = f"the program is computed by the shell ({head.text})"
            return
        name = head.text.rstrip("/").rsplit("/", 1)[-1]
        path = head.text if "/" in head.text else ""
        before = (len(found.started), found.opaque, len(found.writes))
        step = _step(name, words, found, depth)
        if step is None:
            found.started.append(Started(name, tuple(words), False, call.stdin, call.stdin_text, path, elsewhere))
            _inside(name, words, found, depth)
            return
        rest, remote = step
        told = (len(found.started), found.opaque, len(found.writes)) != before
        found.started.append(
            Started(name, tuple(words[: len(words) - len(rest)]), True, call.stdin, call.stdin_text, path, elsewhere)
        )
        elsewhere = elsewhere or remote
        words = rest
        if not words and not told and call.stdin in ("text", "file", "pipe") and name not in _FED_WITHOUT_EFFECT:
            _fed(call, found, depth)
        if name == "xargs" and words:
            words = _appended(call, words, found)
    found.opaque = found.opaque or "it is wrapped too deeply to be read"


#: wrappers around one program
_MOST_WRAPPERS = 12
_FED_WITHOUT_EFFECT = frozenset({"xargs", "time", "watch"})


def _appended(call: Call, words: list[Word], found: Unwrapped) -> list[Word]:
    """Add what xargs is fed to the words of the program, where the text says what that is."""
    name = words[0].text.rsplit("/", 1)[-1]
    if name in _SHELLS and not any(text for word in words[1:] if not (text := word.text).startswith("-")):
        found.opaque = found.opaque or "what xargs gives to the shell is not known"
    return words + [Word(part) for part in call.stdin_text.split()] if call.stdin == "text" else words


def _prints_nothing(texts: list[str]) -> bool:
    while texts and texts[0] in ("sudo", "command", "builtin"):
        texts = texts[1:]
    if texts[:1] in ([":"], ["true"]) or texts in (["cat", "/dev/null"], ["cat"]):
        return texts != ["cat"]
    return texts[:1] in (["echo"], ["printf"]) and all(text in ("-n", "-e", "") for text in texts[1:])


def _fed(call: Call, found: Unwrapped, depth: int) -> None:
    """A session that is fed its input runs that input."""
    found.interactive = False
    if call.stdin == "text":
        found.feed = (None, "")
        _nested(Word(call.stdin_text), found, depth)
    else:
        found.opaque = found.opaque or "what is fed to the session is not known"


def _step(name: str, words: list[Word], found: Unwrapped, depth: int) -> tuple[list[Word], bool] | None:
    """Take one wrapper off: the words that are left and whether they run elsewhere; None where it is no wrapper."""
    if name in ("ssh", "autossh"):
        return _ssh(words, found, depth)
    if name == "su":
        return _su(words, found, depth)
    if name == "docker" and (rest := _after_verb(words, ("compose",), name)) is not None:
        return [Word("docker compose"), *rest], False
    if name == "watch":
        found.endless = True
        rest = _skip(words, frozenset({"-n", "--interval"}), 0)
        by_itself = [word.text for word in words[: len(words) - len(rest)]]
        if "-x" in by_itself or "--exec" in by_itself or not rest:
            return rest, False
        _nested(Word(" ".join(word.text for word in rest)), found, depth)
        return [], False
    for verb in _RUNNERS.get(name, ()):
        rest = _after_verb(words, verb, name)
        if rest:
            rest = _skip(
                rest,
                frozenset({"--env", "-e", "-n", "--name", "--project", "--config"}),
                1 if name in ("chamber", "aws-vault", "direnv", "sops") else 0,
            )
            return (rest[1:] if rest and rest[0].text == "--" else rest), False
    if name in _PLAIN and name not in _RUNNERS:
        return _plain(name, words, found, depth)
    return _into_container(name, words, found)


def take_off(name: str, words: list[Word]) -> list[Word] | None:
    """Take one wrapper off a program's words: the words that are left, or None where the program starts no other."""
    step = _step(name, words, Unwrapped(), 0)
    return None if step is None else step[0]


def _plain(name: str, words: list[Word], found: Unwrapped, depth: int) -> tuple[list[Word], bool] | None:
    values, skipped = _PLAIN[name]
    if name == "command" and words and words[0].text in ("-v", "-V"):
        return None
    if (
        name in ("strace", "ltrace", "nsenter", "taskset")
        and any(word.text.startswith("-p") for word in words)
        and name != "nsenter"
    ):
        return None
    if name in ("flock", "npx") and "-c" in [word.text for word in words]:
        text = words[[word.text for word in words].index("-c") + 1 :]
        if text:
            _nested(text[0], found, depth)
        return [], False
    rest = _skip(words, frozenset(values.split()), skipped, assignments=name in ("env", "sudo", "doas"))
    if not rest and name in ("sudo", "doas", "chroot", "nsenter"):
        found.interactive = True
    if not rest and name == "env":
        return None
    if rest and name == "xargs":
        _replaced(words[: len(words) - len(rest)], rest, found)
    if name in ("env", "sudo", "doas"):
        _set_before(words[: len(words) - len(rest)], found)
    if any(_RUNS_BESIDE.match(word.text) for word in words[: len(words) - len(rest)]):
        found.opaque = found.opaque or f"an option of {name} runs something of its own"
    return rest, False


#: options of wrappers that run something beside the program: `env -S`, `strace -o '|…'`, `systemd-run -p ExecStopPost=…`
_RUNS_BESIDE = re.compile(r"\||-\w*S\w*\b.*\s|--split-string|(?:--property=)?Exec\w+=|-o\|")


def _replaced(options: list[Word], rest: list[Word], found: Unwrapped) -> None:
    """Doubt a program whose name or shell text xargs would fill in."""
    texts = [word.text for word in options]
    marks: set[str] = {text[2:] or (texts[n + 1 : n + 2] or ["{}"])[0] for n, text in enumerate(texts) if text.startswith("-I")}
    marks |= (
        {text[2:] or "{}" for text in texts if text.startswith("-i")}
        | {text.partition("=")[2] or "{}" for text in texts if text.startswith("--replace")}
        | {"{}"}
    )
    shell = rest[0].text.rsplit("/", 1)[-1] in _SHELLS
    if any(mark in rest[0].text for mark in marks) or (
        shell and any(mark == word.text.strip() for mark in marks for word in rest[1:])
    ):
        found.opaque = "the program is computed by xargs"


def _set_before(options: list[Word], found: Unwrapped) -> None:
    """Doubt a program that is given variables which change what it does."""
    for word in options:
        name, equals, value = word.text.partition("=")
        if equals and changes_programs(name.rstrip("+"), value):
            found.opaque = found.opaque or f"{name} changes what programs do"


def _skip(words: list[Word], values: frozenset[str], plain: int, *, assignments: bool = False) -> list[Word]:
    position = 0
    while position < len(words):
        text = words[position].text
        if text == "--":
            position += 1
            break
        if len(text) > 1 and text[0] == "-" and not words[position].quoted:
            bundled = len(text) > 2 and text[1] != "-" and f"-{text[-1]}" in values and text[1:].isalpha()
            position += 2 if text in values or (bundled and text[:2] not in values) else 1
        elif assignments and _ASSIGNMENT.match(text):
            position += 1
        elif plain:
            plain -= 1
            position += 1
        else:
            break
    return words[position:]


def _after_verb(words: list[Word], verb: tuple[str, ...], name: str) -> list[Word] | None:
    """Give the words after a verb, or None where this verb is not the first plain word."""
    program = find(name)
    values = (program.globals | program.values) if program else frozenset()
    rest = _skip(words, values, 0)
    texts = tuple(word.text for word in rest[: len(verb)])
    return rest[len(verb) :] if texts == verb else None


def _into_container(name: str, words: list[Word], found: Unwrapped) -> tuple[list[Word], bool] | None:
    program = find(name)
    if program is None or not program.inner:
        return None
    for pattern in program.inner:
        rest = _after_verb(words, pattern.words, name)
        if rest is None:
            continue
        if pattern.words[-1] in ("kubectl", "crictl", "ctr", "helm", "helm3"):
            rest = rest[1:] if rest and rest[0].text == "--" else rest
            return [Word("helm" if pattern.words[-1] == "helm3" else pattern.words[-1]), *rest], False
        if name in ("heroku", "railway"):
            return _skip(rest, program.values | {"-s", "--size", "--type", "--service", "-e", "--env"}, 0), True
        if pattern.words[-1] == "run" and "--rm" not in [word.text for word in rest]:
            found.leaves = f"{name} run leaves a container behind."
        return _container_words(pattern.words[-1], rest, found)
    return None


def _container_words(verb: str, rest: list[Word], found: Unwrapped) -> tuple[list[Word], bool] | None:
    for option in ("--command", "-C", "-c"):
        if verb in ("ssh", "console"):
            text = next((w.text.split("=", 1)[1] for w in rest if w.text.startswith(option + "=")), None)
            texts = [w.text for w in rest]
            if text is None and option in texts and texts.index(option) + 1 < len(texts):
                text = texts[texts.index(option) + 1]
            if text:
                _nested(Word(text.strip("\"'"), quoted=True), found, 1)
                return [], True
    texts = [word.text for word in rest]
    if verb == "run" and any(text.startswith("--entrypoint") for text in texts):
        found.opaque = found.opaque or "what the image starts is not known"
        return None
    dashes = texts.index("--") if "--" in texts else None
    named = _skip(rest[:dashes] if dashes is not None else rest, _EXEC_VALUES, 0)
    if named and found.target is None and verb != "run":
        found.target = re.sub(r"^(?:pods?|deploy(?:ment)?s?|statefulset|sts|svc|service|job|daemonset|ds|po)/", "", named[0].text)
    inner = rest[dashes + 1 :] if dashes is not None else _skip(named[1:], _EXEC_VALUES, 0)
    if not inner:
        if verb in ("exec", "rsh", "ssh"):
            found.interactive = True
        return None if verb == "run" else ([], True)
    if verb == "run" and find(inner[0].text.rsplit("/", 1)[-1]) is None and inner[0].text not in _SHELLS | _INTERPRETERS:
        return None
    return inner, True


_INTERPRETERS = frozenset(
    {
        "python",
        "python3",
        "php",
        "node",
        "ruby",
        "psql",
        "mysql",
        "mongosh",
        "rails",
        "rake",
        "artisan",
        "./manage.py",
        "clickhouse-client",
    }
)


def _ssh(words: list[Word], found: Unwrapped, depth: int) -> tuple[list[Word], bool] | None:
    rest = _skip(words, _SSH_VALUES, 0)
    if not rest:
        return None
    host, command = rest[0], _skip(rest[1:], _SSH_VALUES, 0)
    given = [word.text for word in words[: len(words) - len(command)]]
    if any(_SSH_RUNS.search(text) for text in given):
        found.opaque = found.opaque or "an option of ssh runs something of its own"
    if any(re.match(r"-[a-zA-Z]*[RF]", text) for text in given):
        found.opaque = found.opaque or "what an option of ssh opens or reads is not known"
    found.target = found.target or host.text.rsplit("@", 1)[-1]
    if not command:
        tunnel = any(word.text in ("-N", "-fN", "-NL") for word in words)
        found.endless = found.endless or tunnel
        found.interactive = found.interactive or not tunnel
        return [], True
    _nested(Word(" ".join(word.text for word in command)), found, depth)
    return [], True


#: options by which ssh runs something here
_SSH_RUNS = re.compile(
    r"(?:ProxyCommand|LocalCommand|KnownHostsCommand|PKCS11Provider|SecurityKeyProvider)\b(?!\s*=?\s*none\b)", re.IGNORECASE
)


def _su(words: list[Word], found: Unwrapped, depth: int) -> tuple[list[Word], bool]:
    texts = [word.text for word in words]
    if "-c" in texts and texts.index("-c") + 1 < len(words):
        _nested(words[texts.index("-c") + 1], found, depth)
    else:
        found.interactive = True
    return [], False


#: commands whose output is a name or a number, harmless within the text of another shell
_TELLS_A_NAME = re.compile(r"\$\(\s*(?:date|hostname|whoami|id|pwd|nproc|uname|basename|dirname|tty)\b[^()`;&|]*\)")


def _nested(word: Word, found: Unwrapped, depth: int) -> None:
    if depth >= 4:
        found.opaque = "commands are nested too deeply to be read"
        return
    if not word.static and ("$(" in (text := _TELLS_A_NAME.sub("", word.text)) or "`" in text):
        found.opaque = found.opaque or "the text that a shell is given is computed by another"
    inner, _ = unwrap_text(word.text, depth + 1)
    stdin, said = found.feed
    found.started += [replace(one, stdin=stdin, stdin_text=said) if stdin and one.stdin is None else one for one in inner.started]
    found.writes += inner.writes
    found.emptied += inner.emptied
    found.endless = found.endless or inner.endless
    found.interactive = found.interactive or inner.interactive
    found.opaque = found.opaque or inner.opaque
    found.leaves = found.leaves or inner.leaves
    found.target = found.target or inner.target


def _inside(name: str, words: list[Word], found: Unwrapped, depth: int) -> None:
    """Follow programs that a program is told to run in its options."""
    texts = [word.text for word in words]
    if name in _SHELLS:
        flag = next((n for n, text in enumerate(texts) if re.fullmatch(r"-[a-z]*c", text)), None)
        if flag is not None and flag + 1 < len(words):
            code, given = words[flag + 1], [word.text for word in words[flag + 2 :]]
            if code.text.strip() == "{}" or re.search(r"(?:^|[;&|(]\s*)\"?\$\{?[@*0-9]", code.text.strip()):
                found.opaque = found.opaque or "the program is one of the words that the shell is given"
            if any(one.startswith("-") and one not in ("-", "--") for one in given):
                found.opaque = found.opaque or "a word that the shell is given may be an option"
            _nested(code, found, depth)
    elif name in ("consul", "etcdctl") and texts[:1] == ["lock"]:
        locked = _skip(words[1:], frozenset({"-n", "-name", "-timeout", "-monitor-retry", "--ttl"}), 1)
        if locked:
            _unwrap(Call(tuple(locked)), found, depth + 1)
    elif name in ("alias", "hash", "enable"):
        _renamed(name, words, found, depth)
    elif name == "find":
        until = 0
        for number, text in enumerate(texts):
            if number >= until and text in ("-exec", "-execdir", "-ok", "-okdir") and number + 1 < len(words):
                end = until = next((n for n in range(number + 1, len(texts)) if texts[n] in (";", "+", "\\;")), len(texts))
                _unwrap(Call(tuple(words[number + 1 : end])), found, depth + 1)
    elif name == "trap" and words and words[0].text not in ("-", "-l", "-p", ""):
        _nested(words[0], found, depth)
    elif name in ("kubectl", "oc", "k", "heroku") and "--" in texts:
        _unwrap(Call(tuple(words[texts.index("--") + 1 :])), found, depth + 1)
    elif name == "git" and texts[:2] in (["bisect", "run"], ["submodule", "foreach"]):
        rest = _skip(words[2:], frozenset(), 0)
        if len(rest) == 1:
            _nested(rest[0], found, depth)
        elif rest:
            _unwrap(Call(tuple(rest)), found, depth + 1)
    else:
        _scripts(name, words, found, depth)


def _renamed(name: str, words: list[Word], found: Unwrapped, depth: int) -> None:
    """Follow a builtin that gives a word another meaning."""
    if name != "alias":
        if words:
            found.opaque = found.opaque or f"{name} changes what a word means"
        return
    for word in words:
        _, equals, value = word.text.partition("=")
        known = find(value.strip())
        if equals and value.strip() and (known is None or known.otherwise is not None or known.alone is not None):
            _nested(Word(value.strip().strip("'\"")), found, depth)


#: program -> options whose value is shell text that it runs somewhere
_SHELL_OPTIONS: dict[str, tuple[str, ...]] = {
    "script": ("-c", "--command"), "az": ("--scripts", "--command"), "tmux": (), "screen": (), "at": (),
    "batch": (),
    "ansible": ("-a", "--args"), "aws": ("--parameters",), "fd": ("-x", "-X", "--exec"), "sg": ("-c",), "perf": (),
}  # fmt: skip


def _scripts(name: str, words: list[Word], found: Unwrapped, depth: int) -> None:
    """Follow shell text in the options of programs that run it."""
    options = _SHELL_OPTIONS.get(name)
    if options is None:
        return
    texts = [word.text for word in words]
    if name == "perf":
        rest = _skip(words[1:], frozenset({"-e", "-p", "-o", "-a", "-C", "-F", "-r", "-I"}), 0)
        if texts[:1] in (["stat"], ["record"], ["trace"]) and rest:
            _unwrap(Call(tuple(rest)), found, depth + 1)
    elif name in ("at", "batch"):
        if found.feed[0] == "text":
            _nested(Word(found.feed[1]), found, depth)
        elif found.feed[0]:
            found.opaque = found.opaque or "what is fed to the session is not known"
    elif name in ("tmux", "screen"):
        for word in words:
            if word.quoted and " " in word.text:
                _nested(word, found, depth)
        rest = _skip(words, frozenset({"-S", "-t", "-s", "-n"}), 0)
        if name == "screen" and rest:
            _unwrap(Call(tuple(rest)), found, depth + 1)
    elif name == "ansible" and not any(text in ("shell", "command", "raw", "ansible.builtin.shell") for text in texts):
        return
    for number, text in enumerate(texts[:-1]):
        if text in options:
            value = words[number + 1]
            if name == "fd":
                _unwrap(Call(tuple(words[number + 1 :])), found, depth + 1)
            elif name == "aws":
                for said in re.findall(r"commands=\[?(.*?)\]?$", value.text):
                    _nested(Word(said.strip("\"'[]").replace('","', "; ").replace("','", "; ")), found, depth)
            else:
                _nested(value, found, depth)
