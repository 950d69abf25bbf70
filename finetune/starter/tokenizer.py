"""The starter's tokenizer: byte-level BPE on texts of the world, each digit a token of its own, ChatML for chats."""

from __future__ import annotations

from itertools import islice
from random import Random

START, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
VOCABULARY = 3072
CONTEXT_TOKENS = 2048
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>' + '\\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def render(messages: list[dict]) -> str:
    """The chat as ChatML text, equal to what CHAT_TEMPLATE renders (a test compares the two), and much faster."""
    return "".join(f"{START}{turn['role']}\n{turn['content']}{END}\n" for turn in messages)


def train_tokenizer(seed: int, talks: int = 30_000):
    """A `Qwen2Tokenizer` of 3,072 tokens, trained on the world and the samples; no text is unknown to it.

    It must be of that class: `AutoTokenizer` loads every tokenizer beside a Qwen2 model as one. Its own rule for
    splitting text gives the same tokens here as the rule below (a test compares them).
    """
    import json

    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, START, END],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=16,
    )
    bpe.train_from_iterator(_texts(seed, talks), trainer)
    trained = json.loads(bpe.to_str())["model"]
    return Qwen2Tokenizer(
        vocab=trained["vocab"],
        merges=[tuple(pair) for pair in trained["merges"]],
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens=[START],
        model_max_length=CONTEXT_TOKENS,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def _texts(seed, talks):
    from finetune.starter.samples import SAMPLES, texts
    from finetune.starter.world import conversations

    for conversation in islice(conversations(Random(seed)), talks):
        for turn in conversation:
            yield turn["role"] + "\n" + turn["content"]
    for name in SAMPLES:
        yield from texts(name)
