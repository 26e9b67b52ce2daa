"""A label value can be an argument of a command and never its code."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.language.commands import CommandError, check_argv, split
from tests.rules.documents import alert, plan, rules_of

P = "{labels.x}"
CODE = [
    f"sh -c 'echo {P}'",
    f"sh -ec 'echo {P}'",
    f"bash -lc {P}",
    f"bash -c -e {P}",
    f"bash -o pipefail -c {P}",
    f"bash -euo pipefail -c {P}",
    f"bash --rcfile f -c {P}",
    f"bash --norc -c {P}",
    f"bash +e -c {P}",
    f"bash -- {P}",
    f"sh {P}",
    f"sh -{P} -c x",
    f"zsh -c {P}",
    f"ksh -c {P}",
    f"dash -c {P}",
    f"fish -c {P}",
    f"busybox sh -c {P}",
    f"env sh -c {P}",
    f"/usr/bin/env -i A=1 bash -c {P}",
    f"env {P}",
    f"env A=1 {P} x",
    f"env -S {P}",
    f"env --split-string={P}",
    f"sudo -u root sh -c {P}",
    f"timeout 5 sh -c {P}",
    f"docker exec web sh -c {P}",
    f"kubectl exec pod -- bash -lc {P}",
    f"kubectl exec pod -- bash {P}",
    f"xargs sh -c {P}",
    f"find / -exec sh -c {P}",
    f"python -c {P}",
    f"python3.11 -Ic {P}",
    f"/opt/bin/python3 -W ignore -c {P}",
    f"python -W {P} x.py",
    f"python -m {P}",
    f"python {P}",
    f"python -X dev {P}",
    f"python '-cprint({P})'",
    f"perl -ne {P}",
    f"perl -e a -e {P}",
    f"perl -i.bak -pe {P} f",
    f"perl -MList::Util -e {P}",
    f"ruby -e{P}",
    f"ruby -r json -e {P}",
    f"node --eval={P}",
    f"node -e {P}",
    f"node -p {P}",
    f"node --inspect -e {P}",
    f"nodejs -r x -e {P}",
    f"php -r {P}",
    f"php -f {P}",
    f"lua -e {P}",
    f"lua5.4 {P}",
    f"awk {P}",
    f"gawk -v a=b {P}",
    f"awk -f {P}",
    f"sed s/a/{P}/ f",
    f"sed -n -e {P} f",
    f"sed --expression={P}",
    f"psql -h db -c {P}",
    f"mysql --execute={P}",
    f"mysql -h db -e {P}",
    f"ssh host uptime {P}",
    f"ssh -o {P} host",
    f"ssh -p 22 host {P}",
    f"sudo ssh host {P}",
    f"su -c {P} root",
    f"runuser -c {P}",
    f"watch {P}",
    f"parallel {P}",
    f"eval {P}",
    f"{P} a",
    f"./{P}",
]
DATA = [
    f"echo {P}",
    f"echo -c {P}",
    f"sh -c 'echo \"$1\"' sh {P}",
    f"bash -euo pipefail -c x sh {P}",
    f"sh script.sh {P}",
    f"bash --norc script.sh {P}",
    f"bash -- script.sh {P}",
    f"env A={P} prog",
    f"env -i prog {P}",
    f"python x.py --factor {P}",
    f"python -m mod {P}",
    f"python -c code {P}",
    f"python -I -c code -c {P}",
    f"python -u x.py -c {P}",
    f"perl -e code {P}",
    f"perl -i.bak -pe s/a/b/ {P}",
    f"node -e 1 {P}",
    f"node server.js -p {P}",
    f"awk -v x={P} prog",
    f"awk -f prog.awk {P}",
    f"sed -i s/a/b/ {P}",
    f"psql -c 'select 1' {P}",
    f"mysql --host={P} -e 'flush hosts'",
    f"ssh {P} uptime",
    f"ssh -i key {P} uptime",
    f"docker restart node {P}",
    f"timeout 5 prog {P}",
    f"lvextend -- /dev/{P}/data",
    f"su {P}",
    f"php x.php {P}",
]


@pytest.mark.parametrize("line", CODE)
def test_a_placeholder_in_code_is_refused(line: str) -> None:
    """Whatever starts the shell or interpreter, and however its options are written, its code stays fixed."""
    with pytest.raises(CommandError) as caught:
        check_argv(shlex.split(line))
    assert P in shlex.split(line)[caught.value.index]


@pytest.mark.parametrize("line", DATA)
def test_a_placeholder_in_data_is_allowed(line: str) -> None:
    """Arguments after the script, and those of other programs, may hold values."""
    check_argv(shlex.split(line))


@pytest.mark.parametrize("line", ["sh -c 'date'", "env bash x.sh", "docker exec web sh -c date"])
def test_a_shell_is_warned_about(line: str) -> None:
    """A shell that runs is worth a line in the log even without placeholders."""
    assert any("a shell runs" in warning for warning in check_argv(shlex.split(line)))


def test_a_shell_that_only_is_an_argument_is_not_warned_about() -> None:
    """The name alone does not make a shell."""
    assert check_argv(["apt-get", "install", "bash"]) == []


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1), min_size=1, max_size=5
    )
)
def test_splitting_is_that_of_a_shell(words: list[str]) -> None:
    """What a shell would take as these words is split into them, unless one is an operator."""
    try:
        assert split(shlex.join(words)) == words
    except CommandError as wrong:
        assert "operator of a shell" in wrong.problem  # noqa: PT017 - either outcome is allowed


@given(st.lists(st.text(), max_size=6))
def test_any_argument_list_is_checked_or_refused(argv: list[str]) -> None:
    """The check raises nothing but its own error."""
    try:
        check_argv(argv)
    except CommandError as wrong:
        assert wrong.index < len(argv)  # noqa: PT017 - either outcome is allowed


@given(
    st.lists(
        st.sampled_from(
            ["sh", "-c", "-o", "--", "-", "+", "--x", "env", "A=1", "python", "-m", "awk", "-v", "ssh", P, "x"]
        ),
        max_size=8,
    )
)
def test_the_element_after_a_shells_c_is_never_a_placeholder(tail: list[str]) -> None:
    """No combination of launchers and options lets a value stand right behind ``sh -c``."""
    with pytest.raises(CommandError):
        check_argv(["docker", *tail, "sh", "-c", P])


def test_a_positional_parameter_of_a_shell_is_plain_data(tmp_path: Path) -> None:
    """Run for real: a value full of metacharacters is printed as it is and touches nothing."""
    text = """\
