"""The list of episodes: a table where there is room, blocks where there is not, and every key whole in both."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cli.alert.listing import list_lines
from cli.alert.rows import Row, lines_of, row_of
from cli.layout import cells
from tests.cli.alert.samples import KEY, NOW, asking, row, time
from tests.cli.test_output import is_harmless

TEXT = st.text(max_size=40)
ROWS = st.lists(
    st.builds(Row, st.from_regex(r"[a-z]{1,12}-[0-9a-f]{16}", fullmatch=True), TEXT, TEXT, TEXT, TEXT, TEXT, TEXT),
    max_size=5,
)


def test_a_phone_gets_a_block_for_each() -> None:
    """State and rule, what it is about, whose turn it is, and the key on a line of its own."""
    rows = [row(), row("grafana-1111111111111111", state="cooling", outcome="remediated", target=None, severity=None)]
    lines = list_lines({"alerts": rows, "documents": {KEY: asking()}}, NOW, 44)
    assert lines == [
        "awaiting_approval  disk-full",
        "host1:9100  critical  31m ago",
        "41m left, 1 more of alice, carol",
        KEY,
        "",
        "cooling remediated  disk-full",
        "31m ago",
        "grafana-1111111111111111",
    ]


def test_a_wide_terminal_gets_a_table() -> None:
    """The same on one line each, the key last."""
    lines = list_lines({"alerts": [row()], "documents": {KEY: asking()}, "next": "more"}, NOW, 120)
    assert lines[0].split() == ["STATE", "RULE", "TARGET", "SEVERITY", "AGE", "WAITS", "FOR", "KEY"]
    assert lines[1].startswith("awaiting_approval  disk-full  host1:9100  critical  31m ago  41m left, 1 more of alice")
    assert lines[1].endswith(KEY)
    assert lines[2:] == ["", "there are more: raise --limit, or narrow with --state, --outcome or --rule"]


def test_no_episodes_is_a_sentence() -> None:
    """An empty list says so at every width."""
    assert list_lines({"alerts": []}, NOW, 44) == list_lines({}, NOW, 120) == ["no episodes"]


def test_what_was_cut_short_has_no_state_and_its_own_target_is_not_repeated() -> None:
    """A terminated run says so; an episode that is its own target shows no target beside its key."""
    found = row_of(row(status="terminated", target=KEY, outcome="failed", started_at=time(-90)), None, NOW)
    assert (found.state, found.target, found.age, found.waits) == ("terminated failed", "", "1h 30m ago", "")


@given(ROWS, st.integers(20, 200))
def test_every_key_is_whole_and_no_other_line_too_long(rows: list[Row], width: int) -> None:
    """At any width, with any text, each key ends a line; only a key itself may be wider than the terminal."""
    lines = lines_of(rows, width)
    keys = [found.key for found in rows]
    assert is_harmless("\n".join(lines))
    assert all(cells(line) <= width or line in keys for line in lines)
    assert [key for line in lines for key in [line.rpartition(" ")[2]] if key in keys] == keys


@given(ROWS.filter(bool))
def test_blocks_hold_the_key_alone_on_its_line(rows: list[Row]) -> None:
    """On a narrow terminal a key can be taken with a double click on its line."""
    lines = lines_of(rows, 44)
    assert all(found.key in lines for found in rows)
