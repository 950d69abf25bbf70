"""Runs with made-up measures, whose diagnosis a person can tell from the curve."""

import pytest

from finetune.runs import events
from finetune.runs.diagnosis import Diagnosis, diagnose
from finetune.runs.view import fold

PLAN = {"total_steps": 40, "train_rows": 9, "held_out_rows": 9, "trained_tokens": 9, "parameters": 9, "trainable": 9}


def judge(method="grpo", steps=40, evaluations=(), **measures) -> Diagnosis:
    """The diagnosis of a run whose measures are functions of the share of the run that is done."""

    def at(n):
        return {name: curve(n / steps) for name, curve in measures.items()}

    found = [events.Queued(name="run", method=method), events.Planned(**PLAN)]
    for n in range(1, steps + 1):
        loss = 0.1 * (-1) ** n if method == "grpo" else 0.7 - 0.1 * n / steps
        found.append(events.Stepped(step=n, epoch=0, loss=loss, learning_rate=1e-3, metrics=at(n)))
    for n, held_out in enumerate(evaluations):
        step = round(n * steps / (len(evaluations) - 1))
        found.append(events.Evaluated(step=step, loss=0.7 - 0.001 * n, metrics=held_out))
    return diagnose(fold(found))


def rising(share):
    return 0.1 + 0.8 * share


def flat(share):
    return 0.125


def test_a_rising_reward_is_learning_whatever_the_loss_does():
    found = judge(reward=rising, no_spread=lambda share: 0.3)
    assert found.code == "learning" and "reward is" in found.words and not found.spikes


def test_held_out_rewards_decide_over_those_in_training():
    falling = [{"reward": value} for value in (0.5, 0.4, 0.2)]
    found = judge(reward=rising, evaluations=falling)
    assert found.code == "unstable" and "On held-out rows its reward is 0.200 (0.500 at the start)" in found.words
    assert found.best_step == 0


def test_a_flat_reward_is_a_plateau():
    assert judge(reward=flat, no_spread=lambda share: 0.3).code == "plateau"


@pytest.mark.parametrize("share, code", [(0.95, "no_spread"), (0.9, "no_spread"), (0.85, "plateau")])
def test_a_flat_reward_without_spread_in_the_groups_says_why(share, code):
    assert judge(reward=flat, no_spread=lambda done: share).code == code


def test_only_the_last_third_counts_for_the_spread():
    late = judge(reward=flat, no_spread=lambda done: 1.0 if done > 0.66 else 0.0)
    early = judge(reward=flat, no_spread=lambda done: 1.0 if done < 0.66 else 0.0)
    assert (late.code, early.code) == ("no_spread", "plateau") and "100 %" in late.words


def test_prompts_that_are_all_solved_at_the_end_are_no_fault():
    assert judge(reward=rising, no_spread=rising).code == "learning"
    assert judge(reward=rising, no_spread=lambda done: done).code == "learning"


@pytest.mark.parametrize("kl, code", [(9.0, "learning"), (11.0, "drifted")])
def test_a_large_divergence_from_the_base_is_warned_of_even_while_the_reward_rises(kl, code):
    found = judge(reward=rising, kl=lambda done: kl * min(1.0, done / 0.5))
    assert found.code == code
    assert code != "drifted" or "11.00 nats" in found.words


def test_few_steps_are_too_early_to_judge():
    assert judge(reward=flat, steps=5, no_spread=lambda done: 1.0).code == "early"


def accuracies(*values):
    return [{"accuracy": value, "margin": 0.0} for value in values]


@pytest.mark.parametrize(
    "values, code",
    [
        ((0.5, 0.52, 0.49, 0.51), "no_preference"),
        ((0.5, 0.52, 0.53, 0.7), "learning"),
        ((0.5, 0.6, 0.8, 0.9), "learning"),
    ],
)
def test_a_reward_accuracy_that_stays_at_a_coins_is_named(values, code):
    found = judge("dpo", evaluations=accuracies(*values))
    assert (found.code == "no_preference") == (code == "no_preference")
    assert code != "no_preference" or "51 %: a coin would get 50 %" in found.words


def test_at_the_start_of_a_run_no_preference_is_missed():
    found = judge("dpo", steps=8, evaluations=accuracies(0.5, 0.5, 0.5))
    assert found.code != "no_preference"