rules:
  - alert: A
    params: {labels.x: '(?s).*'}
    actions: [{cmd: [sh, -c, 'printf %s "$1"', sh, "{labels.x}"]}]
"""
    rules = rules_of(tmp_path, text)
    assert any("a shell runs (sh)" in warning for warning in rules.warnings)
    value = "$(touch x); `touch y`\n| & > z '\" -rf"
    argv = plan(rules, alert({"x": value})).actions[0].spec["argv"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == value
    assert sorted(path.name for path in tmp_path.iterdir()) == ["policy.yaml", "rules.yaml"]


def test_what_a_shell_would_expand_is_warned_about(tmp_path: Path) -> None:
    """A string looks like a shell line; that nothing is expanded is said once."""
    rules = rules_of(tmp_path, 'rules:\n  - alert: A\n    actions: [{cmd: "prog $HOME 5$ `id`"}]')
    assert [line.split(": ", 1)[1] for line in rules.warnings] == [
        "no shell runs, so $HOME stays as it is written",
        "no shell runs, so `id` stays as it is written",
    ]


def test_numbers_and_booleans_in_a_list_stay_as_they_are_written(tmp_path: Path) -> None:
    """Arguments are text, whatever YAML would make of them."""
    rules = rules_of(tmp_path, "rules:\n  - alert: A\n    actions: [{cmd: [p, 010, 1.50, yes, 2026-01-01, 1:30, '']}]")
    assert plan(rules, alert()).actions[0].spec["argv"] == ["p", "010", "1.50", "yes", "2026-01-01", "1:30", ""]
