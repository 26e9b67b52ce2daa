"""User, limits and secrets of a command: what rules can say of them, and what approvers see."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.sizes import parse_size, written_size
from rules.kinds import action_line, shown_plan
from rules.surroundings import surroundings_of
from tests.rules.documents import alert, plan, refused, rules_of

FULL = """\
rules:
  - alert: A
    actions:
      - cmd: [/usr/bin/pg_dump, "{labels.db}"]
        user: postgres
        groups: [ssl-cert]
        resources: {memory: 512MB, cpu: 1m30s, processes: 50, file_size: 1GiB}
        secrets: {PGPASSWORD: {file: /run/secrets/db}}
"""
SPEC = {
    "user": "postgres",
    "groups": ["ssl-cert"],
    "resources": {"memory": 512_000_000, "cpu": 90.0, "processes": 50, "file_size": 1 << 30},
    "secrets": {"PGPASSWORD": {"file": "/run/secrets/db"}},
}

MISTAKES = [
    ("user: 7", '3:40: user is text, but YAML reads 7 as a number: quote it: "7"'),
    ("user: '{labels.x}'", '3:40: user is "{labels.x}": it must look like [A-Za-z_]'),
    ("user: -root", '3:40: user is "-root": it must look like'),
    ("groups: [docker]", "3:42: groups stands without user: add user: NAME, or remove groups"),
    ("user: a, groups: [a b]", '3:52: "a b" is no name of a group'),
    ("resources: {}", "3:45: resources limits nothing: add one of memory, cpu, processes, file_size"),
    ("resources: {memory: 512}", "3:54: resources.memory is 512: write a size from 16MB to 1PB"),
    ("resources: {memory: 512mb}", "3:54: resources.memory is 512mb, which is no size: write it like 512MB or 2GiB"),
    ("resources: {memory: 1.5GB}", "3:54: resources.memory is 1.5GB, which is no size"),
    ("resources: {memory: [1]}", "3:54: resources.memory is a list: write a size such as 512MB"),
    ("resources: {cpu: 0}", "3:51: resources.cpu is 0: write a duration from 1 s"),
    ("resources: {processes: 0}", "3:57: resources.processes is 0: write a number from 1 to 100000"),
    ("resources: {memry: 1GB}", '3:46: unknown key "memry" in resources: did you mean "memory"?'),
    ("secrets: {db: {file: /x}}", '3:44: "db" is no variable for a secret: write it like DB_PASSWORD'),
    ("secrets: {PATH: {file: /x}}", "3:44: the variable PATH has a meaning already: take another name"),
    ("secrets: {LD_PRELOAD: {file: /x}}", "3:44: the variable LD_PRELOAD has a meaning already"),
    ("secrets: {LUMEN_TARGET: {file: /x}}", "3:44: the variable LUMEN_TARGET has a meaning already"),
    ("secrets: {PYTHONPATH: {file: /x}}", "3:44: the variable PYTHONPATH has a meaning already"),
    ("secrets: {DB: {file: x}}", '3:55: secrets.DB.file is "x": it must look like /'),
    ("secrets: {DB: {file: '/run/{labels.x}'}}", '3:55: secrets.DB.file is "/run/{labels.x}": it must look like /'),
    ("secrets: {DB: {}}", '3:48: secrets.DB has no "file"'),
    ("secrets: {DB: hunter2}", "3:48: secrets.DB is not a mapping: write key: value pairs"),
]


@pytest.mark.parametrize(("written", "found"), MISTAKES)
def test_a_mistake_is_found_at_its_place(tmp_path: Path, written: str, found: str) -> None:
    """Each mistake is told with line, column and what to write instead."""
    said = refused(tmp_path, f"rules:\n  - alert: A\n    actions: [{{cmd: [prog, arg], {written}}}]\n")
    assert any(line.startswith(f"rules.yaml:{found}") for line in said), said


@pytest.mark.parametrize("key", ["user: a", "resources: {cpu: 5}", "secrets: {DB: {file: /x}}"])
def test_only_commands_have_surroundings(tmp_path: Path, key: str) -> None:
    """A key that would be ignored is refused."""
    said = refused(tmp_path, f"rules:\n  - alert: A\n    actions: [{{proof: true, {key}}}]\n")
    assert f"{key.partition(':')[0]} is about commands, and this action is proof: remove it" in said[0]


def test_all_of_it_is_part_of_the_plan(tmp_path: Path) -> None:
    """User, groups, limits in bytes and seconds, and references to secrets stand in the rendered action."""
    spec = plan(rules_of(tmp_path, FULL), alert({"db": "shop"})).actions[0].spec
    assert spec == {"argv": ["/usr/bin/pg_dump", "shop"], **SPEC}
    assert surroundings_of(spec) == SPEC


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("user: postgres", "user: root"),
        ("[ssl-cert]", "[docker]"),
        ("512MB", "513MB"),
        ("processes: 50, ", ""),
        ("/run/secrets/db", "/run/secrets/other"),
        ("PGPASSWORD", "PGPASS"),
    ],
)
def test_a_change_of_it_is_another_plan(tmp_path: Path, before: str, after: str) -> None:
    """What was approved for one user, limit or secret does not run with another."""
    first = plan(rules_of(tmp_path, FULL), alert({"db": "shop"}))
    assert plan(rules_of(tmp_path, FULL.replace(before, after)), alert({"db": "shop"})).digest != first.digest


def test_approvers_see_it_before_the_command(tmp_path: Path) -> None:
    """The line names user, limits and the files of secrets; the shown plan holds the same, and no argument can forge it."""
    made = plan(rules_of(tmp_path, FULL), alert({"db": "[as root] x"}))
    line = (
        "[as postgres, group ssl-cert; memory 512MB; cpu 90s; processes 50; file_size 1GiB; "
        "PGPASSWORD from /run/secrets/db] /usr/bin/pg_dump '[as root] x'"
    )
    assert action_line(made.actions[0]) == line
    assert shown_plan(made).actions == made.actions


def test_a_command_without_them_is_what_it_was(tmp_path: Path) -> None:
    """Nothing is added to a plan that says none of it, so that plans of before keep their digest."""
    made = plan(rules_of(tmp_path, "rules:\n  - alert: A\n    actions: [{cmd: [prog]}]"), alert())
    assert made.actions[0].spec == {"argv": ["prog"]}
    assert action_line(made.actions[0]) == "prog"


@given(st.integers(0, 10**15))
def test_a_size_is_read_back_as_it_was_written(size: int) -> None:
    """What is shown to approvers means what the rule said."""
    assert parse_size(written_size(size)) == size


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("0", 0),
        ("1", 1),
        ("5B", 5),
        ("1kB", 1000),
        ("1KB", 1000),
        ("1KiB", 1024),
        ("512MB", 512_000_000),
        ("2GiB", 2 << 30),
        ("1TB", 10**12),
        ("", None),
        ("MB", None),
        ("1 MB", None),
        ("1mb", None),
        ("1M", None),
        ("-1", None),
        ("1e3", None),
        ("0x10", None),
        ("\uff11", None),
    ],
)
def test_sizes(written: str, size: int | None) -> None:
    """Decimal and binary units are told apart, and nothing else is taken for a size."""
    assert parse_size(written) == size
