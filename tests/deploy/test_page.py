"""docs/containers.md names services, files and commands that exist."""

from __future__ import annotations

import re
import shlex

import yaml

from tests.deploy.composed import env_example, services
from tests.deploy.dockerfile import ROOT
from tests.docs.test_readme import problem_of

PAGE = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
SERVICES = services(env_example())
# What follows `docker compose VERB` in the page, before the names of services.
_OPTION = re.compile(r"-(?:-?[a-z-]+|T|d)$")
_WITH_VALUE = {"-e", "--scale", "--entrypoint"}


def blocks(language: str) -> list[str]:
    """Return the blocks of the page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def calls() -> list[list[str]]:
    """Return every call of ``docker compose`` in the page, as words after these two, up to a pipe or a file."""
    text = "\n".join([*blocks("sh"), *re.findall(r"`(docker compose [^`]+)`", PAGE)]).replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        for at, word in enumerate(words):
            if word == "docker" and words[at + 1] == "compose":
                rest = words[at + 2 :]
                end = next((index for index, each in enumerate(rest) if set(each) <= set("();<>|&")), len(rest))
                found.append(rest[:end])
    return found


def named(words: list[str]) -> list[str]:
    """Return what a call names after its options: services, or one service and its command."""
    rest = iter(words[1:])
    found: list[str] = []
    for word in rest:
        if not found and word in _WITH_VALUE:
            value = next(rest)
            assert word != "--scale" or value.split("=")[0] in SERVICES
        elif not found and _OPTION.match(word):
            continue
        else:
            found.append(word)
    return found


def test_every_call_names_services_that_exist() -> None:
    """Each call of docker compose names services of the file; what is run in `lumen` is a command of Lumen."""
    assert len(calls()) > 20
    for words in calls():
        if words[0] in {"exec", "run"}:
            service, *command = named(words)
            assert service in SERVICES, words
            if service == "lumen":
                assert not problem_of(["lumen", *command]), words
        elif words[0] in {"up", "restart", "logs", "stop"}:
            assert set(named(words)) <= set(SERVICES), words
        else:
            assert words[0] in {"ps", "build"}, words


def test_every_file_exists() -> None:
    """Each path of the project in the page is there, but for what the page itself makes."""
    made = {"deploy/docker/secrets", "deploy/docker/secrets/webhook_token"}
    paths = set(re.findall(r"\b(?:deploy|rules)/[\w./-]*\w", PAGE))
    assert paths - made
    assert not [path for path in paths - made if not (ROOT / path).exists()]


def test_every_service_and_port_is_in_the_table() -> None:
    """The table at the top has every service, and says where it is published."""
    for name, service in SERVICES.items():
        rows = [row for row in PAGE.splitlines() if row.startswith("|") and f"`{name}`" in row]
        assert len(rows) == 1, name
        for port in service.get("ports", []):
            assert f":{port.split(':')[1]}" in rows[0], name


def test_settings_in_the_page_are_those_of_the_example() -> None:
    """What the page says to write into .env stands in .env.example, with the same value where that shows one."""
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    written = [line for block in blocks("sh") for line in block.splitlines() if re.match(r"[A-Z_]+=", line)]
    assert written
    for line in written:
        name, _, value = line.partition("=")
        assert re.search(rf"^(?:# )?{name}=", example, re.MULTILINE), line
        assert name == "COMPOSE_PROFILES" or f"{name}={value}" in example, line


def test_the_override_fits_the_compose_file() -> None:
    """The override in the page changes a service that exists and mounts below a folder that Lumen looks into."""
    (text,) = blocks("yaml")
    (name,) = yaml.safe_load(text)["services"]
    assert SERVICES[name]["environment"]["LUMEN_RULES"] == "/etc/lumen/rules"
    (image,) = blocks("dockerfile")
    assert image.startswith(f"FROM {SERVICES[name]['image']}\n")
    assert image.rstrip().endswith("USER 10001:10001"), "the last word on the user is that of the image"
