"""Package upgrades: what apt would install, upgrade and remove, by its own simulation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from watchkeeper.book.syntax import Word
from watchkeeper.run.effect.model import Answers, Effect, Look, Seen, plain, unseen
from watchkeeper.run.effect.place import Place
from watchkeeper.run.effect.words import counted, listed, sentence

_VERBS = frozenset(
    {"install", "upgrade", "dist-upgrade", "full-upgrade", "remove", "purge", "autoremove", "autopurge", "reinstall"}
)
#: a package of such a name restarts a server that others depend on
_SERVERS = re.compile(
    r"^(?:docker|containerd|postgresql|mysql-server|mariadb-server|redis|nginx|haproxy|apache2|rabbitmq|elasticsearch|openssh-server"
    r"|systemd|libc6|openssl|libssl|linux-image|kubelet|php[\d.]*-fpm|memcached|mongodb)"
)
_LINE = re.compile(r"^(Inst|Remv|Purg) (\S+)(?: \[([^\]]+)\])?(?: \((\S+))?", re.MULTILINE)


def apt(place: Place) -> Effect | None:
    """`apt upgrade`, `apt-get install …` and their like."""
    words = [word for word in place.words if not word.text.startswith("-")]
    if words and words[0].text == "update":
        return plain("Refreshes the lists of packages and installs nothing.", no_way_back="No way back is needed.")
    if not words or words[0].text not in _VERBS:
        return None
    look = Look(place.script(place.own("-s", *_quiet(place.words))))

    def read(answers: Answers) -> Seen:
        if not answers[0].ok:
            return unseen(answers[0])
        found = _LINE.findall(answers[0].output)
        upgraded = [(name, old, new) for kind, name, old, new in found if kind == "Inst" and old]
        installed = [name for kind, name, old, _ in found if kind == "Inst" and not old]
        removed = [name for kind, name, _, _ in found if kind != "Inst"]
        if not found:
            return Seen("Changes no package.", "apt nothing")
        told = [f"upgrades {counted(len(upgraded), 'package')}" if upgraded else ""]
        told += [f"installs {counted(len(installed), 'package')}: {listed(installed)}" if installed else ""]
        told += [f"removes {counted(len(removed), 'package')}: {listed(removed)}" if removed else ""]
        servers = [f"{name} {old} → {new}" for name, old, new in upgraded if _SERVERS.match(name)]
        told += [f"may restart {listed(servers)}" if servers else ""]
        kernels = [name for name in installed if name.startswith("linux-image")]
        told += ["the new kernel takes a reboot"] if kernels else []
        scope = " ".join(sorted(f"{kind}:{name}:{old}:{new}" for kind, name, old, new in found))
        return Seen(sentence(told), f"apt {scope}")

    return Effect(
        read, (look,), no_way_back="No way back: the versions before are named above; installing them again is for a person."
    )


def _quiet(words: Sequence[Word]) -> list[Word]:
    return [word for word in words if word.text not in ("-y", "--yes", "--assume-yes", "-qq", "-q", "-qy", "-yq")]
