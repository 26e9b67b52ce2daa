"""The sandbox of the Temporal SDK, in which the tests run workflow code: it refuses what is not deterministic."""

from __future__ import annotations

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions


def sandbox() -> SandboxedWorkflowRunner:
    """Return a runner whose workflows meet a fresh copy of every module but Lumen's own pure ones."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules("lumen", "workflows", "rules")
    )
