"""RLOO against its paper: each answer against the mean of the others of its group."""

import pytest

from finetune.methods.rloo import RLOO
from tests.methods.test_grpo import built, scored  # noqa: F401


def test_an_advantage_is_the_reward_against_the_other_answers(built):  # noqa: F811
    batch = scored(*built(RLOO(generations=4, max_tokens=4, beta=0.0, normalize_advantages=False)))
    by_hand = [1 - 1 / 3, 0 - 2 / 3, 0 - 2 / 3, 1 - 1 / 3, 0, 0, 0, 0]
    assert batch["advantages"].tolist() == pytest.approx(by_hand, abs=1e-6)
