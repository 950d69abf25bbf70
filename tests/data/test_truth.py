"""Coloring equals truth: the tokens shown as trained are exactly those that the trainer's own batch has labels for.

Every format that a method reads goes through every template, up to the batch that the real TRL trainer gives its model.
"""

import pytest
import torch
from peft import LoraConfig

from finetune.data.formats import FORMATS
from finetune.data.tokens import CHATML, spans
from finetune.errors import DataError
from finetune.methods import METHODS, Material
from tests.tiny import TEMPLATE

TOOL = {"type": "function", "function": {"name": "harbour", "description": "d", "parameters": {"type": "object"}}}
CALLS = [
    {"role": "user", "content": "Where?"},
    {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "harbour", "arguments": "{}"}}]},
    {"role": "tool", "content": "Kiel"},
    {"role": "assistant", "content": "In Kiel."},
]
TURNS = [
    {"role": "user", "content": "Wie heißt 日本?"},
    {"role": "assistant", "content": "Japan 🇯🇵, é."},
    {"role": "user", "content": "And then?"},
    {"role": "assistant", "content": "Then\n\nnothing."},
]
WEIGHTED = [TURNS[0], {**TURNS[1], "weight": 0}, *TURNS[2:]]
PAIR = {"chosen": "A mouse, é.", "rejected": "A mouse is smaller than an elephant, as everyone knows."}
ROWS = {
    "chat": [{"messages": TURNS}, {"messages": WEIGHTED}, {"messages": CALLS, "tools": [TOOL]}],
    "sharegpt": [{"conversations": [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "Nobody."}]}],
    "conversation": [
        {"talk": [{"speaker": "ann", "text": "Who?"}, {"speaker": "bob", "text": "Me."}]},
        {"talk": [{"human": "Who?", "assistant": "Me.", "loss": False}, {"human": "Sure?", "assistant": "Yes."}]},
    ],
    "segments": [
        {"segments": [{"label": False, "text": "Q: who? "}, {"label": True, "text": "A: 日本, é.<|im_end|>"}]}
    ],
    "completion_log": [
        {"request": {"messages": TURNS[:1]}, "response": {"choices": [{"message": TURNS[1]}]}},
        {"request": {"messages": CALLS[:1], "tools": [TOOL]}, "response": {"choices": [{"message": CALLS[1]}]}},
    ],
    "reasoning": [{"question": "2+2?", "reasoning": "Two and two.", "answer": "4"}],
    "alpaca": [{"instruction": "Add.", "instances": [{"input": "1 2", "output": "3"}, {"input": "", "output": "4"}]}],
    "message_tree": [
        {"prompt": {"role": "prompter", "text": "Who?", "replies": [{"role": "assistant", "text": "Me.", "rank": 0}]}}
    ],
    "function_calls": [{"query": "Where?", "tools": [TOOL], "answers": [{"name": "harbour", "arguments": {}}]}],
    "multiple_choice": [{"question": "Which floats?", "choices": ["Iron", "Wood"], "answer": 1}],
    "translation": [{"en": "The sea is blue.", "de": "Das Meer ist blau, é."}],
    "written_text": [{"text": "### Human: Who?### Assistant: Me, é."}],
    "summarization": [{"article": "The sea is blue and very, very wide.", "summary": "The sea is wide."}],
    "classification": [{"text": "The sea is fine.", "label": "good"}, {"text": "The sea is cold.", "label": "bad"}],
    "text_to_text": [{"text": "teh sea", "target": "the sea"}],
    "question_answer": [{"question": "1+1?", "answer": "One and one.\n#### 2"}],
    "prompt_completion": [
        {"prompt": "Say hi.", "completion": "Hi."},
        {"prompt": TURNS[:3], "completion": TURNS[3:]},
        {"prompt": "é" * 500, "completion": "Lost."},
    ],
    "text": [{"text": "The sea is blue and 日本 is far."}, {"text": "x" + "é" * 500}],
    "preference": [
        {"prompt": "Smaller?", **PAIR},
        {"prompt": TURNS[:3], **PAIR},
        {"prompt": "Smaller?", "chosen": "é" * 500, "rejected": "Nothing."},
        {"prompt": "é" * 500, **PAIR},
    ],
    "openai_preference": [
        {
            "input": {"messages": TURNS[:1], "tools": []},
            "preferred_output": TURNS[1:2],
            "non_preferred_output": TURNS[3:],
        },
        {
            "input": {"messages": CALLS[:1], "tools": [TOOL]},
            "preferred_output": CALLS[1:2],
            "non_preferred_output": CALLS[3:],
        },
    ],
    "pairwise": [
        {"prompt": "Smaller?", "response_a": PAIR["chosen"], "response_b": PAIR["rejected"], "winner": "model_b"},
        {"prompt": TURNS[:3], "response_a": "é" * 500, "response_b": "Nothing.", "winner": "a"},
    ],
    "ranked": [{"prompt": "Smaller?", "responses": ["The ant.", "é" * 500], "scores": [2, 1]}],
    "rated": [
        {"prompt": "Smaller?", "completion": "The ant.", "label": True},
        {"prompt": "Smaller?", "completion": "é" * 500, "label": False},
        {"prompt": TURNS[:3], "completion": TURNS[3:], "label": False},
        {"prompt": "é" * 500, "completion": "Lost.", "label": True},
    ],
}
"""Rows of each format that a method reads."""
ROLES = {"ann": "user", "bob": "assistant"}
LENGTH = 900
"""Some rows are longer and truncated, and some of those have no trained tokens."""

