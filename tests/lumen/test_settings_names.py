"""Names in the environment: an alias, a misspelt name that is told, and those of Kubernetes and others that are not."""

from __future__ import annotations

import pytest

from lumen.settings import Settings, parse_settings
from tests.lumen.test_settings import no_files, parsed


def test_the_new_name_of_the_control_bus_wins_over_its_alias() -> None:
    """CONTROL_BUS_TARGET is the name, CONTROL_BUS_URL an alias."""
    both = {"CONTROL_BUS_URL": "http://old", "CONTROL_BUS_TARGET": "http://new"}
    assert parsed(**both).control_bus_url == "http://new"
    assert parsed(**dict(reversed(both.items()))).control_bus_url == "http://new"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("LUMEN_RULE", "LUMEN_RULES"),
        ("LUMEN_LANGUAGE", "LUMEN_LANG"),
        ("LUMEN_API_TOKENS", "LUMEN_API_TOKEN"),
        ("LUMEN_API_TOKEN_FILES", "LUMEN_API_TOKEN_FILE"),
        ("LUMEN_PROOFD_ADDR", "PROOFD_ADDR"),
    ],
)
def test_an_unknown_name_warns_with_the_nearest(name: str, near: str) -> None:
    """A misspelt variable stops nothing and is told, with the name that was probably meant and without its value."""
    settings, warnings = parse_settings({name: "hunter2"}, no_files)
    assert settings == Settings()
    assert warnings == [f"{name} is not a setting of Lumen: did you mean {near}?"]


def test_an_unknown_name_like_no_other_warns_without_advice() -> None:
    """Where nothing is near, nothing is proposed; warnings are in the order of the names."""
    _, warnings = parse_settings({"LUMEN_ZZZZZZZZZZZZZZ": "1", "LUMEN_QQQQQQQQQQQQQQ": "1"}, no_files)
    assert warnings == [f"LUMEN_{letter * 14} is not a setting of Lumen" for letter in "QZ"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LUMEN_API_SERVICE_HOST", "10.0.0.7"),
        ("LUMEN_API_SERVICE_PORT", "8080"),
        ("LUMEN_API_SERVICE_PORT_HTTP", "8080"),
        ("LUMEN_API_PORT", "tcp://10.0.0.7:8080"),
        ("LUMEN_API_PORT_8080_TCP", "tcp://10.0.0.7:8080"),
        ("LUMEN_API_PORT_8080_TCP_PROTO", "tcp"),
        ("LUMEN_API_PORT_8080_TCP_PORT", "8080"),
        ("LUMEN_API_PORT_8080_TCP_ADDR", "10.0.0.7"),
        ("LUMEN_API_PORT_53_UDP_ADDR", "10.0.0.7"),
        ("PROOFD_PORT_8077_TCP_ADDR", "10.0.0.7"),
        ("PATH", "/bin"),
        ("lumen_rules", "x"),
    ],
)
def test_variables_of_kubernetes_and_of_others_are_not_told(name: str, value: str) -> None:
    """Only names that begin with LUMEN_ and are not Kubernetes' own are worth a warning."""
    assert parsed(**{name: value}) == Settings()
