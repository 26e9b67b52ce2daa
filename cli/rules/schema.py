"""``lumen rules schema``: the language as JSON Schema, for editors."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cli.output import print_raw


def schema(
    policy: Annotated[bool, typer.Option("--policy", help="That of policy.yaml.")] = False,
    tests: Annotated[bool, typer.Option("--tests", help="That of test cases (lumen rules test).")] = False,
) -> None:
    """Print the JSON Schema of rule files, by which an editor completes keys and marks mistakes.

    \b
    Example: lumen rules schema > lumen-rules.json
    """
    from rules import json_schema  # noqa: PLC0415  # what only this command needs

    if policy and tests:
        raise typer.BadParameter("one schema at a time", param_hint="--tests")
    made = json_schema.policy_schema if policy else json_schema.cases_schema if tests else json_schema.rules_schema
    print_raw(json.dumps(made(), indent=2, ensure_ascii=True) + "\n")
