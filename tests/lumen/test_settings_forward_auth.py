"""Settings of a sign-in by a proxy: half of them, or everybody as the proxy, is refused in one line without the secret."""

from __future__ import annotations

import pytest

from lumen.errors import SettingsError
from lumen.settings import check_forward_auth, parse_settings

_HEADER = {"LUMEN_FORWARD_AUTH_HEADER": "X-Forwarded-Email"}
_PROXIES = {"LUMEN_FORWARD_AUTH_PROXIES": "10.0.0.1/32"}
_SECRET = {"LUMEN_FORWARD_AUTH_SECRET": "a-shared-secret-of-tests"}


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        (_HEADER, "LUMEN_FORWARD_AUTH_PROXIES"),
        (_HEADER | _SECRET, "LUMEN_FORWARD_AUTH_PROXIES"),
        (_PROXIES, "LUMEN_FORWARD_AUTH_HEADER"),
        (_SECRET, "LUMEN_FORWARD_AUTH_HEADER"),
        (_HEADER | {"LUMEN_FORWARD_AUTH_PROXIES": "10.0.0.1/32,0.0.0.0/0"}, "every address"),
        (_HEADER | {"LUMEN_FORWARD_AUTH_PROXIES": "::/0"}, "every address"),
    ],
)
def test_half_a_sign_in_by_a_proxy_is_refused(environ: dict[str, str], named: str) -> None:
    """A header without a proxy, a proxy without a header, and everybody as proxy are one clear line, without the secret."""
    settings, _ = parse_settings(environ, lambda path: path)
    with pytest.raises(SettingsError, match=named) as caught:
        check_forward_auth(settings)
    assert "\n" not in str(caught.value)
    assert "a-shared-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        _HEADER | _PROXIES,
        _HEADER | _PROXIES | _SECRET,
        _HEADER | _SECRET | {"LUMEN_FORWARD_AUTH_PROXIES": "0.0.0.0/0"},
    ],
)
def test_a_whole_sign_in_by_a_proxy_is_taken(environ: dict[str, str]) -> None:
    """Nothing at all, and a header with its proxy, are fine; with a shared secret the proxy may be anywhere."""
    check_forward_auth(parse_settings(environ, lambda path: path)[0])
