"""Shell completion: the script that a shell loads, and what it is told about keys. Nothing is written anywhere."""

from __future__ import annotations

import re
import threading
from contextlib import redirect_stderr
from enum import StrEnum
from io import StringIO
from typing import Annotated, Any

import typer
from typer.completion import get_completion_inspect_parameters

from cli.output import print_raw
from cli.remote import api
from cli.settings import load_client
from lumen.errors import LumenError
from lumen.outcome import State

_SECONDS = 0.8
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_MOST = "100"


class Shell(StrEnum):
    """The shells that there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


# What the shell has typed so far goes to the command itself, in the variables that Typer reads. Its errors are not for
# the line that somebody is typing, hence 2>/dev/null.
_SCRIPTS = {
    Shell.BASH: r"""# bash completion of lumen; load it with: eval "$(lumen completion bash)"
_lumen_completion() {
    local line IFS=$'\n'
    COMPREPLY=()
    while read -r line; do
        COMPREPLY+=("$line")
    done < <(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _LUMEN_COMPLETE=complete_bash "$1" 2>/dev/null)
}
complete -o default -F _lumen_completion lumen
""",
    Shell.ZSH: r"""#compdef lumen
# zsh completion of lumen; load it with: eval "$(lumen completion zsh)" after compinit
_lumen_completion() {
    eval "$(_TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _LUMEN_COMPLETE=complete_zsh ${words[1]} 2>/dev/null)"
}
compdef _lumen_completion lumen
""",
    Shell.FISH: r"""# fish completion of lumen; load it with: lumen completion fish | source
function __lumen_complete
    set -lx _LUMEN_COMPLETE complete_fish
    set -lx _TYPER_COMPLETE_FISH_ACTION $argv[1]
    set -lx _TYPER_COMPLETE_ARGS (commandline -cp)
    lumen 2>/dev/null
end
complete --command lumen --no-files --arguments '(__lumen_complete get-args)' --condition '__lumen_complete is-args'
""",
}


def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> None:
    """Print the script that makes a shell complete commands, options, values and keys.

    \b
    Example: eval "$(lumen completion bash)"
    """
    print_raw(_SCRIPTS[shell])


def enable() -> None:
    """Let this process answer a shell that asks for completions; Typer does so only where it may also install them."""
    get_completion_inspect_parameters()


def complete_key(incomplete: str) -> list[tuple[str, str]]:
    """Return keys that begin with ``incomplete``, each with its state, as the running API tells them.

    Bounded to 0.8 s, and nothing at all where there is no answer: whoever types must not wait, nor read an error.
    """
    found: list[tuple[str, str]] = []
    asking = threading.Thread(target=_ask, args=(found,), daemon=True)
    asking.start()
    asking.join(_SECONDS)
    return [(key, state) for key, state in list(found) if key.startswith(incomplete)]


def _ask(found: list[tuple[str, str]]) -> None:
    try:
        with redirect_stderr(StringIO()):  # a warning about a setting is not for this moment either
            remote = api(load_client(), seconds=_SECONDS)
        rows = remote.get("/alerts", {"limit": _MOST}).body.get("alerts")
    except (LumenError, OSError, ValueError):
        return
    # A shell evaluates what it is told, so nothing passes but keys and words of Lumen's own.
    found += [(str(row["key"]), _state(row)) for row in rows or () if _is_row(row)]


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("key"), str) and _KEY.fullmatch(row["key"]) is not None


def _state(row: dict[str, Any]) -> str:
    return str(row.get("state")) if row.get("state") in list(State) else "episode"
