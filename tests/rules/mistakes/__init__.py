"""Tables of mistakes: what is written, and where and how it must be found (line and column count from 1)."""

from tests.rules.mistakes.in_actions import ACTION_MISTAKES
from tests.rules.mistakes.in_files import FILE_MISTAKES
from tests.rules.mistakes.in_policies import POLICY_MISTAKES
from tests.rules.mistakes.in_rules import HEAD, RULE_MISTAKES

__all__ = ["ACTION_MISTAKES", "FILE_MISTAKES", "HEAD", "POLICY_MISTAKES", "RULE_MISTAKES"]
