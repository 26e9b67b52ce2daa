"""Files of rules with everything in them, and what YAML is made of."""

from __future__ import annotations

RULES = b"""defaults: {dry_run: true, cooldown: 600, timeout: 60}
rules:
  - name: disk-full
    alert: DiskFull
    match: ['severity=~"critical|page"', 'env!="dev"']
    mode: approve
    target: "{labels.instance}"
    when: 'node_filesystem_avail_bytes{instance="{labels.instance}"} < 5e9'
    approval: {approve: 2, reject: 1, allow: [group:sre, alice@example.com], window: 15m, timeout: 1h, valid_for: 15m,
               on_timeout: reject, min_rank: link, escalate: [{after: 20m, allow: [bob@example.com]}], remind: 10m}
    params: {labels.instance: '[a-z0-9.:-]+'}
    actions:
      - name: grow
        cmd: [/usr/sbin/lvextend, --, "/dev/{labels.vg}/data"]
        timeout: 60
        retry: {attempts: 1, backoff: 5s}
        check: [/usr/bin/findmnt, /data]
        rollback: {cmd: [/bin/true]}
        runner: default
      - http: {method: POST, url: "http://127.0.0.1/x", headers: {A: b}, json: {a: "{labels.x}"}}
      - control_bus: {command: reduce-gain, args: {factor: 0.8}}
      - proof: true
    verify: {promql: 'up{instance="{labels.instance}"} == 1', for: 1m, within: 10m}
    cooldown: 10m
    limits: {attempts: 3, max_runs: 5, per: 1h, concurrency: 1, max_targets: 10, stale_after: 26h}
    runbook_url: https://example.com/x
"""
SMALL = b"""rules:
  - alert: HighResonanceEntropyP95
    when: "resonance_entropy_p95 > 1.2"
    actions:
      - {name: Reduce, cmd: "python controls/x.py --factor 0.8"}
      - {name: Log, proof: true}
"""
YAML_WORDS = (
    *(
        b"&a",
        b"*a",
        b"<<: *a",
        b"!!python/object:os.system",
        b"!!binary",
        b"? ",
        b"- ",
        b": ",
        b"|-\n",
        b">+2\n",
        b"---\n",
        b"...\n",
    ),
    *(
        b"%YAML 1.1\n",
        b"%TAG ! x\n",
        b'"\\U00110000"',
        b'"\\xff"',
        b"\t",
        b"#",
        b"[",
        b"]",
        b"{",
        b"}",
        b"'",
        b'"',
        b"~",
        b"null",
    ),
    *(
        b"0x1F",
        b"0b1",
        b"1_000",
        b"12:30:45",
        b".inf",
        b"-.nan",
        b"1e999",
        b"yes",
        b"Off",
        b"2026-01-01",
        b"\xef\xbb\xbf",
        b"\x85",
    ),
    *(
        b"{labels.a}",
        b"{annotations.b}",
        b"{labels.}",
        b"{{",
        b"rules:",
        b"alert:",
        b"cmd:",
        b"match:",
        b"when:",
        b"9" * 400,
    ),
)
