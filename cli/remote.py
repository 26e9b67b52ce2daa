"""Talking HTTP to the API and to proofd, and turning every way in which that fails into one line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli.causes import plain_cause
from cli.failure import USAGE, CommandError, UnansweredError
from cli.settings import ClientSettings

if TYPE_CHECKING:
    import httpx

_SECONDS = 30.0
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_NOT_NOW = frozenset({502, 503, 504})
_NO_TEMPORAL = ":temporal_unreachable"


@dataclass(frozen=True)
class Answer:
    """An answer with a status under 400: its status and its JSON object."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True)
class Remote:
    """One service: what it is called, where it answers, the token and the variables that change both."""

    name: str
    url: str
    token: str = field(repr=False)
    url_variable: str
    token_variable: str
    seconds: float = _SECONDS

    def get(self, path: str, query: dict[str, str] | None = None) -> Answer:
        """Read; raises :class:`CommandError` for anything but success."""
        return self._send("GET", path, None, query)

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        """Send JSON; raises :class:`CommandError` for anything but success."""
        return self._send("POST", path, body, None)

    def _send(self, method: str, path: str, body: dict[str, Any] | None, query: dict[str, str] | None) -> Answer:
        import httpx  # noqa: PLC0415  # takes longer to import than most commands take to run

        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        content = None if body is None else json.dumps(body, ensure_ascii=True).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        # A proxy of the environment is for the world outside, not for this machine.
        trust_env = urlsplit(self.url).hostname not in _HERE
        try:
            with httpx.Client(timeout=self.seconds, trust_env=trust_env) as client:
                response = client.request(method, self.url + path, params=query, content=content, headers=headers)
        except httpx.ConnectError as error:
            raise UnansweredError(
                f"cannot reach {self.name} at {self.url}: {plain_cause(error)}: "
                f"start it (`lumen up`), or set {self.url_variable} to where it runs",
                self.name,
            ) from None
        except httpx.HTTPError as error:
            text = f"no usable answer of {self.name} at {self.url}: {plain_cause(error)}: see its log"
            raise UnansweredError(text, self.name) from None
        except httpx.InvalidURL:
            raise CommandError(f"{self.url} is no address of {self.name}: correct {self.url_variable}", USAGE) from None
        return self._judged(response)

    def _judged(self, response: httpx.Response) -> Answer:
        if response.status_code == 401 and not self.token:
            raise CommandError(
                f"{self.name} at {self.url} wants a token: set {self.token_variable}, "
                "or LUMEN_DATA_DIR to the data directory of `lumen up`",
                USAGE,
            )
        if response.status_code == 401:
            raise CommandError(f"{self.name} at {self.url} refused the token: correct {self.token_variable}")
        try:
            body = response.json()
        except ValueError:
            body = None
        if response.is_success and isinstance(body, dict):
            return Answer(response.status_code, body)
        detail = body.get("detail") or body.get("title") if isinstance(body, dict) else None
        if response.status_code in _NOT_NOW:
            who = "Temporal" if isinstance(body, dict) and str(body.get("type")).endswith(_NO_TEMPORAL) else self.name
            text = f"{detail or f'{self.name} at {self.url} cannot answer now'} (HTTP {response.status_code})"
            raise UnansweredError(text, who)
        if detail:
            raise CommandError(f"{detail} (HTTP {response.status_code})")
        raise CommandError(
            f"what answers at {self.url} is not {self.name} (HTTP {response.status_code}): correct {self.url_variable}"
        )


def api(client: ClientSettings, *, sends_alerts: bool = False, seconds: float = _SECONDS) -> Remote:
    """Return the API; with ``sends_alerts`` under a token that may send alerts. Each wait in it lasts ``seconds`` at most."""
    settings = client.settings
    variable = "LUMEN_WEBHOOK_TOKEN" if sends_alerts else "LUMEN_API_TOKEN"
    tokens = settings.webhook_tokens or settings.api_tokens if sends_alerts else settings.api_tokens
    token = tokens[0] if tokens else ""
    return Remote("the Lumen API", client.api_url, token, "LUMEN_API_ADDR", variable, seconds)


def ledger(client: ClientSettings) -> Remote:
    """Return proofd."""
    settings = client.settings
    token = settings.proofd_tokens[0] if settings.proofd_tokens else ""
    return Remote("the ledger (proofd)", settings.proofd_url, token, "PROOFD_URL", "PROOFD_TOKEN")
