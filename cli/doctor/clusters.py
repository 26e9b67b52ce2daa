"""The clusters that ``kubernetes`` actions change: whether there are credentials, and whether the API can be reached."""

from __future__ import annotations

from activities.kinds.kubernetes.cluster import Clusters, NoClusterError
from cli.doctor.finding import Finding, fail, ok, skip
from cli.doctor.scene import Scene
from cli.doctor.sight import connect_url, place
from lumen.plan import PlannedAction
from rules.kinds import kubernetes as kubernetes_kind


async def kubernetes(scene: Scene) -> list[Finding]:
    """Try a connection to the API of each context that a rule names. Nothing is sent, so a role is not looked at."""
    if scene.rules is None:
        return [skip("the rules do not load" if not scene.remote else "there are no rules here")]
    contexts = sorted(
        {
            action.spec["context"]
            for rule in scene.rules.rules
            for action in rule.actions
            if action.kind == kubernetes_kind.KIND.name and action.runner == PlannedAction.runner
        }
    )
    if not contexts:
        return [skip("no rule changes a cluster")]
    clusters = Clusters(scene.case.settings.kubeconfig)
    try:
        return [await _reached(scene, clusters, context) for context in contexts]
    finally:
        await clusters.close()


async def _reached(scene: Scene, clusters: Clusters, context: str) -> Finding:
    try:
        server = (await clusters.client(context)).config.cluster.server
    except NoClusterError as error:
        return fail(str(error), "set LUMEN_KUBECONFIG to a kubeconfig file of the worker")
    trouble = await connect_url(server, scene.eyes.seconds)
    if trouble:
        return fail(f"the cluster at {place(server)} cannot be reached: {trouble}", "correct the kubeconfig")
    return ok(f"the cluster at {place(server)} accepts connections (nothing was sent)")
