"""What in shell text is not what it seems: text and its tree go in; the reason to doubt the reading, or None, comes out.

Characters that a reader does not see, command substitution where the grammar has none, strings that a builtin would evaluate,
and variables that change what later programs do. Each makes the whole text unknown.
"""

from __future__ import annotations

import re
from itertools import pairwise

from tree_sitter import Node

from watchkeeper.book.programs import word_set

#: control characters, characters of no width, and those that turn the direction of writing
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200c\u2060\ufeff\u202a-\u202e\u2066-\u2069\u2028\u2029]|\r(?!\n|$)")
#: blanks that the shell does not take for blanks
_BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_QUOTED = frozenset({"string", "string_content", "raw_string", "ansi_c_string", "comment", "heredoc_body"})
#: a subscript that holds a command: `unset 'a[$(x)]'` and arithmetic run it
_SUBSCRIPT = re.compile(r"['\"]?\w+\[[^\]]*(?:\$\(|`)")

#: variables that make other programs run something, or run something else
_CHANGING_NAMES = word_set(
    "BASH_ENV PROMPT_COMMAND PS0 PS4 SHELLOPTS BASHOPTS GIT_SSH_COMMAND GIT_SSH GIT_EXTERNAL_DIFF "
    "GIT_PROXY_COMMAND GIT_ASKPASS GIT_EXEC_PATH GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_CONFIG_PARAMETERS "
    "GIT_TEMPLATE_DIR SSH_ASKPASS SUDO_ASKPASS LESSOPEN LESSCLOSE PERL5OPT PERL5LIB PERL5DB PYTHONSTARTUP "
    "PYTHONHOME PYTHONINSPECT RUBYOPT "
    "RSYNC_RSH RSYNC_CONNECT_PROG CVS_RSH TAR_OPTIONS TAPE MAKEFLAGS MAKEFILES PSQLRC "
    "KUBECTL_EXTERNAL_DIFF BORG_RSH BORG_PASSCOMMAND RESTIC_PASSWORD_COMMAND RCLONE_PASSWORD_COMMAND "
    "ANSIBLE_LIBRARY ANSIBLE_CALLBACK_PLUGINS AWS_CONFIG_FILE OPENSSL_CONF GCONV_PATH LOCPATH HOSTALIASES "
    "TERMINFO"
)
_CHANGING = re.compile(r"LD_|DYLD_|BASH_FUNC_|TF_CLI_ARGS|GIT_CONFIG_(?:KEY|VALUE|COUNT)")
#: what shows the output; the usual ones start nothing else
_SHOWS = word_set("PAGER GIT_PAGER MANPAGER PSQL_PAGER SYSTEMD_PAGER AWS_PAGER BAT_PAGER GH_PAGER DELTA_PAGER")
_PAGERS = re.compile(r"['\"]?(?:|(?:/usr)?(?:/bin/)?(?:cat|less|more|most|head|true)(?:\s+[-+\w]+)*)['\"]?")
_LOADS = word_set("NODE_OPTIONS JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS")
_FOLDERS = word_set("PYTHONPATH NODE_PATH RUBYLIB PERL5LIB")
_ANYBODYS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
_ORDINARY_PATH = re.compile(
    r"['\"]?(?:\$PATH|\$\{PATH\}|(?:/usr|/opt|/snap|/bin|/sbin|\$HOME/|\$\{HOME\}/|~/)[\w./${}~-]*"
    r"|\$\{?[A-Z]\w*\}?/[\w./-]*)(?::(?:\$PATH|\$\{PATH\}|[/~$][\w./${}~-]*))*['\"]?"
)


def changes_programs(name: str, value: str) -> bool:
    """Say whether setting a variable changes what programs started later do.

    >>> changes_programs("LD_PRELOAD", "/tmp/x.so"), changes_programs("PAGER", "cat"), changes_programs("TZ", "UTC")
    (True, False, False)
    """
    if name in _SHOWS:
        return _PAGERS.fullmatch(value) is None
    if name in _LOADS:
        return (
            re.search(r"-r\b|--(?:require|import|loader|experimental-loader)\b|-javaagent|-agent|OnError|OnOutOfMemory", value)
            is not None
        )
    if name in _FOLDERS:
        return value.lstrip("'\"").startswith(_ANYBODYS)
    if name == "PATH":
        begins = value.lstrip("'\"").startswith((*_ANYBODYS, "."))
        return begins or _ORDINARY_PATH.fullmatch(value) is None
    return name in _CHANGING_NAMES or _CHANGING.match(name) is not None


