import pytest
from pydantic import ValidationError

from finetune.adapters import ADAPTERS
from finetune.errors import DataError
from finetune.methods.grpo import GRPO
from finetune.methods.rollouts import answered, expected_of, grouped, prompt_of
from finetune.rewards.reward import Answered

ASKED = {"role": "user", "content": "What is 2 + 3?"}
PROMPT = {"prompt": [ASKED], "answer": "5", "columns": {"level": 1}}
CHAT = {"messages": [ASKED, {"role": "assistant", "content": "It is 5."}]}


def test_a_conversation_ends_with_its_question_and_its_last_answer_is_expected():
    assert prompt_of(CHAT) == [ASKED] == prompt_of(PROMPT)
    assert expected_of(CHAT) == "It is 5." and expected_of(PROMPT) == "5"
    assert expected_of({"prompt": [ASKED]}) is None
    assert expected_of(CHAT | {"answer": "5"}) == "5"


def test_a_conversation_with_tools_is_refused():
    with pytest.raises(DataError, match="calls tools"):
        prompt_of(CHAT | {"tools": [{"name": "add"}]})


def test_what_a_reward_is_told_is_the_answer_behind_the_reasoning():
    found = answered(PROMPT, "<think>2 or 3?</think>\nIt is 5.", 9)
    assert found == Answered("It is 5.", "What is 2 + 3?", "5", {"level": 1}, (ASKED,), 9)


def test_a_row_is_its_prompt(tiny_model):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    (sequence,) = GRPO().sequences(CHAT, tokenizer, 100)
    row = GRPO().columns(CHAT, (sequence,))
    assert not sequence.has_trained_tokens
    assert row["prompt_ids"] == tokenizer.apply_chat_template([ASKED], add_generation_prompt=True)["input_ids"]
    assert (row["prompt"], row["expected"], row["columns"]) == ([ASKED], "It is 5.", "{}")


def test_rows_must_have_what_rewards_compare_with():
    with pytest.raises(DataError, match="The reward number compares .* 1 training row of 2 have none"):
        GRPO().require_trainable([PROMPT, {"prompt": [ASKED]}])
    GRPO(rewards=["length"]).require_trainable([PROMPT, {"prompt": [ASKED]}])
    with pytest.raises(DataError, match="The row has no city; it has level"):
        GRPO(rewards=["expression: {formula: 'contains(answer, city)'}"]).require_trainable([PROMPT])


def test_two_rewards_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="The reward length is there twice"):
        GRPO(rewards=["length", "length: {maximum: 3}"])


def test_virtual_tokens_are_refused():
    assert "virtual tokens stand before a batch's padding" in GRPO().refuses(ADAPTERS["prompt"]())
    assert not GRPO().refuses(ADAPTERS["lora"]())


def test_groups_fill_up_an_epochs_last_batch_with_its_first_prompts():
    order = grouped([2, 0, 1, 3, 4], rows=4, size=2, prompts=3, times=1)  # 4 is the padding row
    assert list(order) == [2, 2, 0, 0, 1, 1, 3, 3, 2, 2, 0, 0] and len(order) == 12
    assert list(grouped([0], rows=1, size=2, prompts=3, times=1)) == [0] * 6
    assert list(grouped([1, 0], rows=2, size=1, prompts=2, times=2)) == [1, 0, 1, 0]


def test_metrics_have_plain_names():
    logs = {"reward": 0.5, "rewards/number/mean": 0.5, "frac_reward_zero_std": 0.25, "completions/mean_length": 9.0}
    logs |= {"completions/clipped_ratio": 0.1, "kl": None, "loss": 0.0}
    assert GRPO().metrics(logs) == {"reward": 0.5, "no_spread": 0.25, "length": 9.0, "clipped": 0.1}
    two = GRPO(rewards=["number", "length"])
    held_out = {"eval_reward": 1.5, "eval_rewards/number/mean": 1.0, "eval_rewards/length/mean": 0.5}
    held_out["eval_frac_reward_zero_std"] = 1.0
    assert two.metrics(held_out) == {"reward": 1.5, "reward/number": 1.0, "reward/length": 0.5}
