"""The JSON Schema for editors: it is the committed one, accepts what the loader accepts, and refuses what it can."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from lumen.errors import RulesError
from rules.json_schema import _Writer, cases_schema, policy_schema, rules_schema
from rules.loader import load
from rules.reading.document import Findings
from rules.reading.sections import Reader
from tests.docs.test_rules import _YAML, folder_with
from tests.rules.mistakes import ACTION_MISTAKES, FILE_MISTAKES, HEAD, POLICY_MISTAKES, RULE_MISTAKES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "schema"
SCHEMAS = {"rules": rules_schema, "policy": policy_schema, "tests": cases_schema}
SHIPPED = [("rules", "rules/lumen.yaml"), ("policy", "rules/policy.yaml"), ("tests", "rules/tests/lumen.yaml")]

# What the schema leaves to `lumen rules check`: what a query, a matcher, a pattern or a command means, who may vote, what one
# key says about another, and how a value is spelt that YAML 1.1 has read already.
LEFT = re.compile(
    r"""given\ twice|(cooldown|timeout)\ is\ (1:30|31d)|verify\.(promql:|for\ is)|ends\ with|a\ key\ of\ severity
    |remind\ is\ 59s|:\ when:\ |\ match:\ |RE2|dry_run\ is\ yes|unknown\ key\ "<<"
    |is\ no\ URL|does\ not\ use|attempts\ is\ 010|on_timeout\ is\ escalate\ and|may\ vote|is\ not\ defined
    |is\ no\ e-mail\ address|one\ request|an\ escalation\ comes|11\ escalations|critical|two\ actions\ of\ this\ rule
    |at\ most\ once|the\ command\ |is\ an\ operator|a\ placeholder\ stands|holds\ a\ NUL|http\.url|before\ the\ path
    |the\ header|header\ name|holds\ the\ number|http\.json\ is\ yes|args\ is\ not\ a\ mapping|rule\ name|list\ or\ mapping\ as
    |second\ document|the\ tag|alias|no\ YAML|YAML\ does\ not\ allow|only\ a\ rule\ may|is\ no\ (group|command)\ name
    |listed\ twice|belongs\ to|larger\ than|nested\ deeper|more\ than|waits\ up\ to""",
    re.VERBOSE,
)


def fits(schema: dict[str, Any], text: str) -> bool:
    """Return whether ``schema`` accepts the document in ``text``."""
    found: bool = jsonschema.Draft7Validator(schema).is_valid(yaml.safe_load(text))
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_schema_is_the_one_of_the_table(name: str) -> None:
    """`make docs` would change nothing; and it is a schema."""
    made = SCHEMAS[name]()
    assert json.loads((FOLDER / f"{name}.json").read_text("utf-8")) == made
    jsonschema.Draft7Validator.check_schema(made)


def test_every_type_of_the_language_has_a_form_in_the_schema() -> None:
    """A new type of value is not left open by accident."""
    assert set(_Writer()._types) == set(Reader(Findings())._types)


@pytest.mark.parametrize(("name", "file"), SHIPPED)
def test_the_shipped_files_fit(name: str, file: str) -> None:
    """By the program that people run in CI."""
    argv = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(FOLDER / f"{name}.json"), str(ROOT / file)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text", _YAML, ids=[f"example-{number}" for number, _ in enumerate(_YAML, 1)])
def test_what_the_loader_takes_the_schema_takes(tmp_path: Path, text: str) -> None:
    """Every example of docs/rules.md that loads is accepted."""
    try:
        load(folder_with(tmp_path, text))
    except RulesError:
        return
    assert fits(policy_schema() if "approver_allowlist:" in text else rules_schema(), text)


def mistakes() -> list[tuple[str, str, dict[str, Any]]]:
    """Return every mistake of the corpus that the schema can see: the file, the finding, the schema."""
    rules, policy = rules_schema(), policy_schema()
    found = [(f"{HEAD}{lines}\n", said, rules) for lines, said in RULE_MISTAKES]
    found += [(f"rules:\n  - alert: A\n    actions: [{action}]\n", said, rules) for action, said in ACTION_MISTAKES]
    found += [(text, said, rules) for text, said in FILE_MISTAKES]
    head = "approver_allowlist: [a@example.com, b@example.com]\n"
    found += [((head if first else "") + text, said, policy) for first, text, said in POLICY_MISTAKES]
    return [each for each in found if not LEFT.search(each[1])]


def test_what_the_loader_refuses_the_schema_refuses_where_it_can() -> None:
    """Unknown keys, wrong types, values out of range, and missing keys."""
    seen = mistakes()
    assert len(seen) > 60
    assert [said for text, said, schema in seen if fits(schema, text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "cases: []",
        "cases: [{name: a, alert: {labels: {alertname: A}}}]",
        "cases: [{name: a, alert: {labels: {code: 404}}, expect: {rule: A}}]",
        "cases: [{name: a, alert: {labels: {a: b}}, expect: {outcome: fixed}}]",
        "cases: [{name: a, alert: {labels: {a: b}}, expect: {rule: A}, votes: [{actor: a, at: soon}]}]",
    ],
)
def test_mistakes_in_cases_are_seen(text: str) -> None:
    """An editor marks them before `lumen rules test` does."""
    assert not fits(cases_schema(), text)
