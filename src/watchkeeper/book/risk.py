"""What a command would do to the world: `read`, `change`, `destroy` or `unknown`, always with the sentence why.

`read` needs a positive rule for every program in the command. What cannot be parsed, is computed by the shell, or is run by
`eval` is unknown. Nothing here runs anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from watchkeeper.book.model import Risk
from watchkeeper.book.programs import Arguments, find, sort_arguments, word_set
from watchkeeper.book.scripts import assess_script
from watchkeeper.book.sql import assess_sql
from watchkeeper.book.unwrap import WRAPPERS, Started, Unwrapped, unwrap_text

Judged = tuple[Risk, str]

_ORDER: dict[Risk, int] = {"read": 0, "change": 1, "unknown": 2, "destroy": 3}
#: SQL client -> options that carry a statement, options that name a file
SQL_CLIENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "psql": (("-c", "--command"), ("-f", "--file")), "mysql": (("-e", "--execute"), ()), "mariadb": (("-e", "--execute"), ()),
    "clickhouse-client": (("-q", "--query"), ("--queries-file",)), "clickhouse": (("-q", "--query"), ()),
    "cqlsh": (("-e", "--execute"), ("-f", "--file")),
    "sqlcmd": (("-Q", "-q"), ("-i",)), "snowsql": (("-q", "--query"), ("-f",)), "trino": (("--execute",), ("-f", "--file")),
    "sqlite3": ((), ()),
    "usql": (("-c", "--command"), ("-f",)), "cockroach": (("-e", "--execute"), ("-f",)), "mycli": (("-e",), ()),
    "pgcli": (("-c",), ()), "duckdb": (("-c",), ()),
    "presto": (("--execute",), ("-f",)), "influx": (("-execute",), ()), "beeline": (("-e",), ("-f",)),
    "hive": (("-e",), ("-f",)), "gitlab-psql": (("-c",), ("-f",)), "gitlab-rails": ((), ()),
    "sqlplus": ((), ()), "vsql": (("-c",), ("-f",)), "ysqlsh": (("-c",), ("-f",)),
}  # fmt: skip
_SQL_VALUES = word_set(
    "-c --command -f --file -h --host -p --port -U --username -d --dbname -e --execute -u --user -P -S -D "
    "--database -q --query -Q -o --output -v --set -F -R -T --variable --password -i --queries-file --keyspace "
    "--server -execute -database -port -host"
)
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


def assess(text: str, language: str = "bash") -> Judged:
    """Judge a command of any language that the reader knows; worst program first."""
    if language == "sql":
        return assess_sql(text)
    if language == "redis":
        return _worst([_by_table("redis-cli", line.split()) for line in text.splitlines() if line.strip()])
    if language == "psql":
        return _meta_commands(text)
    if language == "mongodb":
        return assess_mongo(text)
    if language == "powershell":
        return assess_powershell(text)
    if language != "bash":
        return "unknown", f"What {language} code does is not judged."
    found, _ = unwrap_text(text)
    return assess_unwrapped(found)


def assess_unwrapped(found: Unwrapped) -> Judged:
    """Judge what unwrapping found."""
    judged: list[Judged] = [judge(started) for started in found.started if not started.wrapper]
    if found.opaque:
        judged.append(("unknown", f"{found.opaque[0].upper()}{found.opaque[1:]}."))
    if found.writes:
        emptied = (
            all(
                started.name in (":", "true") or (started.name == "cat" and started.texts == ("/dev/null",))
                for started in found.started
            )
            and not found.appends
        )
        judged.append(
            ("destroy", f"It empties the file {found.writes[0]}.")
            if emptied
            else ("change", f"It writes the file {found.writes[0]}.")
        )
    if not judged and (found.interactive or found.endless):
        return "read", "It only opens a session."
    if not judged:
        return (
            ("read", "It only sets variables of its own shell.")
            if not found.started
            else ("unknown", "It starts no program that is known.")
        )
    worst = _worst(judged)
    if worst[0] == "read" and len(judged) > 1:
        names = dict.fromkeys(started.name for started in found.started if not started.wrapper)
        return "read", f"All of {', '.join(names)} change nothing." if len(names) > 1 else worst[1]
    return worst


def _worst(judged: Sequence[Judged]) -> Judged:
    if not judged:
        return "unknown", "There is no command in it."
    return max(judged, key=lambda one: _ORDER[one[0]])


def judge(started: Started) -> Judged:
    """Judge one program with its words."""
    name, texts = started.name, started.texts
    if name in SQL_CLIENTS and name not in ("gitlab-rails",):
        return _sql_client(started)
    if name in _MONGO:
        code = sort_arguments(texts, frozenset({"--eval", "--host", "-u", "-p", "--username", "--password", "--port"})).value(
            "--eval"
        )
        if code is None and started.stdin != "text" and started.stdin is not None:
            return "unknown", "What is fed to the MongoDB shell is not known."
        return (
            assess_mongo(code or started.stdin_text)
            if code or started.stdin_text
            else ("read", "It only opens a MongoDB session.")
        )
    if name in _SHELLS:
        return _shell(started)
    if re.fullmatch(r"python\d(\.\d+)?", name):
        name = "python"
    if name in _INTERPRETERS:
        return _interpreter(name, started)
    if name in ("eval", "source", "."):
        return _sourced(name, texts)
    if name in _MAKE:
        words = [text for text in texts if not text.startswith("-") and "=" not in text]
        if any(text in ("-n", "--dry-run", "--help", "-T") for text in texts):
            return "read", f"{name} with these options carries nothing out."
        return assess_script(name, words)
    if name in ("npm", "pnpm", "yarn", "bun", "composer") and texts and texts[0] in ("run", "run-script") and len(texts) > 1:
        return assess_script(texts[1], [])
    program = find(name)
    if program is None or (started.path.startswith(("./", "../")) and "." in name):
        if name in ("gradlew", "mvnw"):
            return _by_table(name, texts)
        if started.path or re.search(r"\.(sh|py|js|ts|rb|pl|php|ps1|bash|mjs)$", name) or "-" in name or "_" in name:
            return assess_script(name, texts) if (started.path or "." in name) else _unknown(name, texts)
        return _unknown(name, texts)
    if name in ("awk", "gawk", "mawk") and any(re.search(r"\bsystem\s*\(|\|\s*getline|print[^>]*>\s*\"", text) for text in texts):
        return "unknown", "The awk program starts others or writes files."
    return _by_table(name, texts)


def _unknown(name: str, texts: Sequence[str]) -> Judged:
    if len(texts) == 1 and texts[0] in ("--version", "--help", "version", "-V"):
        return "read", f"{name} {texts[0]} only prints."
    return "unknown", f"No rule knows the program {name}."


def _cmdlet(verb: str, noun: str, piece: str) -> Judged:
    name = f"{verb}-{noun}"
    if verb.lower() == "invoke":
        posts = re.search(r"-Method\s+['\"]?(?:Post|Put|Patch|Delete)", piece, re.IGNORECASE)
        if noun in ("WebRequest", "RestMethod"):
            return ("change", f"{name} sends.") if posts else ("read", f"{name} only fetches.")
        return "unknown", f"{name} does what it is given."
    if name == "Out-File":
        return "change", "Out-File writes a file."
    risk: Risk = "read" if verb.lower() in _POWERSHELL_READ else "destroy" if verb.lower() in _POWERSHELL_DESTROY else "change"
    return risk, f"{name} is judged by its verb."


_REDIS_CALL = re.compile(r"redis\.p?call\(\s*['\"](\w+)['\"]", re.IGNORECASE)


def _redis_script(texts: Sequence[str]) -> Judged:
    """Judge an EVAL by the commands that its script calls by name."""
    script = texts[[text.lower() for text in texts].index("eval") + 1 :][:1]
    calls = _REDIS_CALL.findall(script[0]) if script else []
    if not calls or len(calls) != len(re.findall(r"redis\.p?call", script[0])):
        return "unknown", "What the script calls is not known."
    return _worst([_by_table("redis-cli", [call]) for call in calls])


def _by_table(name: str, texts: Sequence[str]) -> Judged:
    program = find(name)
    if name in ("redis-cli", "valkey-cli") and any(text.lower() == "eval" for text in texts):
        return _redis_script(texts)
    if program is None:
        return _unknown(name, texts)
    if "--help" in texts:
        return "read", f"{name} --help only prints."
    given: Arguments = program.arguments(texts)
    risk, pattern = program.risk(given)
    if risk is None or (risk == "unknown" and not pattern):
        if not given.words and (not given.options or name.endswith("-cli")):
            return "read", f"{name} alone opens a session or prints its usage."
        return "unknown", f"What {name} {' '.join(given.words[:2])} does is in no rule.".replace("  ", " ")
    said = {
        "read": "changes nothing",
        "change": "alters state",
        "destroy": "deletes, overwrites or cannot be taken back",
        "unknown": "is in no rule",
    }[risk]
    return risk, f"{name}{' ' + pattern if pattern and pattern != 'always' else ''} {said}."


def _sql_client(started: Started) -> Judged:
    name = started.name
    statements, files = SQL_CLIENTS[name]
    given = sort_arguments(started.texts, _SQL_VALUES)
    code = [value for option, value in given.options if option in statements and value]
    code += [
        option[2:]
        for option, value in given.options
        if value is None and len(option) > 3 and option[:2] in statements and option[1] != "-"
    ]
    if name == "sqlite3" and len(given.words) > 1:
        code.append(" ".join(given.words[1:]))
    if started.stdin == "text" and started.stdin_text.strip():
        code.append(started.stdin_text)
    if code:
        return _worst([_meta_commands(part) if part.lstrip().startswith(("\\", ".")) else assess_sql(part) for part in code])
    script = given.value(*files) if files else None
    if script or started.stdin == "file":
        source = script or started.stdin_text
        if started.stdin == "file" or re.search(r"backup|dump|restore|latest|snapshot", source, re.I):
            return "destroy", f"{name} replays {source} over what is in the database."
        return "unknown", f"What is in {source} is not known."
    if started.stdin == "pipe":
        return "destroy", f"{name} replays what is piped into it over what is in the database."
    return "read", f"{name} only opens a session."


_META_READ = re.compile(
    r"\\(?:d\S*|l\+?|x|timing|conninfo|c|connect|pset|q|z|sf|sv|encoding|echo|\?|h|watch|set|a|t|dt\S*|errverbose|copy\s+\(.*\)\s+to\b.*|copy\s+\S+\s+to\b.*)(?:\s|$|\+)",
    re.I,
)


def _meta_commands(text: str) -> Judged:
    word = text.strip()
    if re.search(r"\b(?:delete|update|insert|drop|truncate|program)\b", word, re.IGNORECASE):
        return "unknown", f"What {word.split()[0]} is given is not judged."
    if word.startswith(".") and re.match(
        r"\.(?:tables|schema|databases|indexes|indices|mode|headers|dump|quit|exit|timer|stats)\b", word
    ):
        return "read", f"{word.split()[0]} only shows."
    if _META_READ.match(word):
        return "read", f"{word.split()[0]} only shows."
    if re.match(r"\\copy\b.*\bfrom\b", word, re.I | re.S):
        return "change", r"\copy … from loads rows."
    return "unknown", f"No rule knows {word.split()[0] if word else 'it'}."


def _shell(started: Started) -> Judged:
    texts = started.texts
    if any(re.fullmatch(r"-[a-z]*c", text) for text in texts):
        return "read", "The shell itself changes nothing; what it is given is judged apart."
    words = [text for text in texts if not text.startswith("-")]
    if words:
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
    if any(text in ("-c", "-e", "-r", "--eval", "-E", "-p") for text in texts[:4]):
        return "unknown", f"What the {name} code does is not judged."
    if texts[:1] in (("--version",), ("-V",), ("-v",), ("-version",)):
        return "read", f"{name} {texts[0]} only prints."
    if "-m" in texts and "json.tool" in texts:
        return "read", "json.tool only formats."
    if "-m" in texts and texts.index("-m") + 1 < len(texts):
        module = texts.index("-m") + 1
        known = find(texts[module])
        return _by_table(texts[module], texts[module + 1 :]) if known else assess_script(texts[module], texts[module + 1 :])
    words = [text for text in texts if not text.startswith("-")]
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


_MONGO_RULES: tuple[tuple[Risk, str], ...] = (
    ("destroy", r"\.(?:drop\w*|remove\w*|delete\w*|shutdownServer)\s*\(|rs\.remove\(|\$out|\$merge|shutdown"),
    ("change",
        r"\.(?:insert\w*|update\w*|replace\w*|save|createIndex\w*|ensureIndex|stepDown|freeze|killOp|"
        r"setProfilingLevel|reconfig|initiate|add|addArb|compact|createUser|grantRolesToUser|bulkWrite|"
        r"renameCollection|fsync\w*|reIndex|changeUserPassword|runCommand|adminCommand|enableSharding|"
        r"shardCollection|startBalancer|stopBalancer|setBalancerState|syncFrom)\s*\("),
    ("read",
        r"^\s*(?:show\s+\w+|use\s+\w+|it|help|exit|quit)\s*;?\s*$|\.(?:find\w*|count\w*|stats|status|serverStatus|"
        r"currentOp|getIndexes|getCollectionNames|aggregate|hello|isMaster|version|hostInfo|explain|"
        r"getProfilingStatus|print\w*|conf|config|getReplicationInfo|getMongo|getUsers|distinct|"
        r"estimatedDocumentCount|dataSize|totalSize|latencyStats|serverBuildInfo|secondaryOk|setReadPref|"
        r"getCollectionInfos|getSiblingDB|validate|listCommands|ping)\b"),
)  # fmt: skip


def assess_mongo(text: str) -> Judged:
    """Judge code of the MongoDB shell by the methods it calls."""
    if re.search(
        r"(?:runCommand|adminCommand)\s*\(\s*\{?\s*['\"]?(?:ping|serverStatus|replSetGetStatus|dbStats|collStats|listDatabases|currentOp|hello|isMaster|connPoolStats|getParameter|buildInfo|hostInfo|getLog|top)\b",
        text,
    ):
        return "read", "The command only asks for a state."
    if re.search(r"\bforEach\s*\(|\beval\s*\(|\bload\s*\(|\bfunction\b|=>", text) and not re.search(_MONGO_RULES[0][1], text):
        return "unknown", "The code runs code of its own."
    for risk, pattern in _MONGO_RULES:
        found = re.search(pattern, text)
        if found:
            return risk, f"{found.group().strip().strip('.(')} decides."
    return "unknown", "No rule knows what is called."


_POWERSHELL_READ = word_set(
    "get test show measure select where format sort write resolve find compare convertto convertfrom foreach "
    "group tee join split trace debug ping wait watch read connect search out"
)
_POWERSHELL_DESTROY = word_set("remove clear uninstall reset unregister revoke undo dismount")


def assess_powershell(text: str) -> Judged:
    """Judge PowerShell by the verbs of its cmdlets; other programs by the table."""
    judged: list[Judged] = []
    for piece in re.split(r"[|;\n]", text):
        words = re.sub(r"^\s*\$[\w:.]+\s*=\s*", "", piece).split()
        words = [word for word in words if word not in ("{", "}", "(", ")")]
        if not words or words[0].startswith(("#", "$", "@", '"', "'", "-", "}", "if", "foreach", "[", ")")):
            continue
        bare = re.sub(r"\"[^\"]*\"|'[^']*'", "''", piece)
        cmdlets = re.findall(r"(?<![\w-])([A-Z][A-Za-z]+)-([A-Z]\w+)", bare)
        if not re.match(r"[(&\s]*[A-Z][A-Za-z]+-[A-Z]\w+", words[0]):
            judged.append(_by_table(words[0].rsplit("\\", 1)[-1].removesuffix(".exe"), words[1:]))
        judged += [_cmdlet(verb, noun, piece) for verb, noun in cmdlets]
    return _worst(judged) if judged else ("unknown", "There is no cmdlet in it that is known.")


def knows(name: str) -> bool:
    """Say whether a word is a program that some rule here knows by name."""
    return (
        name in SQL_CLIENTS or name in _MONGO or name in _SHELLS or name in _INTERPRETERS or name in _MAKE or name in WRAPPERS
        or bool(re.fullmatch(r"(?:python|pip|php|node)[\d.]*", name)) or find(name) is not None
    )  # fmt: skip
