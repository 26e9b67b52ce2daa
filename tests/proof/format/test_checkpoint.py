"""Checkpoints: three lines, one spelling, one origin, a signature that is needed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof.errors import NoteError, SignatureError
from proof.format.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from proof.format.merkle import EMPTY_ROOT, EMPTY_TREE, TreeHead
from proof.format.note import parse_note, sign_note
from tests.proof.format.test_note import KEY, OTHER

ORIGIN = "example.com/log"
ROOT = base64.b64encode(bytes(32)).decode()
EXAMPLE = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
"""The example of C2SP's tlog-checkpoint."""


def test_the_example_of_the_specification_is_read() -> None:
    """C2SP's own checkpoint is one, and is written again as it was."""
    note = parse_note(EXAMPLE.encode())
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.tree.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == note.text
    assert note.encode() == EXAMPLE.encode()


def test_a_signed_checkpoint_opens_with_each_of_its_keys() -> None:
    """Signed by two keys, as while one replaces the other, it opens with either and not with a third."""
    raw = sign_checkpoint(Checkpoint(ORIGIN, TreeHead(3, bytes(32))), [KEY, OTHER]).encode()
    for key in (KEY, OTHER):
        assert open_checkpoint(raw, ORIGIN, [key.verifier]).tree == TreeHead(3, bytes(32))
    with pytest.raises(SignatureError):
        open_checkpoint(raw, ORIGIN, [])


def test_another_origin_is_refused() -> None:
    """A checkpoint of another log does not open, however well it is signed."""
    raw = sign_checkpoint(Checkpoint("example.com/other", TreeHead(3, bytes(32))), [KEY]).encode()
    with pytest.raises(NoteError, match=r"example\.com/other"):
        open_checkpoint(raw, ORIGIN, [KEY.verifier])


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    """A signature alone does not make a checkpoint."""
    with pytest.raises(NoteError, match="three lines"):
        open_checkpoint(sign_note("hello\n", [KEY]).encode(), ORIGIN, [KEY.verifier])


def test_an_empty_ledger_has_a_checkpoint() -> None:
    """Size 0 goes with the root of the empty tree, and with no other."""
    text = Checkpoint(ORIGIN, EMPTY_TREE).text()
    assert parse_checkpoint(text).tree == EMPTY_TREE
    with pytest.raises(NoteError, match="empty tree"):
        parse_checkpoint(f"{ORIGIN}\n0\n{ROOT}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n3\n{ROOT}",
        f"{ORIGIN}\n3\n{ROOT}\n\n",
        f"{ORIGIN}\n3\n{ROOT}\nextension\n",
        f"{ORIGIN}\n3\n",
        f"\n3\n{ROOT}\n",
        f"exa mple\n3\n{ROOT}\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n03\n{ROOT}\n",
        f"{ORIGIN}\n-3\n{ROOT}\n",
        f"{ORIGIN}\n+3\n{ROOT}\n",
        f"{ORIGIN}\n3.0\n{ROOT}\n",
        f"{ORIGIN}\n\u0663\n{ROOT}\n",
        f"{ORIGIN}\n{2**63}\n{ROOT}\n",
        f"{ORIGIN}\n{10**19}\n{ROOT}\n",
        f"{ORIGIN}\n3\n\n",
        f"{ORIGIN}\n3\n{ROOT[:-2]}\n",
        f"{ORIGIN}\n3\n{ROOT[:-2]}B=\n",
        f"{ORIGIN}\n3\n{ROOT[:-4]}\n",
        f"{ORIGIN}\n3\n{base64.b64encode(bytes(33)).decode()}\n",
        f"{ORIGIN}\n3\n{'_' * 43}=\n",
        f"{ORIGIN}\n3\n{'é' * 44}\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """More or fewer lines, other spellings of a number, roots of another length."""
    with pytest.raises(NoteError):
        parse_checkpoint(text)


@given(size=st.integers(1, 2**63 - 1), root=st.binary(min_size=32, max_size=32))
def test_any_tree_comes_back(size: int, root: bytes) -> None:
    """What is written is read as it was."""
    checkpoint = Checkpoint(ORIGIN, TreeHead(size, root))
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@given(st.text(max_size=80))
def test_any_text_is_answered(text: str) -> None:
    """Whatever arrives is a checkpoint that is written the same way, or is refused."""
    try:
        checkpoint = parse_checkpoint(text)
    except NoteError:
        return
    assert checkpoint.text() == text
    assert checkpoint.tree.size or checkpoint.tree.root == EMPTY_ROOT
