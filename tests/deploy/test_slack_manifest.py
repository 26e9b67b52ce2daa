"""deploy/slack/manifest.yaml: the app has what Lumen needs, and nothing more."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from cli.fakeslack.methods import METHODS
from tests.deploy.dockerfile import ROOT

_PATH = ROOT / "deploy" / "slack" / "manifest.yaml"
_NEEDED = {"chat:write", "users:read", "users:read.email"}
_OPTIONAL = {"channels:history", "groups:history"}


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The manifest as Slack reads it."""
    found: dict[str, Any] = yaml.safe_load(_PATH.read_text(encoding="utf-8"))
    return found


def test_the_manifest_has_only_keys_that_slack_knows(manifest: dict[str, Any]) -> None:
    """Slack refuses a manifest with a key that it does not know: reference "App manifest"."""
    assert set(manifest) == {"_metadata", "display_information", "features", "oauth_config", "settings"}
    assert set(manifest["display_information"]) <= {"name", "description", "background_color", "long_description"}
    assert set(manifest["features"]) == {"bot_user"}
    assert set(manifest["features"]["bot_user"]) == {"display_name", "always_online"}
    assert set(manifest["oauth_config"]) == {"scopes"}
    assert set(manifest["settings"]) == {
        "interactivity",
        "socket_mode_enabled",
        "org_deploy_enabled",
        "token_rotation_enabled",
    }


def test_names_are_as_short_as_slack_wants_them(manifest: dict[str, Any]) -> None:
    """Name at most 35 characters, description 140, display name 80, the colour as #rrggbb."""
    shown = manifest["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert len(manifest["features"]["bot_user"]["display_name"]) <= 80
    assert re.fullmatch(r"#[0-9a-f]{6}", shown["background_color"])


def test_the_app_may_do_what_lumen_does_and_no_more(manifest: dict[str, Any]) -> None:
    """The bot has the scopes of the methods that are called, and no user scopes."""
    scopes = manifest["oauth_config"]["scopes"]
    assert set(scopes) == {"bot"}
    assert set(scopes["bot"]) == _NEEDED | _OPTIONAL
    assert {method.scope for method in METHODS.values() if method.scope} <= set(scopes["bot"])


def test_clicks_arrive_without_a_public_address(manifest: dict[str, Any]) -> None:
    """Interactivity is on and goes over Socket Mode; tokens are not rotated, since Lumen would not renew them."""
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["token_rotation_enabled"] is False
