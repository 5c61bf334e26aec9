"""What PowerShell would do, by the verbs of its cmdlets: text goes in; a risk with the sentence why comes out.

Every cmdlet in the text counts, also those within braces; a method that is called on an object, a static call, a call
operator and a text that runs code of its own make it unknown.
"""

from __future__ import annotations

import re

from watchkeeper.book.model import Risk
from watchkeeper.book.programs import word_set
from watchkeeper.book.verdicts import Judged, by_table, worst

_READ = word_set("get test show measure select where sort resolve find compare convertto convertfrom foreach group join split "
    "debug ping wait watch read")  # fmt: skip
_DESTROY = word_set("remove clear uninstall reset unregister revoke undo dismount initialize")
_ONE: dict[str, Risk] = {
    **dict.fromkeys(word_set(
        "format-table format-list format-wide format-custom format-hex out-null out-host out-string out-gridview out-default "
        "write-host write-output write-verbose write-warning write-error write-debug write-information write-progress "
        "search-adaccount search-unifiedauditlog connect-azaccount connect-mggraph connect-exchangeonline trace-command "
        "import-module set-location push-location pop-location tee-object"), "read"),
    "tee-object": "change", "format-volume": "destroy", "clear-host": "read", "clear-variable": "read", "debug-process": "change",
    "stop-computer": "destroy", "search-mailbox": "unknown", "set-content": "change", "clear-dnsclientcache": "change",
}  # fmt: skip
_CMDLET = re.compile(r"(?<![\w.$-])([A-Za-z]+)-([A-Za-z]\w+)")
_METHODS = word_set(
    "adddays addhours addminutes addseconds addmonths tostring trim split replace substring toupper tolower startswith endswith "
    "contains gettype round tolocaltime touniversaltime equals indexof join padleft padright getenumerator subtract math "
    "now format")  # fmt: skip


def assess_powershell(text: str) -> Judged:
    """Judge PowerShell by the verbs of its cmdlets; other programs by the table."""
    judged: list[Judged] = []
    hidden = re.findall(r"\"[^\"]*\$\(([^\"]*)\"", text)
    bare = re.sub(r"(?m)(?:^|(?<=\s))#.*$", "", re.sub(r"\"[^\"]*\"|'[^']*'", "''", text)) + "".join(f"\n{one}" for one in hidden)
    cmdlets = [(verb, noun) for verb, noun in _CMDLET.findall(bare) if noun[0].isupper() or verb[0].isupper()]
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
        if words[0].lower() in _KEYWORDS or re.match(r"\d", words[0]) or _CMDLET.match(words[0].strip("()")):
            continue
        judged.append(_program(words[0].rsplit("\\", 1)[-1].removesuffix(".exe"), words[1:]))
    return worst(judged) if judged else ("unknown", "There is no cmdlet in it that is known.")


_KEYWORDS = word_set(
    "if elseif else foreach for while do try catch finally switch param function begin process end return in "
    "until throw exit break")  # fmt: skip
_ALIASES: dict[str, Risk] = {
    **dict.fromkeys(word_set("rm del erase ri rd rmdir clc clear-item"), "destroy"),
    **dict.fromkeys(word_set("kill spps sc copy cp cpi move mv mi ren rni set sl mkdir md ni sajb start saps"), "change"),
    **dict.fromkeys(word_set("dir ls gci cat gc type ps gps gsv gwmi select where sort measure ft fl fw foreach % ? echo "
        "write pwd cd sls tee group diff compare gcm help man h history ipconfig netstat tasklist systeminfo hostname whoami "
        "nslookup ping tracert route query quser"), "read"),
    **dict.fromkeys(word_set("iex icm cmd powershell pwsh iwr irm curl wget"), "unknown"),
}  # fmt: skip


def _program(name: str, words: list[str]) -> Judged:
    risk = _ALIASES.get(name.lower())
    if risk == "read" and name.lower() in ("route", "tee"):
        risk = None
    return (risk, f"{name} is an alias or a program of Windows.") if risk else by_table(name, words)


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
