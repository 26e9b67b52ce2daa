"""Reads docker-compose.yml, and says how one of its services is started where there are no containers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.dockerfile import ROOT, entrypoint, image_environment
from tests.stack.processes import free_port

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>[A-Z_]+)(?P<has>:-)?(?P<default>[^}]*)\})")
_ASSIGNED = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)

PROGRAMS = {"prom/prometheus": ["prometheus"], "prom/alertmanager": ["prometheus-alertmanager"]}
"""What the images of others start, under the name that Debian gives it."""


def raw() -> dict[str, Any]:
    """Return the file as it is, with its variables."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


def env_example() -> dict[str, str]:
    """Return what .env.example sets."""
    return dict(_ASSIGNED.findall((ROOT / ".env.example").read_text(encoding="utf-8")))


def interpolated(value: Any, environ: Mapping[str, str]) -> Any:
    """Return ``value`` with ``${NAME}`` and ``${NAME:-default}`` filled in, as compose does it."""
    if isinstance(value, dict):
        return {key: interpolated(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, environ) for item in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        assert match["has"] or not match["default"], f"this reader knows ${{NAME}} and ${{NAME:-…}} only: {value}"
        return environ.get(match["name"], "") or match["default"]

    return _VARIABLE.sub(fill, value)


def variables() -> set[str]:
    """Return every variable that the file takes from .env."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    taken = {match["name"] for match in _VARIABLE.finditer(text) if match["name"]}
    handed_on = {
        name
        for service in raw()["services"].values()
        for name, value in service.get("environment", {}).items()
        if value is None
    }
    return taken | handed_on


def services(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the services as compose sees them with this .env."""
    found: dict[str, dict[str, Any]] = interpolated(raw()["services"], environ)
    for service in found.values():
        given = service.get("environment", {})
        service["environment"] = {
            name: environ[name] if value is None else value
            for name, value in given.items()
            if value is not None or environ.get(name)
        }
    return found


def seconds(duration: str) -> int:
    """Return a duration of the file, which writes them all in seconds."""
    assert re.fullmatch(r"\d+s", duration), duration
    return int(duration[:-1])


class Outside:
    """One machine without containers: services listen on free ports of 127.0.0.1, their paths lie below ``folder``.

    ``secrets`` is the folder with the secrets, ``programs`` the folder with the program of Lumen's image.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], secrets: Path, programs: Path) -> None:
        """Choose nothing yet: ports are chosen when they are first asked for."""
        self.folder = folder
        self.services = services(environ)
        self._secrets = secrets
        self.programs = programs
        self._ports: defaultdict[tuple[str, int], int] = defaultdict(free_port)
        self._copies: dict[str, Path] = {}

    def is_lumen(self, service: str) -> bool:
        """Return whether a service runs the image of Lumen."""
        image: str = self.services[service]["image"]
        return image.startswith("lumen:")

    def port(self, service: str, inside: int) -> int:
        """Return where a port of a service is to be found here."""
        return self._ports[service, inside]

    def volume(self, name: str) -> Path:
        """Return the folder of a named volume; made when it is first asked for."""
        path = self.folder / "volumes" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def volumes(self, service: str) -> list[Path]:
        """Return the folders that a service may write to."""
        return [self.volume(source) for source, _ in self._mounts(service) if not source.startswith((".", "/"))]

    def copy_configuration(self, service: str, source: str, changes: Mapping[str, str]) -> None:
        """Let a service read a copy of the mounted folder ``source``, with ``changes`` and the addresses of this machine."""
        to = self.folder / "configuration" / service
        for file in sorted((ROOT / source).rglob("*")):
            if file.is_file():
                path = to / file.relative_to(ROOT / source)
                path.parent.mkdir(parents=True, exist_ok=True)
                text = file.read_text(encoding="utf-8")
                for old, new in changes.items():
                    text = text.replace(old, new)
                path.write_text(self.here(service, text), encoding="utf-8")
        self._copies[source] = to

    def here(self, service: str, text: str) -> str:
        """Return ``text``, which a service reads, with the paths and addresses of this machine."""
        for source, target in sorted(self._mounts(service), key=lambda pair: -len(pair[1])):
            path = ROOT / source if source.startswith((".", "/")) else self.volume(source)
            text = re.sub(rf"(?<![\w.-]){re.escape(target)}(?![\w-])", str(self._copies.get(source, path)), text)
        text = text.replace("/run/secrets", str(self._secrets))
        names = "|".join(sorted(self.services, key=len, reverse=True))
        text = re.sub(rf"\b({names}):(\d+)\b", lambda match: f"127.0.0.1:{self.port(match[1], int(match[2]))}", text)
        own = re.compile(r"\b(?:0\.0\.0\.0|127\.0\.0\.1):(\d+)\b")
        known = {port for (_, port) in self._ports.items()}
        return own.sub(
            lambda match: match[0] if int(match[1]) in known else f"127.0.0.1:{self.port(service, int(match[1]))}",
            text,
        )

    def argv(self, service: str, *command: str) -> list[str]:
        """Return the command line of a service; ``command`` replaces its command, as with ``docker compose run``."""
        spec = self.services[service]
        program = spec.get("entrypoint")
        if program is None:
            program = entrypoint() if self.is_lumen(service) else PROGRAMS[spec["image"].partition(":")[0]]
        words = [*program, *(command or spec.get("command", []))]
        return [self.here(service, word) for word in words]

    def environment(self, service: str) -> dict[str, str]:
        """Return the environment of a service: that of its image, then its own."""
        spec = self.services[service]
        own = {name: self.here(service, str(value)) for name, value in spec["environment"].items()}
        image = image_environment() if self.is_lumen(service) else {}
        return {**image, **own, "PATH": f"{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin"}

    def probe(self, service: str) -> list[str]:
        """Return the command line of a service's healthcheck."""
        kind, *words = self.services[service]["healthcheck"]["test"]
        assert kind == "CMD", "a shell would be one more program that has to be there"
        ported = [str(self.port(service, int(word))) if re.fullmatch(r"\d+", word) else word for word in words]
        return [self.here(service, word) for word in ported]

    def _mounts(self, service: str) -> list[tuple[str, str]]:
        pairs = (each.split(":")[:2] for each in self.services[service].get("volumes", []))
        return [(source, target) for source, target in pairs]
