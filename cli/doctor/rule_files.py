"""Rules and policy: whether they load, and whether this machine has what they run."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

from cli.doctor.finding import Finding, Status, fail, ok, skip, warn
from cli.doctor.scene import Scene
from cli.rule_programs import missing
from lumen.errors import Finding as Mistake
from lumen.plan import Mode
from rules.kinds import cmd
from rules.model import Rule, RuleSet

_SHOWN = 10


async def rules(scene: Scene) -> list[Finding]:
    """Tell every mistake in rules and policy by file, line and column, with its fix."""
    case = scene.case
    if scene.rules is None:
        if scene.remote and "LUMEN_RULES" not in case.given:
            return [skip(f"Lumen is at {scene.api_url}, and LUMEN_RULES is not set here")]
        return _mistakes(scene)
    warnings = [warn(warning, "change the rule, if it is not meant so") for warning in scene.rules.warnings]
    return [ok(f"{len(scene.rules.rules)} from {case.rules} load"), *_cut(warnings)]


def _mistakes(scene: Scene) -> list[Finding]:
    error = scene.rules_error
    if error is None or not error.findings:
        return [fail(f"{scene.case.rules} cannot be used: {error}", "correct LUMEN_RULES, or the folder")]
    return _cut([_mistake(one) for one in error.findings])


def _mistake(one: Mistake) -> Finding:
    return fail(f"{one.file}:{one.line}:{one.column}: {one.problem}", one.fix)


def _cut(findings: list[Finding]) -> list[Finding]:
    """Return the first of ``findings``; many lines of one kind would hide the other checks."""
    if len(findings) <= _SHOWN:
        return findings
    rest = findings[_SHOWN:]
    status = Status.FAIL if any(one.status is Status.FAIL for one in rest) else Status.WARN
    return [*findings[:_SHOWN], Finding(status, f"and {len(rest)} more", "lumen rules check shows all of them")]


async def commands(scene: Scene) -> list[Finding]:
    """Look whether the programs and scripts of ``cmd`` actions are on this machine and may be executed."""
    if scene.rules is None:
        return [skip("the rules do not load" if not scene.remote else "there are no rules here")]
    every = [action for rule in scene.rules.rules for action in rule.actions if action.kind == cmd.KIND.name]
    if not every:
        return [skip("no rule runs a command")]
    live, dry = _split(scene.rules)
    broken, later = await asyncio.gather(
        *(asyncio.to_thread(missing, one, scene.case.rules, sys.executable) for one in (live, dry))
    )
    fix = "install it on every worker, or correct `cmd` of that action"
    findings = [fail(line, fix) for line in broken]
    findings += [warn(f"{line} (nothing is executed yet: dry run)", fix) for line in later]
    return _cut(findings) or [ok(f"{len(every)} commands: programs and scripts are here")]


def _split(found: RuleSet) -> tuple[RuleSet, RuleSet]:
    """Return the rules that execute, and those that only would."""

    def dry(rule: Rule) -> bool:
        return rule.dry_run or rule.mode is Mode.SHADOW

    live = tuple(rule for rule in found.rules if not dry(rule))
    return replace(found, rules=live), replace(found, rules=tuple(rule for rule in found.rules if dry(rule)))
