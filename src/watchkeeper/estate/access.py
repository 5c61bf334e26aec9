"""Reads who may sign in and what they may: `access` of each person and the table [access] of watchkeeper.toml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast
from urllib.parse import urlsplit

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.hours import Hours, parse_hours
from watchkeeper.estate.model import AUTOMATION, EVERY_SERVICE, ROLES, Access, Oidc, Person, Role
from watchkeeper.estate.table import Table, did_you_mean
from watchkeeper.estate.variables import Variables


def read_person(table: Table, name: str, variables: Variables) -> Person:
    """Read one of [people]: how to tell them, and what they may."""
    person = Person(
        id=name,
        name=table.text("name", name),
        line=table.line,
        roles=table.texts("roles"),
        notify=tuple(variables.fill(address, table, "notify") for address in table.texts("notify")),
        urgent=tuple(variables.fill(address, table, "urgent") for address in table.texts("urgent")),
        quiet=tuple(_read_quiet(table, text) for text in table.texts("quiet")),
        wake=table.texts("wake"),
        chat=table.texts("chat"),
        email=(table.maybe_text("email") or "").strip(),
        logins=table.texts("logins"),
        access=_read_roles(table),
    )
    if (person.quiet or person.urgent) and not person.wake:
        hint = 'Add wake = ["P0", "P1"]: the severities that may.'
        raise table.error(
            "quiet" if person.quiet else "urgent", f"{table.name()} does not say what may wake {person.name}.", hint
        )
    table.finish()
    return person


def _read_quiet(table: Table, text: str) -> Hours:
    hours = parse_hours(text)
    if hours is None:
        raise table.error("quiet", f"{text!r} are no hours.", 'Write them as "22:00-07:00 Europe/Berlin".')
    return hours


def read_access(table: Table, variables: Variables) -> Access:
    """Read the table [access]."""
    default = cast(Role | None, table.choice("default", ROLES) if "default" in table.values else None)
    access = Access(
        default=default,
        links_s=table.duration("links", 3600.0),
        session_s=table.duration("session", 12 * 3600.0, 60.0),
        oidc=_read_oidc(table.table("oidc"), variables) if "oidc" in table.values else None,
    )
    table.finish()
    return access


def check_people(people: Iterable[Person], access: Access, service: str, table: Table) -> None:
    """Raise ConfigError where two people share a name that they sign in by, or where some have access and nobody is an owner."""
    listed = list(people)
    taken: dict[str, Person] = {}
    for person in listed:
        for word in {person.id.casefold(), *(login.casefold() for login in person.logins), person.email.casefold()} - {""}:
            if word == AUTOMATION:
                raise _about(table, person, f"{AUTOMATION!r} is the name of Watchkeeper itself.", "Choose another.")
            if word in taken:
                other = f"{word!r} is {taken[word].id} already."
                raise _about(table, person, other, "An id, a login and an e-mail address belong to one person.")
            taken[word] = person
    roles = [role for person in listed if (role := role_for(person, access, service)) is not None]
    mapped = list(access.oidc.groups.values()) if access.oidc else []
    if (roles or mapped) and "owner" not in (*roles, *mapped):
        raise ConfigError(
            f"People have access to {service} and nobody is its owner.",
            hint='Give one of them access = "owner": the last owner cannot be removed.',
            code="WK138",
            where=table.where(),
        )


def role_for(person: Person, access: Access, service: str) -> Role | None:
    """Give a person's role for a service; None where they are only told."""
    return person.access.get(service) or person.access.get(EVERY_SERVICE) or access.default


def _read_roles(table: Table) -> Mapping[str, Role]:
    value = table.take("access")
    if value is None:
        return {}
    if isinstance(value, str):
        return {EVERY_SERVICE: _role(table, value, "access")}
    below = table.table("access")
    return {service: _role(below, below.text(service), service) for service in below.values}


def _role(table: Table, value: str, key: str) -> Role:
    if value not in ROLES:
        hint = f"Use one of: {', '.join(ROLES)}.{did_you_mean(value, ROLES)}"
        raise table.error(key, f"{table.name(key)} is {value!r}, which is no role.", hint)
    return value


def _read_oidc(table: Table, variables: Variables) -> Oidc:
    issuer = table.text("issuer")
    parts = urlsplit(issuer)
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname))):
        hint = "Write https://…, as the provider's own discovery document says it; http only on this machine."
        raise table.error("issuer", f"{issuer!r} cannot be an issuer.", hint)
    groups = table.table("groups")
    secret = variables.fill(table.text("client_secret", ""), table, "client_secret")
    oidc = Oidc(
        issuer=issuer,
        client_id=table.text("client_id"),
        client_secret=secret if isinstance(secret, Secret) or not secret else Secret(secret, "access.oidc.client_secret"),
        name=table.text("name", parts.hostname),
        scopes=table.texts("scopes") or ("openid", "email", "profile"),
        groups_claim=table.text("groups_claim", "groups"),
        groups={group: _role(groups, groups.text(group), group) for group in groups.values},
        unverified_email=table.flag("unverified_email", False),
    )
    table.finish()
    if "openid" not in oidc.scopes:
        raise table.error("scopes", "Without the scope openid nobody says who signs in.", 'Put "openid" into it.')
    return oidc


def _is_here(host: str) -> bool:
    return host in ("127.0.0.1", "::1", "localhost")


def _about(table: Table, person: Person, said: str, hint: str) -> ConfigError:
    return ConfigError(said, hint=hint, code="WK139", where=f"{table.file}:{person.line}")
