"""What a program that speaks HTTP asks for: the words of `curl`, `wget` or `http` go in; a risk with the sentence why comes out.

Reading is a GET, a HEAD or an OPTIONS whose answer goes nowhere but to the screen, with options that are all known, or one of
the questions that are asked by POST (Elasticsearch's `_search`, Prometheus's `query`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from watchkeeper.book.programs import word_set
from watchkeeper.book.scripts import DESTROYS
from watchkeeper.book.verdicts import Judged, worst

ACTING = DESTROYS - word_set("recover recovery expire cancel") | word_set(
    "restart reload stop kill terminate shutdown quitquitquit drain disable rollback deploy forcemerge reindex "
    "deleteall flushall enable trigger run execute start"
)
_NOWHERE = frozenset({"/dev/null", "-", "/dev/stdout", "/dev/stderr", "NUL"})
#: letters of curl that take a value, and those that do not
_VALUE_LETTERS = "XHdouwFTmAbcexUErKDCYyzPQtI"
_CURL: dict[str, str] = {
    **dict.fromkeys(word_set("-X --request"), "method"),
    **dict.fromkeys(word_set(
        "-d --data --data-raw --data-binary --data-urlencode --data-ascii --json -F --form --form-string"), "data"),
    **dict.fromkeys(word_set("-T --upload-file"), "upload"),
    **dict.fromkeys(word_set(
    "-o --output -D --dump-header -c --cookie-jar --trace --trace-ascii --stderr --etag-save --hsts --alt-svc "
    "--libcurl --output-dir"), "file"),
    **dict.fromkeys(word_set(
    "-K --config -Q --quote -: --next --mail-from --mail-rcpt -t --telnet-option --engine --proxy-header"), "doubt"),
    **dict.fromkeys(word_set(
    "-H --header -w --write-out -u --user -m --max-time --connect-timeout --retry --retry-delay --retry-max-time "
    "-A --user-agent -b --cookie --cacert --capath --cert --key -E --cert-type --key-type --resolve --connect-to "
    "-x --proxy -U --proxy-user -e --referer --limit-rate --unix-socket --abstract-unix-socket --interface -r "
    "--range --oauth2-bearer --max-redirs --noproxy --dns-servers --local-port --keepalive-time --tls-max "
    "--ciphers --tls13-ciphers --pass --pinnedpubkey -y -Y --speed-limit --speed-time --max-filesize -z --time- "
    "cond --aws-sigv4 --happy-eyeballs-timeout-ms --expect100-timeout --url-query --rate --parallel-max -C "
    "--continue-at --etag-compare --socks5 --socks5-hostname --preproxy --haproxy-clientip --proto --proto- "
    "default --proto-redir --crlfile --netrc-file --service-name --login-options --curves --doh-url --ipfs- "
    "gateway"), "value"),
    "--url": "url", **dict.fromkeys(word_set("-O --remote-name --remote-name-all -J --remote-header-name"), "local"),
    "-G": "get", "--get": "get", "-I": "head", "--head": "head",
    **dict.fromkeys(word_set(
    "-s --silent -S --show-error -f --fail --fail-with-body --fail-early -L --location --location-trusted -k "
    "--insecure -v --verbose -i --include --show-headers -N --no-buffer -g --globoff -4 --ipv4 -6 --ipv6 "
    "--compressed --http1.0 -0 --http1.1 --http2 --http2-prior-knowledge --http3 --http3-only --tlsv1 --tlsv1.0 "
    "--tlsv1.1 --tlsv1.2 --tlsv1.3 -1 -2 -3 --ssl-reqd --ssl --no-progress-meter -# --progress-bar --no-keepalive "
    "--tcp-nodelay --tcp-fastopen --path-as-is --retry-connrefused --retry-all-errors --anyauth --basic --digest "
    "--ntlm --negotiate -n --netrc --netrc-optional -q --disable --raw --tr-encoding --parallel -Z --haproxy- "
    "protocol --cert-status --doh-cert-status --ssl-no-revoke --junk-session-cookies -j --post301 --post302 "
    "--post303 --proxytunnel -p --styled-output --no-styled-output --suppress-connect-headers --trace-time "
    "--compressed-ssh --disallow-username-in-url --false-start --create-dirs --no-clobber --xattr --version -V "
    "--help -h --manual -M --no-sessionid --no-alpn --no-npn --ca-native --http0.9 --remote-time -R --skip- "
    "existing --list-only -l --use-ascii -B -a --append"), "plain"),
}  # fmt: skip
_ASKING_PATHS = (
    re.compile(r"(?:/[\w.*,%$<>{}-]+)*/(?:_search|_count|_msearch|_search/template|_validate/query|_explain(?:/[\w-]+)?|_field_caps|_analyze|_mget|"
        r"_rank_eval|_cluster/allocation/explain|_sql/translate|_render/template)/?"),
    re.compile(r"(?:/[\w.-]+)*/api/v1/(?:query|query_range|query_exemplars|series|labels|format_query)/?"),
    re.compile(r"/v1/data(?:/[\w.-]+)*/?"),
)  # fmt: skip


@dataclass(slots=True)
class Asked:
    """One call: its method as written, whether it sends, what it writes, where it goes."""

    method: str | None = None
    sends: bool = False
    uploads: bool = False
    as_get: bool = False
    head: bool = False
    files: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    doubt: str | None = None
    #: where the words of a URL stand in the words
    told: bool = False


def judge_fetch(name: str, texts: Sequence[str]) -> Judged:
    """Judge a call of an HTTP client."""
    if name == "curl":
        return _judge(name, curl_asks(texts))
    if name == "wget":
        return _judge(name, _wget_asks(texts))
    return _judge(name, _httpie_asks(texts))


def _judge(name: str, asked: Asked) -> Judged:
    if asked.told:
        return "read", f"{name} only prints about itself."
    judged: list[Judged] = []
    if asked.doubt:
        judged.append(("unknown", f"What {name} does with {asked.doubt} is not judged."))
    method = (asked.method or "").strip("'\"").upper()
    if asked.method is not None and not re.fullmatch(r"[A-Z]+", method):
        judged.append(("unknown", f"Which method {name} uses is not known."))
    if not method:
        method = "GET" if asked.as_get or not (asked.sends or asked.uploads) else "PUT" if asked.uploads else "POST"
        method = "HEAD" if asked.head and method == "GET" else method
    for url in asked.urls or [""]:
        judged.append(_one(name, method, url, asked))
    written = next((one for one in asked.files if one not in _NOWHERE and not one.startswith("%")), None)
    if written is not None:
        judged.append(("change", f"{name} writes {written}."))
    return worst(judged)


_SCHEME = re.compile(r"([A-Za-z][\w+.-]*)://")
_OTHER_SCHEME = re.compile(r"(?:telnet|gopher|dict):")


def _one(name: str, method: str, url: str, asked: Asked) -> Judged:
    scheme = _SCHEME.match(url)
    if (scheme and scheme.group(1).lower() not in ("http", "https", "file", "unix")) or (
        scheme is None and _OTHER_SCHEME.match(url)
    ):
        return "unknown", f"What {name} says by {url.split(':')[0]} is not judged."
    path = _path(url)
    segments = [part.lower() for part in path.split("/") if part]
    last = segments[-1].strip("_-") if segments else ""
    if method == "DELETE" or "_delete_by_query" in segments or "delete_series" in segments or "clean_tombstones" in segments:
        return "destroy", f"{name} asks for something to be deleted."
    if method in ("GET", "HEAD", "OPTIONS"):
        if last in ACTING or "_ilm/retry" in path:
            return "unknown", f"{name} asks for {last}, which may act."
        return "read", f"{name} only asks ({method})."
    if (
        any(word in segment for segment in segments for word in ("purge", "shutdown"))
        or segments[-1:] == ["_flush"]
        or "_restore" in segments
    ):
        return "destroy", f"{name} asks for {last}."
    if method == "POST" and any(pattern.fullmatch(path) for pattern in _ASKING_PATHS):
        return "read", f"{name} asks a question by POST."
    return "change", f"{name} sends ({method})."


def _path(url: str) -> str:
    """Give the path of a URL, which may begin with a variable or a placeholder instead of a host."""
    bare = re.sub(r"^[A-Za-z][\w+.-]*://", "", url.strip("'\"")).split("?", 1)[0].split("#", 1)[0]
    cut = bare.find("/")
    return bare[cut:] if cut >= 0 else ""


def curl_asks(texts: Sequence[str]) -> Asked:
    """Read the words of curl."""
    asked = Asked()
    position = 0

    def take(option: str, value: str | None) -> None:
        nonlocal position
        kind = _CURL[option]
        if (
            kind in ("method", "data", "upload", "file", "doubt", "value", "url")
            and value is None
            and option not in ("-:", "--next")
        ):
            value = texts[position] if position < len(texts) else ""
            position += 1
        if kind == "method":
            asked.method = value
        elif kind == "data":
            asked.sends = True
        elif kind == "upload":
            asked.uploads = True
        elif kind == "file":
            asked.files.append(value or "")
        elif kind == "local":
            asked.files.append("a file of the name it has there")
        elif kind == "url":
            asked.urls.append(value or "")
        elif kind == "get":
            asked.as_get = True
        elif kind == "head":
            asked.head = True
        elif kind == "doubt":
            asked.doubt = option
        elif option in ("--version", "-V", "--help", "-h", "--manual", "-M") and len(texts) == 1:
            asked.told = True

    while position < len(texts):
        text = texts[position]
        position += 1
        if text.startswith("--") and len(text) > 2:
            name, equals, value = text.partition("=")
            if name in _CURL:
                take(name, value if equals else None)
            elif not (name.startswith("--no-") and f"--{name[5:]}" in _CURL):
                asked.doubt = name
        elif text.startswith("-") and len(text) > 1:
            for number, letter in enumerate(text[1:], 1):
                option = f"-{letter}"
                if option not in _CURL:
                    asked.doubt = asked.doubt or option
                    break
                if _CURL[option] in ("method", "data", "upload", "file", "value") or option in ("-K", "-Q", "-t"):
                    take(option, text[number + 1 :].removeprefix("=") or None)
                    break
                take(option, None)
        elif text != "-":
            asked.urls.append(text)
    return asked


_WGET_VALUES = word_set(
    "-T --timeout -t --tries --header -U --user-agent --user --password --ca-certificate --certificate --private- "
    "key -w --wait --waitretry --connect-timeout --dns-timeout --read-timeout --max-redirect --limit-rate "
    "--referer -Q --quota --http-user --http-password"
)


def _wget_asks(texts: Sequence[str]) -> Asked:
    asked = Asked()
    spider, output = False, None
    position = 0
    while position < len(texts):
        text = texts[position]
        position += 1
        name, equals, value = text.partition("=")
        following = texts[position] if position < len(texts) else ""
        if name in ("-O", "--output-document"):
            output = value if equals else following
            position += not equals
        elif (bundle := re.fullmatch(r"-([qvSNcdnv4]*)O(.*)", text)) and not text.startswith("--"):
            output = bundle.group(2) or following
            position += not bundle.group(2)
        elif name == "--method":
            asked.method = value if equals else following
            position += not equals
        elif name in ("--post-data", "--post-file", "--body-data", "--body-file"):
            asked.sends = True
            position += not equals
        elif name in ("-e", "--execute", "-i", "--input-file", "--use-askpass", "--config"):
            asked.doubt = name
            position += not equals
        elif name in _WGET_VALUES:
            position += not equals
        elif text == "--spider":
            spider = True
        elif text in ("--version", "--help", "-V", "-h") and len(texts) == 1:
            asked.told = True
        elif not text.startswith("-"):
            asked.urls.append(text)
    if not spider:
        asked.files.append(output if output is not None else "what it fetches")
    return asked


def _httpie_asks(texts: Sequence[str]) -> Asked:
    asked = Asked()
    for number, text in enumerate(texts):
        if text.startswith("-"):
            if text in ("--download", "-d", "-o", "--output") or text.startswith(("--output=", "--session")):
                asked.files.append(text)
        elif re.fullmatch(r"[A-Z]+", text) and asked.method is None and not asked.urls:
            asked.method = text
        elif not asked.urls and not (
            number and texts[number - 1] in ("-a", "--auth", "--timeout", "--verify", "-A", "--auth-type")
        ):
            asked.urls.append(text)
        elif re.match(r"[\w.\[\]-]+(?::=@?|=@?|@)", text) and "==" not in text:
            asked.sends = True
    return asked
