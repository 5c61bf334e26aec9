"""What a Cypher statement would do to a graph: its text goes in; a risk with the sentence why comes out."""

from __future__ import annotations

import re

from watchkeeper.book.verdicts import Judged, worst

_DESTROYS = re.compile(r"\b(?:DELETE|DETACH|DROP|REMOVE|TRUNCATE)\b", re.IGNORECASE)
_CHANGES = re.compile(
    r"\b(?:CREATE|MERGE|SET|INSERT|FOREACH|ALTER|GRANT|DENY|REVOKE|RENAME|START|STOP|ENABLE|TERMINATE|LOAD\s+CSV)\b",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"\s*(?:MATCH|OPTIONAL\s+MATCH|RETURN|UNWIND|WITH|SHOW|EXPLAIN|PROFILE|USE)\b", re.IGNORECASE)
_CALLS = re.compile(
    r"\bCALL\s+(?!\{|db\.(?:labels|relationshipTypes|propertyKeys|schema\.\w+|info|ping)\b|dbms\.(?:components|listQueries)\b)",
    re.IGNORECASE,
)
_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|/\*.*?\*/|//[^\n]*", re.DOTALL)


def assess_cypher(text: str) -> Judged:
    """Judge Cypher by its clauses; the worst statement counts."""
    bare = _STRINGS.sub(" ''", text)
    return worst([_one(one) for one in bare.split(";") if one.strip()])


def _one(statement: str) -> Judged:
    if statement.lstrip().startswith(":"):
        return "unknown", "What a command of the Cypher shell does is not judged."
    if found := _DESTROYS.search(statement):
        return "destroy", f"{found.group().upper()} removes from the graph."
    if found := _CHANGES.search(statement):
        return "change", f"{found.group().upper()} alters the graph."
    functions = re.findall(r"\b(apoc|custom|db|dbms)\.[\w.]+\s*\(", statement)
    if _CALLS.search(statement) or functions or not _BEGINS.match(statement):
        return "unknown", "What is called in it is not known."
    return "read", "It only matches and returns."
