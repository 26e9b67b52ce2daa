"""The first alert of the README, as it stands there, against a real ``lumen up``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.shell import ROOT, Terminal, answers, fresh_copy


@pytest.mark.usefixtures("shell_programs")
def test_the_first_alert_goes_as_the_readme_says(tmp_path: Path) -> None:
    """Rule, alert, vote, result, verification, account, and the alert by curl: every block does what its text says."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## The first alert")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    rule, send, vote, account, _amtool, curl = blocks
    with fresh_copy(tmp_path) as up:
        terminal = Terminal(up)
        assert "2 rules in rules load" in terminal.run(rule.replace(". .venv/bin/activate\n", ""))
        terminal.until(send, "awaiting_approval")
        assert "approved: 1 of 1 to approve" in terminal.run(vote)
        shown = terminal.until("lumen alert show $KEY", "remediated")
        assert re.search(r"^ledger +\d", shown, re.MULTILINE)
        printed = terminal.run(account)
        assert "the ledger holds" in printed
        assert "it adds up" in printed
        [answer] = answers(terminal.run(curl))
        assert [alert["result"] for alert in answer["alerts"]] == ["started"]
