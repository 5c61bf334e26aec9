"""What PowerShell would do, by the verbs of its cmdlets: text goes in; a risk with the sentence why comes out.

Every cmdlet in the text counts, also those within braces; a method that is called on an object, a static call, a call
operator and a text that runs code of its own make it unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from watchkeeper.book.model import Risk
from watchkeeper.book.programs import word_set
from watchkeeper.book.verdicts import Judged, worst

_READ = word_set("get test show measure select where sort resolve find compare convertto convertfrom foreach group join split "
    "debug ping wait watch read")  # fmt: skip
_DESTROY = word_set("remove clear uninstall reset unregister revoke undo dismount initialize")
_ONE: dict[str, Risk] = {
    **dict.fromkeys(word_set(
        "format-table format-list format-wide format-custom format-hex out-null out-host out-string out-gridview out-default "
        "write-host write-output write-verbose write-warning write-error write-debug write-information write-progress "
        "search-adaccount search-unifiedauditlog connect-azaccount connect-mggraph connect-exchangeonline trace-command "
        "import-module set-location push-location pop-location start-sleep tee-object"), "read"),
    "tee-object": "change", "format-volume": "destroy", "clear-host": "read", "clear-variable": "read", "debug-process": "change",
    "stop-computer": "destroy", "search-mailbox": "unknown", "set-content": "change", "clear-dnsclientcache": "change",
}  # fmt: skip
_CMDLET = re.compile(r"(?<![\w.$-])([A-Za-z]+)-([A-Za-z]\w+)")
_VERBS = _READ | _DESTROY | word_set(
    "set new start stop restart suspend resume enable disable invoke import export install update write register rename move "
    "copy send receive push pop out enter exit save restore publish unpublish mount optimize repair request confirm complete "
    "approve deny grant block unblock lock unlock merge backup checkpoint connect disconnect limit open close expand "
    "compress edit assert submit switch sync trace use step redo protect unprotect add tee format convert foreach")  # fmt: skip
#: one call of a pipeline, without the variable that takes its result
_PIECE = re.compile(r"(?<![^|;\n{}])(?:\s*\$[\w:]+\s*=)?\s*(?P<call>(?:`\n|[^|;\n{}])+)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
#: `$(Get-Date -Format "yyyy")` within the words of a call
_COMPUTED = re.compile(r"\$\([^()]*(?:\([^()]*\)[^()]*)*\)")
_METHODS = word_set(
    "adddays addhours addminutes addseconds addmonths tostring trim split replace substring toupper tolower startswith endswith "
    "contains gettype round tolocaltime touniversaltime equals indexof join padleft padright getenumerator subtract math "
    "now format")  # fmt: skip


def native_pieces(text: str) -> list[str]:
    """Give the calls of a statement that start a program rather than a cmdlet, as they are written.

    >>> native_pieces('docker ps -a | Select-String "shop"')
    ['docker ps -a']
    """
    bare = _QUOTED.sub(lambda match: "_" * len(match.group()), text)
    bare = re.sub(r"(?m)(?:^|(?<=\s))#.*$", lambda match: " " * len(match.group()), bare)
    bare = _COMPUTED.sub(lambda match: "_" * len(match.group()), bare)
    found: list[str] = []
    for piece in _PIECE.finditer(bare):
        words = piece["call"].split()
        cmdlet = _CMDLET.match(words[0]) if words else None
        if not words or not re.match(r"[A-Za-z.~/\\]", words[0]) or (cmdlet and _is_cmdlet(cmdlet)):
            continue
        low = words[0].lower()
        if low in _KEYWORDS or low in _ALIASES or re.match(r"\.\s", piece["call"]) or words[1:2] in (["="], ["+="]):
            continue
        found.append(text[piece.start("call") : piece.end()].strip())
    return found


def _is_cmdlet(match: re.Match[str]) -> bool:
    return match[2][0].isupper() or match[1].lower() in _VERBS


def cmdlet_names(text: str) -> list[str]:
    """Give the cmdlets that a statement starts, in order."""
    return list(dict.fromkeys(re.findall(r"(?:^|[|;\n({]\s*|=\s*)([A-Z][A-Za-z]+-[A-Z]\w+)", text)))


def is_assignment(text: str) -> bool:
    """Say whether a statement only sets a variable to a plain value."""
    return bool(re.match(r"\$(?:env:)?\w+\s*=\s*(?:\"[^\"$]*\"|'[^']*'|[\w.:/-]+)\s*(?:#.*)?$", text.strip(), re.IGNORECASE))


def assess_powershell(text: str, judge: Callable[[str], Judged]) -> Judged:
    """Judge PowerShell by the verbs of its cmdlets, and by `judge` what starts another program."""
    if is_assignment(text):
        return "read", "It only sets variables of its own shell."
    judged: list[Judged] = []
    hidden = re.findall(r"\"[^\"]*\$\(([^\"]*)\"", text)
    text = re.sub(r"<[A-Za-z][\w .-]*>", "x", text)
    bare = re.sub(r"(?m)(?:^|(?<=\s))#.*$", "", re.sub(r"\"[^\"]*\"|'[^']*'", "''", text)) + "".join(f"\n{one}" for one in hidden)
    cmdlets = [
        (match[1], match[2])
        for match in _CMDLET.finditer(bare)
        if (match[2][0].isupper() or match[1][0].isupper())
        and (match[1].lower() in _VERBS or not bare[: match.start()].strip() or bare[: match.start()].rstrip()[-1] in "|;{(=&\n")
    ]
    judged += [_cmdlet(verb, noun, text) for verb, noun in cmdlets]
    called = [name.lower() for name in re.findall(r"(?:\.|::)([A-Za-z]\w*)\s*\(", bare)]
    if any(name not in _METHODS for name in called) or re.search(r"(?:^|[;|{(\n])\s*(?:&|\.)\s+\S", bare):
        judged.append(("unknown", "What is called in it is not known."))
    if re.search(r"(?<![-=\d*])>{1,2}\s*(?!\$null|&)[\w.$\\/'~]", bare):
        judged.append(("change", "It writes a file."))
    for piece in re.split(r"[|;\n{}]", re.sub(r"@\{[^{}]*\}", "''", bare)):
        words = re.sub(r"^\s*(?:\$[\w:.]+|\[[\w.]+\]\s*\$\w+)\s*\+?=\s*", "", piece.replace("''", " '' ")).split()
        words = [word for word in words if word not in ("(", ")")]
        if not words or words[0].startswith(("#", "$", "@", '"', "'", "-", "[", ")", "(", "&", "!", ".")):
            continue
        if (
            words[0].lower() in _KEYWORDS
            or re.match(r"\d", words[0])
            or ((cmdlet := _CMDLET.match(words[0].strip("()"))) and _is_cmdlet(cmdlet))
        ):
            continue
        if (risk := _alias(words[0].rsplit("\\", 1)[-1].removesuffix(".exe"))) is not None:
            judged.append(risk)
    judged += [judge(_COMPUTED.sub('""', piece).replace("\\", "/").replace("`\n", " ")) for piece in native_pieces(text)]
    return worst(judged) if judged else ("unknown", "There is no cmdlet in it that is known.")


_KEYWORDS = word_set(
    "if elseif else foreach for while do try catch finally switch param function begin process end return in "
    "until throw exit break")  # fmt: skip
_ALIASES: dict[str, Risk] = {
    **dict.fromkeys(word_set("rm del erase ri rd rmdir clc clear-item"), "destroy"),
    **dict.fromkeys(word_set("kill spps sc copy cp cpi move mv mi ren rni set sl mkdir md ni sajb start saps"), "change"),
    **dict.fromkeys(word_set("dir ls gci cat gc type ps gps gsv gwmi select where sort measure ft fl fw foreach % ? echo "
        "write pwd cd sls tee group diff compare gcm help man h history ipconfig netstat tasklist systeminfo hostname whoami "
        "nslookup ping tracert query quser findstr where.exe"), "read"),
    **dict.fromkeys(word_set("iex icm cmd powershell pwsh iwr irm curl wget"), "unknown"),
}  # fmt: skip


def _alias(name: str) -> Judged | None:
    risk = _ALIASES.get(name.lower())
    return (risk, f"{name} is an alias or a program of Windows.") if risk else None


def _cmdlet(verb: str, noun: str, text: str) -> Judged:
    name = f"{verb}-{noun}"
    low = name.lower()
    if verb.lower() == "invoke":
        posts = re.search(r"-Method\s+['\"]?(?:Post|Put|Patch|Delete)|-OutFile|-Body|-InFile", text, re.IGNORECASE)
        if noun.lower() in ("webrequest", "restmethod"):
            deletes = re.search(r"-Method\s+['\"]?Delete", text, re.IGNORECASE)
            return ("destroy" if deletes else "change", f"{name} sends.") if posts else ("read", f"{name} only fetches.")
        return "unknown", f"{name} does what it is given."
    if low in _ONE:
        return _ONE[low], f"{name} is known by its name."
    if low.startswith(("out-", "set-", "export-")):
        return "change", f"{name} writes."
    risk: Risk = "read" if verb.lower() in _READ else "destroy" if verb.lower() in _DESTROY else "change"
    return risk, f"{name} is judged by its verb."