UNMARKED = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant.') }}{% endif %}{% endfor %}"
)


def templates():
    from trl import chat_template_utils as known

    return {
        "markers": TEMPLATE,
        "no markers": UNMARKED,
        "chatml": CHATML,
        "llama 3": known.llama3_chat_template,
        "llama 3.1": known.llama3_1_chat_template,
        "gemma": known.gemma_chat_template,
        "mistral": MISTRAL,
        "qwen 2.5": known.qwen2_5_chat_template,
        "qwen 3": known.qwen3_chat_template,
        "r1": known.deepseek_r1_distill_chat_template,
        "counting": "{{ messages | length }}" + UNMARKED,
    }


TEMPLATES = list(templates())
LEFT_OUT = {("counting", "assistant"): {"chat"}}
"""Formats that a template refuses, because it drops what is to be trained or cannot mark several answers."""
WRITE_TOOLS = {"llama 3.1", "qwen 2.5", "qwen 3"}
"""The templates that write tools; the others refuse the row with tools."""


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.add_special_tokens({"bos_token": "<|endoftext|>"})
    return tokenizer


@pytest.fixture(scope="module")
def model(tiny_model):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)


def examples(method):
    """The examples of every format's rows that ``method`` reads, each with its format."""
    for name, rows in ROWS.items():
        form = FORMATS[name]
        if form.kind in method.reads:
            columns = form.recognize(tuple({column for row in rows for column in row}), rows, roles=ROLES).columns
            for row in rows:
                yield from ((name, example) for example in form.examples(row, columns, None, ROLES))


def shown(method, tokenizer):
    """Examples of every format with the sequences that the page shows, and the formats and the refusals among them."""
    found, formats, refusals = [], set(), set()
    for name, example in examples(method):
        try:
            expected = method.sequences(example, tokenizer, LENGTH)
        except DataError as error:
            refusals.add(error.message)
            continue
        if all(sequence.has_trained_tokens for sequence in expected):
            found.append((example, expected))
            formats.add(name)
    return found, formats, refusals


def batches(method, expected, model, tokenizer, folder, pack=False):
    """What the method's own trainer gives its model in one epoch over ``expected``."""
    model.__dict__.pop("forward", None)  # the trainer before this one has wrapped it
    arguments = {
        "output_dir": str(folder), "per_device_train_batch_size": 4, "use_cpu": True, "bf16": False, "seed": 1,
        "report_to": "none", "disable_tqdm": True, "activation_checkpointing": False, "dataloader_pin_memory": False,
    }  # fmt: skip
    rows = [method.columns(example, sequences) for example, sequences in expected]
    lora = LoraConfig(r=1, target_modules=["q_proj"], task_type="CAUSAL_LM")
    trainer = method.trainer(
        Material(
            model, tokenizer, rows, [], arguments, lambda trainer_class: trainer_class, peft_config=lora, pack=pack
        )
    )
    return list(trainer.get_train_dataloader())


