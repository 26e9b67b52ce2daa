"""One look at everything that is configured, which all checks then share: who answers where, and as what."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from activities.connection import connect as connect_temporal
from cli.causes import plain_cause
from cli.doctor.case import Case
from cli.doctor.finding import Finding, skip
from cli.doctor.sight import NO_CAUSE, Eyes, Sighting, connect
from cli.settings import local_url
from lumen.errors import RulesError
from rules.loader import load as load_rules
from rules.model import RuleSet

_TEMPORAL_PORT = 7233


@dataclass(frozen=True)
class TemporalSighting:
    """The server at ``address``: a client for it, or in ``trouble`` why there is none."""

    address: str
    client: Client | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Scene:
    """What was seen. Services that are not configured are None; ``rules`` is None with what is wrong in ``rules_error``."""

    case: Case
    eyes: Eyes
    api_here: Sighting
    public: Sighting | None
    worker: Sighting
    proofd: Sighting
    prometheus: Sighting | None
    alertmanager: Sighting | None
    temporal: TemporalSighting
    rules: RuleSet | None
    rules_error: RulesError | None

    @property
    def remote(self) -> bool:
        """Whether Lumen runs elsewhere: no API on this machine, and the one of ``PUBLIC_BASE_URL`` is there."""
        return not is_api(self.api_here) and self.public is not None and is_api(self.public)

    @property
    def api(self) -> Sighting:
        """What was seen of the API that counts."""
        return self.public if self.remote and self.public is not None else self.api_here

    @property
    def api_url(self) -> str:
        """Where the API is, without a path."""
        return self.case.settings.public_base_url if self.remote else local_url(self.case.settings.api_addr)

    @property
    def running(self) -> list[str]:
        """Which processes of Lumen answer on this machine, or at the addresses that the environment names."""
        seen = {"proofd": is_proofd(self.proofd), "worker": is_worker(self.worker), "api": is_api(self.api_here)}
        return [name for name, answers in seen.items() if answers]

    @property
    def quiet(self) -> str:
        """Why nothing that ``lumen up`` would start can answer; nothing if something does, or should."""
        if self.case.up.held and not self.case.up.ready and "api" not in self.running:
            return "`lumen up` is still starting (or stopping)"
        ours = [name for name in self.running if name != "proofd" or self.case.own_ledger]
        return "" if ours or self.remote or self.case.up.held else "nothing runs here"

    def start(self, name: str) -> str:
        """Return how to get the process ``name`` (api, worker, proofd) to run."""
        if self.case.up.held:
            return f"see {self.case.data_dir}/logs/{name}.log, then stop lumen up and start it again"
        return f"start it: lumen {name} (lumen up starts everything)"

    def unreachable_is_no_news(self, *variables: str) -> Finding | None:
        """Return why something at the default address of ``variables`` need not answer; None if it should.

        Where nothing runs that is one finding and not ten; where Lumen runs elsewhere this machine may know nothing else.
        """
        if self.quiet:
            return skip(self.quiet)
        if self.remote and not self.case.given & set(variables):
            return skip(f"Lumen is at {self.api_url}, and {' or '.join(variables)} is not set here")
        return None


async def look(case: Case, eyes: Eyes) -> Scene:
    """Return what can be seen of ``case``, within the seconds of ``eyes``."""
    settings = case.settings

    async def get(base: str, path: str, *, by_proxy: bool = False) -> Sighting | None:
        return await eyes.get(base + path, by_proxy=by_proxy) if base else None

    public_url = settings.public_base_url if "PUBLIC_BASE_URL" in case.given else ""
    ours = asyncio.gather(
        # Without a token: the way in which the API refuses shows that it is one.
        eyes.get(f"{local_url(settings.api_addr)}/alerts"),
        get(public_url, "/alerts", by_proxy=True),
        eyes.get(f"{local_url(settings.worker_addr)}/metrics"),
        eyes.get(f"{settings.proofd_url}/head"),
    )
    others = asyncio.gather(
        # The same route that conditions are asked at; by GET, so that it has no effect on what is no Prometheus.
        get(settings.prometheus_url, "/api/v1/query?query=time()"),
        get(settings.alertmanager_url, "/api/v2/status"),
        _see_temporal(case, eyes.seconds),
        _see_rules(case, eyes.seconds),
    )
    api, public, worker, proofd = await ours
    prometheus, alertmanager, temporal, (ruleset, error) = await others
    return Scene(case, eyes, api, public, worker, proofd, prometheus, alertmanager, temporal, ruleset, error)


def is_api(seen: Sighting) -> bool:
    """Return whether Lumen's API answered ``/alerts``."""
    return seen.status == 401 and 'realm="lumen"' in seen.headers.get("www-authenticate", "")


def is_proofd(seen: Sighting) -> bool:
    """Return whether proofd answered ``/head``."""
    return {"ok", "head", "height", "bytes"} <= seen.json.keys()


def is_worker(seen: Sighting) -> bool:
    """Return whether a worker of Lumen answered ``/metrics``."""
    return seen.status == 200 and "\nlumen_episodes_open" in seen.text


async def _see_temporal(case: Case, seconds: float) -> TemporalSighting:
    settings = case.settings
    address = settings.temporal_address or f"127.0.0.1:{settings.temporal_port}"
    try:
        async with asyncio.timeout(seconds):
            config = ClientConfig.load_client_connect_config(override_env_vars=settings.temporal_env)
            address = config.get("target_host", address)
            parts = urlsplit(f"//{address}")
            trouble = await connect(parts.hostname or "", parts.port or _TEMPORAL_PORT, seconds)
            if trouble:
                return TemporalSighting(address, trouble=trouble)
            return TemporalSighting(address, await connect_temporal(settings))
    except TimeoutError:
        return TemporalSighting(address, trouble=f"it did not answer within {seconds:g} s")
    except (RuntimeError, RPCError) as error:
        cause = plain_cause(error)
        why = f" ({cause})" if cause != NO_CAUSE else ""
        return TemporalSighting(
            address, trouble=f"what listens there is no Temporal server, or does not let us in{why}"
        )
    except (ValueError, OSError) as error:
        return TemporalSighting(address, trouble=f"its settings cannot be used: {error}")


async def _see_rules(case: Case, seconds: float) -> tuple[RuleSet | None, RulesError | None]:
    rank = "signal" if case.own_temporal else "link"
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.to_thread(load_rules, case.rules, default_min_rank=rank), None
    except TimeoutError:
        return None, RulesError(f"{case.rules} could not be read within {seconds:g} s")
    except RulesError as error:
        return None, error
