"""The one way to a Temporal client: temporalio's own environment configuration, so TLS and API keys work as it documents."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.envconfig import ClientConfig

from lumen.settings import Settings


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """Return a client for ``settings``; with ``lazy`` the connection is made by the first call.

    Raises:
        RuntimeError: Temporal cannot be reached (not with ``lazy``); the text of temporalio's own error says why.

    """
    config = ClientConfig.load_client_connect_config(override_env_vars=settings.temporal_env)
    config.setdefault("target_host", settings.temporal_address or f"127.0.0.1:{settings.temporal_port}")
    return await Client.connect(**config, lazy=lazy)