def received(batch, flags):
    """The sequences in a batch as (ids, flags): rows without their padding, and the documents of a packed row apart."""
    for row, ids in enumerate(batch["input_ids"].tolist()):
        if "attention_mask" in batch:
            ends = [0, int(batch["attention_mask"][row].sum())]
        else:
            ends = [*(i for i, place in enumerate(batch["position_ids"][row].tolist()) if place == 0), len(ids)]
        for start, end in zip(ends, ends[1:]):
            if flags[row, start:end].any():
                yield tuple(ids[start:end]), tuple(flags[row, start:end].tolist())


def assert_equal(expected, sequences, tokenizer):
    """The sequences have the expected ids and loss masks, and the page colors the text of their trained tokens."""
    shown = [sequence for _, sequences in expected for sequence in sequences]
    assert sorted(sequences) == sorted((sequence.ids, sequence.trained) for sequence in shown)
    colored = [(sequence.ids, [text for text, flag in spans(sequence, tokenizer) if flag]) for sequence in shown]
    trained = [(ids, tokenizer.decode([token for token, flag in zip(ids, flags) if flag])) for ids, flags in sequences]
    assert sorted((ids, "".join(texts)) for ids, texts in colored) == sorted(trained)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("train_on", ["assistant", "all"])
@pytest.mark.parametrize("pack", [False, True], ids=["padded", "packed"])
def test_sft_trains_the_tokens_shown(template, train_on, pack, tokenizer, model, tmp_path):
    tokenizer.chat_template = templates()[template]
    method = METHODS["sft"](train_on=train_on)
    expected, formats, refusals = shown(method, tokenizer)
    readable = {name for name in ROWS if FORMATS[name].kind in method.reads}
    without_tools = set() if template in WRITE_TOOLS else {"function_calls"}
    assert formats == readable - LEFT_OUT.get((template, train_on), set()) - without_tools
    assert (not refusals) == (template in WRITE_TOOLS)
    assert any(sequence.is_truncated for _, sequences in expected for sequence in sequences)
    given = batches(method, expected, model, tokenizer, tmp_path, pack)
    sequences = [sequence for batch in given for sequence in received(batch, batch["labels"] != -100)]
    assert_equal(expected, sequences, tokenizer)


@pytest.mark.parametrize("template", TEMPLATES)
def test_dpo_scores_the_tokens_shown(template, tokenizer, model, tmp_path):
    tokenizer.chat_template = templates()[template]
    method = METHODS["dpo"]()
    expected, formats, refusals = shown(method, tokenizer)
    assert formats == {name for name in ROWS if FORMATS[name].kind == "preference"}
    assert (not refusals) == (template in WRITE_TOOLS)
    assert any(sequence.is_truncated for _, sequences in expected for sequence in sequences)
    given = batches(method, expected, model, tokenizer, tmp_path)
    sequences = [sequence for batch in given for sequence in received(batch, batch["completion_mask"].bool())]
    assert_equal(expected, sequences, tokenizer)


@pytest.mark.parametrize("template", TEMPLATES)
def test_kto_scores_the_tokens_shown(template, tokenizer, model, tmp_path):
    tokenizer.chat_template = templates()[template]
    method = METHODS["kto"]()
    expected, formats, refusals = shown(method, tokenizer)
    assert formats == {"rated"} and not refusals
    given = batches(method, expected, model, tokenizer, tmp_path)
    sequences = [sequence for batch in given for sequence in received(batch, batch["completion_mask"].bool())]
    assert_equal(expected, sequences, tokenizer)


def test_every_format_that_a_method_reads_is_among_the_rows():
    kinds = {kind for method in METHODS.values() if not method.generates for kind in method.reads}
    assert set(ROWS) == {name for name, form in FORMATS.items() if form.kind in kinds}
