"""What the commands of rules want from this machine: users, groups and files of secrets too."""

from __future__ import annotations

import sys
from pathlib import Path

from cli.rule_programs import missing
from tests.rules.documents import rules_of

RULES = """\
rules:
  - alert: A
    actions:
      - {name: there, cmd: [/bin/true], user: root, groups: [root], secrets: {DB: {file: FOLDER/rules.yaml}}}
      - {name: gone, cmd: [/bin/true], user: nobodyy, groups: [nogroupp], secrets: {DB: {file: FOLDER/gone}}}
      - {name: elsewhere, cmd: [/bin/true], user: nobodyy, runner: edge}
"""


def test_accounts_and_secrets_that_this_machine_lacks_are_told(tmp_path: Path) -> None:
    """Each with its rule and action; what is there, and what runs elsewhere, is not mentioned."""
    found = missing(rules_of(tmp_path, RULES.replace("FOLDER", str(tmp_path))), tmp_path, sys.executable)
    assert found == [
        'rule "A", action "gone": there is no user nobodyy on this machine',
        'rule "A", action "gone": there is no group nogroupp on this machine',
        f'rule "A", action "gone": there is no file {tmp_path}/gone for DB on this machine',
    ]
