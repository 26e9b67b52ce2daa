"""The way to a cluster: credentials, and one client a context, made when it is first needed and kept.

Credentials come from the kubeconfig file of ``LUMEN_KUBECONFIG``, else from the service account of the pod that the
worker runs in. There is no third place: a cluster is never acted on by accident.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
from lightkube import AsyncClient, KubeConfig
from lightkube.config.kubeconfig import SERVICE_ACCOUNT, SingleConfig
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import Pod

from lumen.display import printable, truncate

FIELD_MANAGER = "lumen"
_SECONDS = 10.0
"""For each step of one request: connecting, sending, and every wait for a part of the answer."""


class NoClusterError(Exception):
    """There is no way to a cluster: a sentence for a person, without secrets."""


class Cluster(AsyncClient):
    """A client of one cluster."""

    async def delete_exactly(self, namespace: str, name: str, uid: str) -> None:
        """Delete the pod that has this name and this uid; one that took its place is a conflict."""
        request = self._client.prepare_request("delete", Pod, name=name, namespace=namespace)
        request.data = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        sent = self._client.build_adapter_request(request)
        response = await self._client.send(sent)  # type: ignore[no-untyped-call]  # of the library
        self._client.handle_response("delete", response, request)


class Clusters:
    """The clients of one worker, by context."""

    def __init__(self, kubeconfig: str = "", service_account: str = SERVICE_ACCOUNT) -> None:
        """Keep where credentials are; nothing is read before the first action."""
        self._kubeconfig = kubeconfig
        self._service_account = service_account
        self._clients: dict[str, Cluster] = {}
        self._making = asyncio.Lock()

    async def client(self, context: str) -> Cluster:
        """Return the client of ``context`` ("" = the current one); raises :class:`NoClusterError`."""
        async with self._making:
            if context not in self._clients:
                config = await asyncio.to_thread(self._config, context)
                try:
                    self._clients[context] = Cluster(
                        config, timeout=httpx2.Timeout(_SECONDS), field_manager=FIELD_MANAGER, trust_env=False
                    )
                except (ConfigError, OSError, ValueError) as error:
                    raise NoClusterError(f"{self._where()} cannot be used: {_said(error)}") from None
            return self._clients[context]

    async def close(self) -> None:
        """Close every client."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()

    def _where(self) -> str:
        return f"LUMEN_KUBECONFIG {self._kubeconfig}" if self._kubeconfig else "the service account of this pod"

    def _config(self, context: str) -> SingleConfig:
        if not self._kubeconfig:
            if context:
                raise NoClusterError("a context needs a kubeconfig: set LUMEN_KUBECONFIG, or remove context")
            if not Path(self._service_account).is_dir():
                raise NoClusterError(
                    "no credentials of a cluster: set LUMEN_KUBECONFIG, or run this worker in a pod with a service account"
                )
        try:
            found = self._read().get(context or None)
        # A file that somebody wrote by hand can be wrong in any way, and what its parsers say may quote a token.
        except Exception as error:  # noqa: BLE001 - see above: whatever it is becomes one sentence
            raise NoClusterError(f"{self._where()} cannot be used: {_said(error)}") from None
        if found is None or found.user is None:
            raise NoClusterError(f"{self._where()} names no user for this context")
        return found

    def _read(self) -> KubeConfig:
        if self._kubeconfig:
            return KubeConfig.from_file(self._kubeconfig)
        return KubeConfig.from_service_account(self._service_account)


def _said(error: Exception) -> str:
    said = str(error) if isinstance(error, ConfigError | FileNotFoundError) else ""
    return truncate(printable(f"{type(error).__name__}: {said}" if said else type(error).__name__), 300)
