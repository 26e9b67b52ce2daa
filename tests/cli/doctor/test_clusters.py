"""`lumen doctor` and the clusters that rules change."""

from __future__ import annotations

import socket
from pathlib import Path

from cli.doctor.finding import Status
from tests.cli.doctor.conftest import Diagnose
from tests.stack.kubernetes import FakeCluster
from tests.stack.rulebook import Rulebook

RESTART = {"kubernetes": {"restart": {"namespace": "shop", "deployment": "web"}}}


def test_rules_that_change_no_cluster_need_none(diagnose: Diagnose, place: dict[str, str]) -> None:
    """No credentials are looked for."""
    assert diagnose(place).status("kubernetes") is Status.SKIP


def test_a_rule_that_changes_a_cluster_needs_credentials(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path
) -> None:
    """What is missing is told before an alert comes."""
    Rulebook(clean_place / "rules").add("Stuck", actions=[RESTART])
    assert "no credentials of a cluster" in diagnose(place).failed()["kubernetes"]


def test_each_context_of_a_rule_is_tried(diagnose: Diagnose, place: dict[str, str], clean_place: Path) -> None:
    """A cluster that listens is told apart from one that does not; neither gets a request."""
    elsewhere = {"kubernetes": {**RESTART["kubernetes"], "context": "elsewhere"}}
    Rulebook(clean_place / "rules").add("Stuck", actions=[RESTART, elsewhere])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = f"http://127.0.0.1:{listening.getsockname()[1]}"
        kubeconfig = FakeCluster().kubeconfig(clean_place / "kubeconfig", server=server)
        found = diagnose({**place, "LUMEN_KUBECONFIG": str(kubeconfig)})
    findings = found.of("kubernetes")
    assert [finding.status for finding in findings] == [Status.OK, Status.FAIL]
    assert "127.0.0.1:1 cannot be reached" in findings[1].found
