"""Models that answer in one decoding, and the text of an answer."""

import threading

import pytest
import torch
from transformers import AutoTokenizer

from finetune.errors import ModelError
from finetune.inference.sampling import Sampling, TokenSampler
from finetune.inference.voice import AnswerText, Voice
from finetune.machine.hardware import Choice


class Counting:
    """Rows that answer with the next number, each from its own prompt."""

    def prefill(self, prompts):
        self.last = [prompt[-1] for prompt in prompts]
        return self._logits(), None

    def step(self, tokens, position):
        self.last = tokens
        return self._logits()

    def _logits(self):
        return torch.nn.functional.one_hot(torch.tensor(self.last) + 1, 100).float()


def voice(tokenizers, ends=(90,), context=50):
    return Voice(Counting(), tokenizers, set(ends), context, Choice("sequential", ""), vocabulary=100)


def answered(speaking, *prompts, room=6, stop=None):
    """The tokens of each row, and how many steps it took."""
    texts = [AnswerText(tokenizer) for tokenizer in speaking.tokenizers]
    sampler = TokenSampler(Sampling(greedy=True))
    steps = sum(1 for _ in speaking.steps(prompts, texts, sampler, room, stop or threading.Event()))
    return [text.ids for text in texts], steps


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_each_row_answers_its_own_prompt(rows, tokenizer):
    prompts = [[10 * (n + 1)] for n in range(rows)]
    found, steps = answered(voice([tokenizer] * rows), *prompts, room=3)
    assert found == [[first + 1, first + 2, first + 3] for (first,) in prompts] and steps == 3


def test_it_ends_with_the_last_row(tokenizer):
    found, steps = answered(voice([tokenizer] * 2, ends={12, 24}), [10], [20])
    assert found == [[11], [21, 22, 23]] and steps == 4


def test_stop_ends_it_before_the_next_token(tokenizer):
    stop = threading.Event()
    stop.set()
    assert answered(voice([tokenizer]), [10], stop=stop) == ([[]], 0)


def test_the_longest_prompt_decides_how_much_room_is_left(tokenizer):
    speaking = voice([tokenizer] * 2)
    assert speaking.room([[1] * 10, [1] * 30]) == 20 and speaking.tokenizer is tokenizer
    with pytest.raises(ModelError, match="is 50 tokens long, and the model reads at most 50"):
        speaking.room([[1], [1] * 50])
    with pytest.raises(ModelError, match="the model knows only 100 tokens"):
        speaking.room([[1], [100]])


def test_characters_of_several_tokens_are_never_shown_in_part(tiny_model):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    text = "añ 你好 🙂!"
    answer, seen = AnswerText(tokenizer), []
    for token in tokenizer(text)["input_ids"]:
        answer.add(token)
        seen.append(answer.text)
    answer.finish()
    assert answer.text == text and all(text.startswith(part) for part in seen)
    truncated = AnswerText(tokenizer)
    for token in tokenizer("ok 🙂")["input_ids"][:-1]:
        truncated.add(token)
    truncated.finish()
    assert truncated.text == "ok "
