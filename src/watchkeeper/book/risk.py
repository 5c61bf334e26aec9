"""What a command would do to the world: `read`, `change`, `destroy` or `unknown`, always with the sentence why.

`read` needs a positive rule for every program in the command. What cannot be parsed, is computed by the shell, or is run by
`eval` is unknown. Nothing here runs anything.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from functools import lru_cache

from watchkeeper.book.cypher import assess_cypher
from watchkeeper.book.fetch import judge_fetch
from watchkeeper.book.filters import look_closer
from watchkeeper.book.model import Risk
from watchkeeper.book.mongo import assess_mongo
from watchkeeper.book.powershell import assess_powershell
from watchkeeper.book.programs import find, only_reads, word_set
from watchkeeper.book.scripts import Believed, assess_script
from watchkeeper.book.sql import assess_sql
from watchkeeper.book.sql_clients import SQL_CLIENTS, assess_typed, judge_client
from watchkeeper.book.started import Started, Unwrapped
from watchkeeper.book.unwrap import WRAPPERS, unwrap_text
from watchkeeper.book.verdicts import Judged, by_table, by_wire, not_known, worst

_MONGO = frozenset({"mongosh", "mongo"})
_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ash", "ksh", "fish", "busybox"})
_INTERPRETERS = frozenset(
    {
        "python",
        "python2",
        "python3",
        "node",
        "php",
        "ruby",
        "perl",
        "java",
        "deno",
        "ts-node",
        "tsx",
        "Rscript",
        "pwsh",
        "powershell",
        "jruby",
        "nodejs",
        "elixir",
        "iex",
    }
)
_MAKE = frozenset(
    {
        "make",
        "gmake",
        "just",
        "task",
        "rake",
        "invoke",
        "inv",
        "fab",
        "mage",
        "cap",
        "gulp",
        "grunt",
        "nx",
        "turbo",
        "lerna",
        "rails",
        "mix",
        "artisan",
        "console",
    }
)


@lru_cache(maxsize=4096)
def assess(text: str, language: str = "bash") -> Judged:
    """Judge a command of any language that the reader knows; worst program first."""
    if language == "sql":
        return assess_sql(text)
    if language == "redis":
        return worst([by_table("redis-cli", _redis_words(line)) for line in text.splitlines() if line.strip()])
    if language == "psql":
        return assess_typed(text)
    if language == "mongodb":
        return assess_mongo(text)
    if language == "powershell":
        return assess_powershell(text, assess)
    if language != "bash":
        return "unknown", f"What {language} code does is not judged."
    found, _ = unwrap_text(text)
    return assess_unwrapped(found)


def _redis_words(line: str) -> list[str]:
    """Cut a typed line as redis-cli does: quotes hold words together."""
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def assess_unwrapped(found: Unwrapped) -> Judged:
    """Judge what unwrapping found."""
    judged: list[Judged] = [judge(started) for started in found.started if not started.wrapper]
    if found.leaves:
        judged.append(("change", found.leaves))
    if found.opaque:
        judged.append(("unknown", f"{found.opaque[0].upper()}{found.opaque[1:]}."))
    if found.emptied:
        judged.append(("destroy", f"It empties the file {found.emptied[0]}."))
    device = next((name for name in found.writes if DEVICE.match(name)), None)
    peer = next((name for name in found.writes if name.startswith(("/dev/tcp/", "/dev/udp/"))), None)
    if device:
        judged.append(("destroy", f"It writes to {device} itself."))
    elif peer:
        judged.append(("unknown", f"What is sent to {peer} is not judged."))
    elif found.writes:
        judged.append(("change", f"It writes the file {found.writes[0]}."))
    if not judged and (found.interactive or found.endless):
        return "read", "It only opens a session."
    if not judged:
        return (
            ("read", "It only sets variables of its own shell.")
            if not found.started
            else ("unknown", "It starts no program that is known.")
        )
    verdict = worst(judged)
    if verdict[0] == "read" and len(judged) > 1 and not isinstance(verdict[1], Believed):
        names = dict.fromkeys(started.name for started in found.started if not started.wrapper)
        return "read", f"All of {', '.join(names)} change nothing." if len(names) > 1 else verdict[1]
    return verdict


DEVICE = re.compile(
    r"/dev/(?:sd|nvme|vd|xvd|hd|md|dm-|mmcblk|nbd|rbd|mapper/|disk/|loop|mem)|/proc/sysrq-trigger|/sys/.*/delete$"
)


def judge(started: Started) -> Judged:
    """Judge one program with its words and with what it is fed."""
    found = _judge(started)
    if list(started.texts[:2]) == ["-m", "json.tool"]:
        return found
    if found[0] != "read" or started.stdin not in ("text", "file", "pipe"):
        return found
    return ("unknown", f"What is fed to {started.name} is not known.") if _obeys(started) else found


#: words after which a program takes commands from its standard input
_SESSION_WORDS = word_set("shell dbshell console tinker dbconsole repl shell_plus psql sql query cli db txn batch import")


def _obeys(started: Started) -> bool:
    """Say whether a program would carry out what it is fed."""
    name = started.name
    if (
        name in SQL_CLIENTS
        or name in _REDIS
        or name in _MONGO
        or name in _SHELLS
        or name in _WIRES
        or name in ("openssl", "cypher-shell")
    ):
        return False
    program = find(name)
    if program is None:
        return not any(text in ("--version", "--help", "-V", "version") for text in started.texts)
    if program.otherwise == "read" or program.alone == "read":
        return False
    given = program.arguments(started.texts)
    return (
        not given.words
        or program.waits_for_a_person(given)
        or any(part in _SESSION_WORDS for word in given.words[:2] for part in word.split(":"))
    )


_WIRES = frozenset({"nc", "ncat", "netcat", "telnet", "socat"})
_REDIS = frozenset({"redis-cli", "valkey-cli", "keydb-cli"})


#: folders into which anybody may put a program
_ANYBODYS = ("/tmp/", "/var/tmp/", "/dev/shm/")  # noqa: S108


_PYTHON = re.compile(r"python\d(\.\d+)?")


def _judge(started: Started) -> Judged:
    name, texts = started.name, started.texts
    if name in SQL_CLIENTS:
        return judge_client(name, texts, started.stdin, started.stdin_text)
    if name in _REDIS:
        return _redis(started)
    if name in _MONGO:
        return _mongo(started)
    if name == "cypher-shell":
        return _cypher(started)
    if name in _FETCHERS:
        return judge_fetch(name, texts)
    if name in _WIRES or (name == "openssl" and texts[:1] == ("s_client",)):
        return by_wire(name, texts, started.stdin, started.stdin_text)
    if name in _SHELLS:
        return _shell(started)
    if _PYTHON.fullmatch(name):
        name = "python"
    if name in _INTERPRETERS:
        return _interpreter(name, started)
    if name in ("eval", "source", "."):
        return _sourced(name, texts)
    if name in _MAKE:
        return _made(name, texts)
    if name in ("npm", "pnpm", "yarn", "bun", "composer") and texts and texts[0] in ("run", "run-script") and len(texts) > 1:
        return assess_script(texts[1], [])
    program = find(name)
    if started.path.startswith(_ANYBODYS) or (
        program is not None and started.path.startswith(".") and re.fullmatch(r"\.{1,2}/[^/]+", started.path) and only_reads(name)
    ):
        named: Judged = ("unknown", f"Whether {started.path} is the program of that name is not known.")
        return worst([named, assess_script(name, texts)]) if program is None else worst([named, by_table(name, texts)])
    if program is None or (started.path.startswith(("./", "../")) and "." in name):
        if name in ("gradlew", "mvnw"):
            return by_table(name, texts)
        if started.path or re.search(r"\.(sh|py|js|ts|rb|pl|php|ps1|bash|mjs)$", name) or "-" in name or "_" in name:
            return assess_script(name, texts) if (started.path or "." in name) else not_known(name, texts)
        return not_known(name, texts)
    return _closer(name, texts, by_table(name, texts))


#: options after which these show what they would do; elsewhere `-n` only asks no questions
_SHOWS_ONLY: dict[str, tuple[str, ...]] = {
    "make": ("-n", "--dry-run", "--just-print", "--recon"), "gmake": ("-n", "--dry-run"),
    "just": ("-n", "--dry-run", "-l", "--list"), "rake": ("-n", "--dry-run", "-T", "--tasks"),
    "task": ("-n", "--dry", "--list", "-l"), "invoke": ("-R", "--dry", "-l", "--list"),
    "cap": ("-n", "--dry-run", "-T"), "turbo": ("--dry-run", "--dry"), "fab": ("-l", "--list"),
}  # fmt: skip
_MAKE_VALUES = word_set("-C -f -I -o -W --directory --file --makefile -d --justfile --working-directory")


def _made(name: str, texts: Sequence[str]) -> Judged:
    """Judge a runner of targets by the worst of them."""
    if any(text in _SHOWS_ONLY.get(name, ()) or text == "--help" for text in texts):
        return "read", f"{name} with these options carries nothing out."
    words = [
        text
        for number, text in enumerate(texts)
        if not text.startswith("-") and "=" not in text and (not number or texts[number - 1] not in _MAKE_VALUES)
    ]
    options = [text for text in texts if text.startswith("--") and text != "--"]
    if name in ("make", "gmake", "just", "task", "rake", "mage", "gulp", "grunt") and len(words) > 1:
        return worst([assess_script(name, [word, *options]) for word in words])
    return assess_script(name, [*words, *options])


_STATEMENTS = ("--sql", "--query-string", "--sql-statement", "--querytext", "--statement", "--sqls")
_FETCHERS = frozenset({"curl", "wget", "http", "https", "xh", "xhs", "httpie"})
#: programs whose words name what they write to
_WRITERS = frozenset({"tee", "cp", "mv", "install", "ln", "cat", "pv", "sponge"})


def _closer(name: str, texts: Sequence[str], found: Judged) -> Judged:
    """Look closer at programs whose words hold code of their own."""
    for number, text in enumerate(texts):
        option, _, value = text.partition("=")
        if option in _STATEMENTS and (given := value or " ".join(texts[number + 1 : number + 2])):
            found = worst([found, assess_sql(given)])
    if name == "bq" and "query" in texts:
        return assess_sql(texts[-1])
    if name in _WRITERS - {"cat", "pv"} and (device := next((text for text in texts if DEVICE.match(text)), None)):
        return "destroy", f"It writes to {device} itself."
    if name == "ansible-playbook" and found[0] == "change":
        books = [text.rsplit("/", 1)[-1] for text in texts if text.endswith((".yml", ".yaml"))]
        found = worst([found, *(judged for book in books if (judged := assess_script(book, []))[0] == "destroy")])
    closer = look_closer(name, texts)
    return found if closer is None else closer if name == "dd" else worst([found, closer])


def _redis(started: Started) -> Judged:
    program = find("redis-cli")
    given = program.arguments(started.texts) if program else None
    if given is not None and given.has("--eval"):
        return "unknown", "What is in the script that redis-cli runs is not known."
    if given is not None and not given.words and started.stdin in ("text", "file", "pipe") and not given.has("--scan"):
        if started.stdin != "text":
            return "unknown", "What is fed to redis-cli is not known."
        lines = [line.split() for line in re.split(r"\\r\\n|\\n|[\r\n]", started.stdin_text) if line.strip()]
        return worst([by_table("redis-cli", line) for line in lines]) if lines else ("read", "redis-cli is fed nothing.")
    return by_table("redis-cli", started.texts)


_CYPHER_VALUES = word_set(
    "-a --address -u --username -p --password -d --database --encryption --format -P --param --access-mode --uri"
)


def _cypher(started: Started) -> Judged:
    texts = started.texts
    if any(text in ("-f", "--file") or text.startswith("--file=") for text in texts):
        return "unknown", "What is in the file for the Cypher shell is not known."
    code = [t for n, t in enumerate(texts) if not t.startswith("-") and (not n or texts[n - 1] not in _CYPHER_VALUES)]
    if started.stdin == "text" and started.stdin_text.strip():
        code.append(started.stdin_text)
    elif started.stdin in ("file", "pipe") and not code:
        return "unknown", "What is fed to the Cypher shell is not known."
    return worst([assess_cypher(one) for one in code]) if code else ("read", "It only opens a Cypher session.")


_MONGO_VALUES = word_set(
    "--host -u -p --username --password --port --authenticationDatabase --authenticationMechanism --tlsCAFile --sslCAFile "
    "--tlsCertificateKeyFile --sslPEMKeyFile --db"
)


def _mongo(started: Started) -> Judged:
    code: list[str] = []
    words: list[str] = []
    texts = started.texts
    position = 0
    while position < len(texts):
        option, equals, value = texts[position].partition("=")
        following = texts[position + 1] if position + 1 < len(texts) else ""
        position += 1
        if option in ("--eval", "--file", "-f"):
            position += not equals
            given = value if equals else following
            code.append(given) if option == "--eval" else words.append(f"{given}.js")
        elif option in _MONGO_VALUES:
            position += not equals
        elif not option.startswith("-"):
            words.append(texts[position - 1])
    if started.stdin == "text" and started.stdin_text.strip():
        code.append(started.stdin_text)
    judged = [assess_mongo(part) for part in code]
    if any(word.endswith((".js", ".mongodb", ".mongo")) for word in words):
        judged.append(("unknown", "What is in the script for the MongoDB shell is not known."))
    if not judged and started.stdin in ("file", "pipe"):
        return "unknown", "What is fed to the MongoDB shell is not known."
    return worst(judged) if judged else ("read", "It only opens a MongoDB session.")


def _shell(started: Started) -> Judged:
    texts = started.texts
    flag = next((n for n, text in enumerate(texts) if re.fullmatch(r"-[a-z]*c", text)), None)
    if flag is not None and flag + 1 < len(texts):
        return "read", "The shell itself changes nothing; what it is given is judged apart."
    if flag is not None:
        return "unknown", "What the shell is given is not known."
    words = [text for text in texts if not text.startswith("-")]
    reads_stdin = any(re.fullmatch(r"-[a-z]*s[a-z]*", text) for text in texts) or words[:1] in (["/dev/stdin"], ["-"])
    if words and not reads_stdin:
        if words[0].startswith("<(") or words[0].startswith("$"):
            return "unknown", "What the shell is given is not known."
        return assess_script(words[0].rsplit("/", 1)[-1], words[1:])
    if started.stdin == "text" and started.stdin_text.strip():
        return assess(started.stdin_text)
    if started.stdin in ("pipe", "file"):
        return "unknown", "What is fed to the shell is not known."
    return "read", "It only opens a shell."


def _interpreter(name: str, started: Started) -> Judged:
    texts = started.texts
    if any(text in ("-c", "-e", "-r", "--eval", "-E", "-p", "--print", "-Command", "-EncodedCommand") for text in texts[:4]) or (
        name in ("perl", "ruby", "php") and any(re.fullmatch(r"-[A-Za-z0-9]*[eErnpi][A-Za-z0-9.]*", text) for text in texts)
    ):
        return "unknown", f"What the {name} code does is not judged."
    if texts[:1] in (("--version",), ("-V",), ("-v",), ("-version",)):
        return "read", f"{name} {texts[0]} only prints."
    if list(texts[:2]) == ["-m", "json.tool"]:
        written = [text for text in texts[2:] if not text.startswith("-")]
        return ("change", "json.tool writes a file.") if len(written) > 1 else ("read", "json.tool only formats.")
    if "-m" in texts and texts.index("-m") + 1 < len(texts):
        module = texts.index("-m") + 1
        known = find(texts[module])
        return by_table(texts[module], texts[module + 1 :]) if known else assess_script(texts[module], texts[module + 1 :])
    words = [text for text in texts if not text.startswith("-")]
    words = words[1:] if name in ("deno", "bun") and words[:1] == ["run"] else words
    if not words:
        if started.stdin in ("pipe", "file", "text"):
            return "unknown", f"What is fed to {name} is not judged."
        return "read", f"It only opens a {name} session."
    script = words[0].rsplit("/", 1)[-1]
    after = list(texts[texts.index(words[0]) + 1 :])
    if script == "manage.py":
        return _django(after)
    if script in ("artisan", "console", "wp-cli.phar", "rails"):
        return assess_script(script, after)
    return assess_script(script, after)


_DJANGO: dict[str, Risk] = {
    **dict.fromkeys(word_set("check showmigrations dbshell inspectdb sqlmigrate diffsettings findstatic version help"), "read"),
    **dict.fromkeys(word_set(
        "migrate collectstatic createsuperuser loaddata runserver makemigrations clearsessions shell "
        "changepassword createcachetable compilemessages rebuild_index update_index dumpdata"), "change"),
    **dict.fromkeys(word_set("flush sqlflush reset_db clear_cache"), "destroy"),
}  # fmt: skip


def _django(words: Sequence[str]) -> Judged:
    verb = words[0] if words else ""
    if verb in _DJANGO:
        if verb in ("migrate", "collectstatic") and any(word in ("--plan", "--check", "--dry-run") for word in words):
            return "read", f"manage.py {verb} with these options only shows."
        if verb == "shell" and len(words) > 1:
            return "unknown", "What the code given to the shell does is not judged."
        if verb == "migrate" and words[-1] == "zero":
            return "destroy", "manage.py migrate … zero takes all migrations back."
        return _DJANGO[verb], f"manage.py {verb} is a command of Django."
    return assess_script("manage.py", words)


def _sourced(name: str, texts: Sequence[str]) -> Judged:
    target = texts[0] if texts else ""
    if name != "eval" and (
        target.endswith(("activate", ".env", "/.bashrc", ".bashrc", ".profile", "openrc", "env.sh"))
        or "/.env" in target
        or target.startswith(".env")
    ):
        return "read", f"{target} only sets variables of the shell."
    return "unknown", f"What {name} runs is not known."


_VERSIONED = re.compile(r"(?:python|pip|php|node)[\d.]*")


def knows(name: str) -> bool:
    """Say whether a word is a program that some rule here knows by name."""
    return (
        name in SQL_CLIENTS or name in _MONGO or name in _SHELLS or name in _INTERPRETERS or name in _MAKE or name in WRAPPERS
        or name == "cypher-shell" or find(name) is not None or bool(_VERSIONED.fullmatch(name))
    )  # fmt: skip
