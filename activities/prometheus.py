"""Asking Prometheus: an instant query whose result is empty or not, and never a guess."""

from __future__ import annotations

from typing import Any

import httpx

from lumen.alert import Alert
from lumen.redaction import Redactor

_TIMEOUT = 8.0
_PLAIN = Redactor(())  # a proxy on the way may say back what it was sent, the password too
_NOT_LABELS = {"__name__", "alertstate"}


class PrometheusUnavailableError(Exception):
    """Prometheus did not give an answer that can be trusted; the text says why, for a person."""


class Prometheus:
    """A client of Prometheus' HTTP API. ``url`` empty = not configured."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        """Keep the client; nothing is sent yet."""
        self._http = http
        self._url = url

    @property
    def configured(self) -> bool:
        """Whether there is a Prometheus to ask."""
        return bool(self._url)

    async def holds(self, promql: str) -> bool:
        """Return whether the instant query ``promql`` has a non-empty result.

        Raises:
            PrometheusUnavailableError: not configured, unreachable, an error, or an answer with warnings (partial data).

        """
        return bool(await self._query(promql))

    async def fires(self, alert: Alert) -> bool:
        """Return whether Prometheus itself says that ``alert`` fires.

        Compared by labels, and a series may have fewer than the alert: external labels are added only on sending.

        Raises:
            PrometheusUnavailableError: as :meth:`holds`.

        """
        name = alert.name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        series = await self._query(f'ALERTS{{alertname="{name}",alertstate="firing"}}')
        return any(_same(one.get("metric", {}), alert.labels) for one in series if isinstance(one, dict))

    async def _query(self, promql: str) -> list[Any]:
        if not self._url:
            raise PrometheusUnavailableError("PROMETHEUS_URL is not set, so the condition cannot be evaluated")
        try:
            response = await self._http.post(f"{self._url}/api/v1/query", data={"query": promql}, timeout=_TIMEOUT)
        except httpx.HTTPError as error:
            raise PrometheusUnavailableError(f"Prometheus cannot be reached: {type(error).__name__}") from error
        try:
            body = response.json()
        except ValueError:
            body = {}
        if not isinstance(body, dict) or body.get("status") != "success":
            detail = (
                _PLAIN.text(str(body.get("error", "no JSON answer")))[:300]
                if isinstance(body, dict)
                else "no JSON object"
            )
            raise PrometheusUnavailableError(f"Prometheus answered {response.status_code}: {detail}")
        if body.get("warnings"):
            raise PrometheusUnavailableError(f"Prometheus answered with warnings: {str(body['warnings'])[:300]}")
        data = body.get("data")
        if not isinstance(data, dict) or data.get("resultType") != "vector" or not isinstance(data.get("result"), list):
            raise PrometheusUnavailableError("Prometheus did not answer with an instant vector")
        result: list[Any] = data["result"]
        return result


def _same(metric: dict[str, str], labels: dict[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in metric.items() if name not in _NOT_LABELS)
