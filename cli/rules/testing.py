"""``lumen rules test``: cases in YAML, each an alert and what must come of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.failure import FAILED, USAGE, CommandError
from cli.options import Json
from cli.output import print_json, say
from cli.settings import load_client

if TYPE_CHECKING:
    from rules.reading.document import Findings
    from rules.testing.judging import Verdict

FOLDER = "tests"
_SUFFIXES = (".yaml", ".yml")


def run_cases(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Files of cases; default: LUMEN_RULES/tests/*.yaml.")
    ] = None,
    folder: Annotated[
        str, typer.Option("--rules", metavar="DIR", help="The folder of rules, instead of the one that a file names.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Test rules: what would become of alerts, votes and answers of Prometheus; nothing is asked, sent or run.

    Exit code 0 if every case passes, 1 if one does not or a file cannot be read.

    \b
    Example: lumen rules test rules/tests/lumen.yaml
    """
    chosen = files or _own_files(Path(folder or load_client().settings.rules))
    outcomes = [_tested(file, folder) for file in chosen]
    failed = sum(each["failed"] for each in outcomes)
    ok = not any(each["failed"] or each["findings"] for each in outcomes)
    passed = sum(each["passed"] for each in outcomes)
    if as_json:
        plain = [{name: value for name, value in each.items() if name != "lines"} for each in outcomes]
        print_json({"ok": ok, "passed": passed, "failed": failed, "files": plain})
    else:
        for each in outcomes:
            for line in each["lines"]:
                say(line)
        say(f"{passed} passed, {failed} failed" + ("" if ok or failed else "; a file cannot be used"))
    if not ok:
        raise typer.Exit(FAILED)


def _own_files(folder: Path) -> list[Path]:
    place = folder / FOLDER
    found = sorted(path for path in place.iterdir() if path.suffix in _SUFFIXES) if place.is_dir() else []
    if not found:
        raise CommandError(f"there are no cases in {place}: name the files, or write {place / 'rules.yaml'}", USAGE)
    return found


def _tested(file: Path, folder: str) -> dict[str, Any]:
    """Return what became of one file, as JSON with the lines for people under ``lines``."""
    from lumen.errors import RulesError  # noqa: PLC0415  # beside the other imports that only a run needs
    from rules.loader import load, read, sources  # noqa: PLC0415  # pulls in YAML and PromQL
    from rules.reading.document import Findings  # noqa: PLC0415  # see above
    from rules.testing.cases import read_cases  # noqa: PLC0415  # see above
    from rules.testing.judging import judge  # noqa: PLC0415  # see above

    if not file.is_file():
        raise CommandError(f"there is no file {file}", USAGE)
    findings = Findings()
    node = read(file, findings)
    found = read_cases(node, findings) if node is not None else None
    if found is None:
        return _broken(file, _errors_of(findings), {str(file): _text(file)})
    place = Path(folder) if folder else file.parent / found.folder
    try:
        ruleset = load(place, default_min_rank=found.min_rank)
    except RulesError as error:
        return _broken(file, error, sources(place))
    return _outcome(file, [judge(case, ruleset) for case in found.cases])


def _errors_of(findings: Findings) -> Exception:
    from lumen.errors import RulesError  # noqa: PLC0415  # see _tested

    try:
        findings.raise_all()
    except RulesError as error:
        return error


def _broken(file: Path, error: Any, texts: dict[str, str]) -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415  # see _tested

    from rules.report import render  # noqa: PLC0415  # see _tested

    lines = (render(error.findings, texts) or str(error)).splitlines()
    found = [asdict(finding) for finding in error.findings]
    return {"file": str(file), "passed": 0, "failed": 0, "findings": found, "cases": [], "lines": lines}


def _outcome(file: Path, verdicts: list[Verdict]) -> dict[str, Any]:
    from rules.report import render  # noqa: PLC0415  # see _tested

    failed = [verdict for verdict in verdicts if not verdict.ok]
    texts = {str(file): _text(file)} if failed else {}
    lines = []
    for verdict in failed:
        lines.append(f"FAIL {file}:{verdict.case.place.line}: {verdict.case.name}")
        lines += render((one.finding() for one in verdict.differences), texts).splitlines()
        lines += [f"  note: {note}" for note in verdict.notes]
    return {
        "file": str(file),
        "passed": len(verdicts) - len(failed),
        "failed": len(failed),
        "findings": [],
        "cases": [_case_document(verdict) for verdict in verdicts],
        "lines": [*lines, f"{file}: {len(verdicts) - len(failed)} of {len(verdicts)} cases pass"],
    }


def _case_document(verdict: Verdict) -> dict[str, Any]:
    differences = [
        {"key": one.key, "expected": one.expected, "got": one.got, "line": one.place.line, "column": one.place.column}
        for one in verdict.differences
    ]
    case = {"name": verdict.case.name, "line": verdict.case.place.line, "ok": verdict.ok}
    return case | {"differences": differences, "got": verdict.got, "notes": list(verdict.notes)}


def _text(file: Path) -> str:
    return file.read_text("utf-8-sig", errors="replace")