def doubt(text: str, source: bytes, root: Node) -> str | None:
    """Give the first reason not to trust how the grammar read a text, None where there is none."""
    if _UNSEEN.search(text):
        return "a character in it cannot be seen"
    for found in _BLANKS.finditer(text) if not text.isascii() else ():
        at = len(text[: found.start()].encode("utf-8", "replace"))
        node = root.descendant_for_byte_range(at, at + 1)
        if node is None or node.type not in _QUOTED:
            return "a blank in it is none to the shell"
    if ("\n" in text or "[ " in text) and (reason := _misread(source, root)):
        return reason
    if "`" in text and _stray_backtick(source, root):
        return "a command substitution in it cannot be read"
    if "@P}" in text or "@E}" in text:
        return "an expansion in it runs what its variable holds"
    if ("[$" in text or "[`" in text) and _evaluated(root, source):
        return "a subscript in it would be evaluated"
    return None


#: what cannot go on in the next line unless the line says so
_ONE_LINE = frozenset(
    {"command", "file_redirect", "herestring_redirect", "declaration_command", "unset_command", "variable_assignment",
     "concatenation", "redirected_statement", "negated_command"}
)  # fmt: skip
_CONTINUED = re.compile(rb"\\\r?\n")


_ENDS_A_WORD = frozenset({"&", "&&", "|", "||", "|&", ";", "<", ">", ">>", "\n"})
_LINES_JOINED = "the end of a line in it is read as a blank"


def _has_leaf(root: Node, kinds: frozenset[str]) -> bool:
    stack = list(root.children)
    while stack:
        node = stack.pop()
        if node.type in kinds:
            return True
        if node.type not in _QUOTED and node.type not in ("command_substitution", "process_substitution"):
            stack.extend(node.children)
    return False


def _misread(source: bytes, root: Node) -> str | None:
    """Say where the grammar took words of two commands for one: a line that begins with a backslash makes it do so."""
    stack = [root]
    while stack:
        node = stack.pop()
        children = node.children
        if node.type == "word" and b"\n" in _CONTINUED.sub(b"", source[node.start_byte : node.end_byte]):
            return _LINES_JOINED
        if node.type == "test_command" and children and children[0].type == "[" and _has_leaf(node, _ENDS_A_WORD):
            return "an operator within its brackets ends the test"
        if node.type in _ONE_LINE:
            for one, following in pairwise(children):
                gap = source[one.end_byte : following.start_byte]
                if b"\n" in gap and b"\n" in _CONTINUED.sub(b"", gap) and one.type != "heredoc_redirect":
                    return _LINES_JOINED
        stack.extend(children)
    return None


def _stray_backtick(source: bytes, root: Node) -> bool:
    """Say whether a backtick stands where it is neither quoted nor the mark of a substitution that was read."""
    at = source.find(b"`")
    while at >= 0:
        escaped = (len(source[:at]) - len(source[:at].rstrip(b"\\"))) % 2 == 1
        node = root.descendant_for_byte_range(at, at + 1)
        while node is not None and node.type in ("`", "string_content", "word", "regex"):
            node = node.parent
        kind = node.type if node is not None else ""
        within = _within_backticks(node, source)
        if escaped and within:
            return True
        literal = kind == "heredoc_body" and node is not None and _quoted_heredoc(node, source)
        if not escaped and not literal and kind not in ("raw_string", "comment", "ansi_c_string", "command_substitution"):
            return True
        at = source.find(b"`", at + 1)
    return False


def _within_backticks(node: Node | None, source: bytes) -> bool:
    while node is not None:
        if node.type == "command_substitution" and source[node.start_byte : node.start_byte + 1] == b"`":
            return True
        node = node.parent
    return False


def _quoted_heredoc(body: Node, source: bytes) -> bool:
    start = next((c for c in body.parent.children if c.type == "heredoc_start"), None) if body.parent else None
    return start is not None and any(mark in source[start.start_byte : start.end_byte] for mark in b"'\"\\")


def _evaluated(root: Node, source: bytes) -> bool:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type in ("raw_string", "string") and _SUBSCRIPT.match(
            source[node.start_byte : node.end_byte].decode("utf-8", "replace")
        ):
            return True
        stack.extend(node.children)
    return False
