"""A storm: every alert that was accepted has its episode, and the books agree. The full size is `--storm 10000`."""

from __future__ import annotations

import pytest

from tests.stack.site import Site
from tests.stack.storm import drain, prepare, send


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("posts", [20, 1], ids=["twenty posts", "one post"])
def test_every_accepted_alert_has_its_episode(site: Site, storm_size: int, posts: int) -> None:
    """Alerts posted faster than they can be handled are all accepted, each gets one episode, and `lumen reconcile` agrees."""
    total = storm_size if posts > 1 else max(storm_size // 5, posts)
    before = prepare(site)
    send(site, total, posts)
    for _ in drain(site, before, total, every=1.0, seconds=1000):
        pass
    answer = site.lumen("reconcile", "--json")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    ended = [entry["parts"]["remediation"] for entry in site.entries() if entry["kind"] == "auto_remediation"]
    assert (len(ended), len({one["alert_key"] for one in ended})) == (total, total)
    assert f'"accepted": {total}' in answer.stdout
