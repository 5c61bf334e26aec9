"""Who a name is, and what they may: the people of watchkeeper.toml, known by id, login or e-mail address. Pure."""

from __future__ import annotations

from watchkeeper.estate.access import role_for
from watchkeeper.estate.model import Estate, Person, Role

#: who is not in watchkeeper.toml counts as one person together where two are wanted: nobody can say that they are two
SOMEBODY = "somebody who is not in watchkeeper.toml"


def find_person(estate: Estate, name: str) -> Person | None:
    """Find the person whom an id, a login or an e-mail address stands for; None where nobody is listed so."""
    wanted = name.strip().casefold()
    if not wanted:
        return None
    known = (p for p in estate.people.values() if wanted in (p.id.casefold(), p.email.casefold(), *map(str.casefold, p.logins)))
    return next(known, None)


def person_of_email(estate: Estate, email: str) -> Person | None:
    """Find the person whom a provider knows by an e-mail address; an id or a login that looks like one is none."""
    wanted = email.strip().casefold()
    return next((p for p in estate.people.values() if wanted and p.email.casefold() == wanted), None)


def name_of(estate: Estate, name: str) -> str:
    """Give the one name under which somebody acts, however they came in."""
    person = find_person(estate, name)
    return person.id if person else name


def role_of(estate: Estate, name: str) -> Role | None:
    """Give what a listed person may for this service; None where they are not listed or only told."""
    person = find_person(estate, name)
    return role_for(person, estate.access, estate.service) if person else None


def person_of(estate: Estate, name: str) -> str:
    """Give the person as whom a name counts where two people are wanted.

    Where watchkeeper.toml gives access to people, only those who are listed can be told apart; else names are all there is.
    """
    person = find_person(estate, name)
    if person is not None:
        return person.id
    listed = any(role_for(each, estate.access, estate.service) for each in estate.people.values())
    return SOMEBODY if listed else name


def with_access(estate: Estate) -> list[tuple[Person, Role]]:
    """Give the people who may anything here, with their role."""
    found = ((person, role_for(person, estate.access, estate.service)) for person in estate.people.values())
    return [(person, role) for person, role in found if role is not None]
