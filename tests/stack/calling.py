"""One client for the plain HTTP of the tests: one a call would read the certificates of the world each time, 30 ms of CPU."""

from __future__ import annotations

import functools
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx


@functools.cache
def calls() -> httpx.Client:
    """Return the client; it keeps no connection and no cookie, so that each call is met as if it were the first."""
    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))
    return httpx.Client(trust_env=False, cookies=no_cookies, limits=httpx.Limits(max_keepalive_connections=0))
