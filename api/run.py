"""Runs the API: wire it, serve until told to stop, finish what was accepted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry
from temporalio.client import Client

from activities.connection import connect
from activities.routing import AlertRouter
from api.app import create_app
from api.commands import TemporalCommands
from api.edge import Edge, Site
from api.episodes import TemporalEpisodes
from api.freezing import TemporalSwitch
from api.guards import TemporalGuards
from api.ledger_view import ProofdView
from api.metrics import ApiMetrics
from api.pages.forward_auth import forward_auth
from api.reception import Reception
from api.server import bind, serve_app
from api.slack.presence import slack_presence
from api.surroundings import Surroundings
from api.token_file import keep_tokens_fresh
from api.tokens import TokenBook, build_token_book, parse_tokens_file
from lumen.alert import Alert
from lumen.errors import SettingsError
from lumen.settings import Settings
from rules.freshness import keep_fresh
from rules.match import rule_for
from rules.source import RuleSource


async def serve(settings: Settings, ready: Callable[[str, int], None] | None = None) -> None:
    """Serve until SIGTERM, SIGINT or cancellation. Temporal may be down at the start: then alerts get a 503.

    ``ready`` is called with host and port when requests are answered.

    Raises:
        SettingsError: a token or key is missing, the tokens file cannot be used, or the address is taken; one line.
        RulesError: the rules cannot be used.

    """
    tokens = build_tokens(settings)
    source = RuleSource(Path(settings.rules), "signal" if settings.embedded else "link")
    client = await connect(settings, lazy=True)
    wake = asyncio.Event()
    async with httpx.AsyncClient(trust_env=False) as http, slack_presence(settings) as slack:
        around = surroundings_of(settings, client, http)
        edge = replace(build_edge(settings, tokens, source, client), surroundings=around, slack=slack.desk)
        with contextlib.closing(bind(settings.api_addr)) as listener:
            asked = asyncio.Event()
            reloading = (
                asyncio.create_task(keep_fresh(source, wake)),
                asyncio.create_task(keep_tokens_fresh(tokens, lambda: build_tokens(settings), asked)),
            )

            def reload() -> None:
                wake.set()
                asked.set()

            try:
                async with slack.listening(edge):
                    await serve_app(create_app(edge), listener, reload=reload, ready=ready)
            finally:
                for task in reloading:
                    task.cancel()


def build_tokens(settings: Settings) -> TokenBook:
    """Return every token that the settings accept; raises :class:`SettingsError` when one that is needed is missing."""
    if not settings.bridge_keys:
        raise SettingsError(
            "BRIDGE_SECRET is not set: the API signs votes with it (kid:secret, shared with the workers)"
        )
    if not settings.embedded and not settings.webhook_tokens:
        raise SettingsError("LUMEN_WEBHOOK_TOKEN is not set: without it nobody can send alerts")
    if not settings.embedded and not settings.api_tokens and not settings.tokens_file:
        raise SettingsError("LUMEN_API_TOKEN and LUMEN_TOKENS_FILE are not set: without one nobody can read or decide")
    bound = {}
    if settings.tokens_file:
        try:
            text = Path(settings.tokens_file).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise SettingsError(f"LUMEN_TOKENS_FILE: cannot read {settings.tokens_file}: {error}") from None
        bound = parse_tokens_file(text, settings.tokens_file)
    return build_token_book(settings.webhook_tokens, settings.api_tokens, bound, embedded=settings.embedded)


def build_edge(settings: Settings, tokens: TokenBook, source: RuleSource, client: Client) -> Edge:
    """Return the edge over real rules and a real Temporal client."""

    def find_rule(alert: Alert) -> str | None:
        rule = rule_for(alert, source.current)
        return rule.name if rule else None

    metrics = ApiMetrics(CollectorRegistry(), version("lumen-remediation"))
    return Edge(
        tokens=tokens,
        reception=Reception(find_rule, AlertRouter(client), metrics),
        commands=TemporalCommands(client),
        episodes=TemporalEpisodes(client),
        rules=lambda: source.current,
        metrics=metrics,
        bridge_keys=settings.bridge_keys,
        site=site_of(settings),
        forward_auth=forward_auth(
            settings.forward_auth_header,
            settings.forward_auth_proxies,
            settings.forward_auth_secret,
            settings.forward_auth_scopes,
        ),
    )


def surroundings_of(settings: Settings, client: Client, http: httpx.AsyncClient) -> Surroundings:
    """Return what the console looks at beside episodes; the ledger shows its entries only to one of its tokens."""
    token = settings.proofd_tokens[0] if settings.proofd_tokens else ""
    ledger = ProofdView(http, settings.proofd_url, token)
    return Surroundings(TemporalGuards(client), TemporalSwitch(client), ledger)


def site_of(settings: Settings) -> Site:
    """Return what people see of this installation; the embedded Temporal brings its own UI."""
    embedded_ui = f"http://127.0.0.1:{settings.temporal_ui_port}" if settings.embedded else ""
    return Site(
        base_url=settings.public_base_url,
        lang=settings.lang,
        link_seconds=settings.link_ttl_sec,
        temporal_ui_url=settings.temporal_ui_url or embedded_ui,
        namespace=settings.temporal_namespace,
    )
