""".env.example is complete: every setting of Lumen, every variable of docker-compose.yml, and no other."""

from __future__ import annotations

import re

from lumen import settings
from tests.deploy import composed
from tests.deploy.dockerfile import ROOT

_LINE = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
_UNUSED = "What stands here is not used."
_OF_COMPOSE = {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"}


def sections() -> dict[str, dict[str, str]]:
    """Return the variables, set or not, by the heading that they stand under."""
    parts = (ROOT / ".env.example").read_text(encoding="utf-8").split("\n# ---- ")[1:]
    return {part.splitlines()[0]: dict(_LINE.findall(part)) for part in parts}


def used() -> dict[str, str]:
    """Return the variables that have an effect."""
    return {
        name: value for heading, found in sections().items() for name, value in found.items() if _UNUSED not in heading
    }


def test_every_setting_appears_and_no_other_variable() -> None:
    """The file names each setting of Lumen and each variable of docker-compose.yml once."""
    names = [name for found in sections().values() for name in found]
    assert len(names) == len(set(names))
    assert set(names) == set(settings._SETTINGS) | composed.variables() | _OF_COMPOSE


def test_what_can_be_set_has_an_effect() -> None:
    """Each variable outside of the sections that say otherwise is read by docker-compose.yml, and none inside of them."""
    assert set(used()) == composed.variables() | _OF_COMPOSE


def test_a_secret_is_set_nowhere() -> None:
    """No secret of Lumen has a value in the file."""
    assert not [name for name, value in composed.env_example().items() if name in settings._SECRET and value]


def test_the_values_are_the_defaults_of_the_compose_file() -> None:
    """What the file sets or shows as a default is what docker-compose.yml would take without it."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^}]+)\}", text))
    shown = {name: value for name, value in used().items() if name in defaults and name != "TEMPORAL_ADDRESS"}
    assert shown == {name: value for name, value in defaults.items() if name != "TEMPORAL_ADDRESS"}


def test_every_setting_is_given_to_a_process_that_reads_it() -> None:
    """Each setting that can be set, is a file or is fixed reaches a service of Lumen under its own name."""
    services = composed.raw()["services"]
    given = {
        name.removesuffix("_FILE") if name.removesuffix("_FILE") in settings._SECRET else name
        for service in services.values()
        for name in service.get("environment", {})
    }
    unused = {name for heading, found in sections().items() if "lumen up" in heading for name in found}
    elsewhere = {
        "PROOF_ANCHOR_DIR",
        "PROOF_KEY_FILE",
        "LUMEN_KUBECONFIG",
    }  # need a mount of one's own; docs/containers.md
    assert set(settings._SETTINGS) - unused - elsewhere <= given


def test_the_values_can_be_used() -> None:
    """Lumen accepts what the file sets, and knows every variable of its own that a service is given."""
    for name, service in composed.services(composed.env_example()).items():
        if not service["image"].startswith("lumen:"):
            continue
        environ = {key: str(value) for key, value in service["environment"].items()}
        _, warnings = settings.parse_settings(environ, lambda _: "k1:0123456789abcdef0123456789abcdef")
        assert not warnings, name
