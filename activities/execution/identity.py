"""Who a command runs as, where that is not the user of the worker."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class IdentityError(Exception):
    """The command cannot run as this user here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A user with the group of its account; `groups` are the supplementary ones, none unless they were asked for."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str

    @property
    def environment(self) -> dict[str, str]:
        """What a login would set."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


def identify(user: str, groups: Sequence[str] = ()) -> Identity:
    """Look up an account and groups of this machine. May block, since accounts may come from a directory server.

    IdentityError if this process may not become somebody else, or there is no such user or group.
    """
    if os.geteuid() != 0:
        raise IdentityError(
            f"only a worker that runs as root can run it as {user}, and this one runs as {own_name()}: run a worker as"
            f" {user}, name it in `runner` and remove `user`"
        )
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise IdentityError(f"there is no user {user} on this machine") from None
    return Identity(user, account.pw_uid, account.pw_gid, tuple(group_id(name) for name in groups), account.pw_dir)


def group_id(name: str) -> int:
    """The number of a group of this machine; IdentityError if there is none."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise IdentityError(f"there is no group {name} on this machine") from None


def own_name() -> str:
    """The name of the user of this process, or its number."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"
