"""The base column is the untouched base, whatever adapter is beside it: held against plain Transformers."""

import random

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from finetune.adapters import ADAPTERS
from finetune.inference.chat import Pairs
from finetune.inference.panel import Column, Panel
from finetune.inference.question import prompt_tokens
from finetune.inference.sampling import Sampling
from tests.inference.tuned import KINDS_OF_ADAPTERS, tuned_run

FEW, MANY = 12, 200
"""Random prompts of the quick and of the heavy form."""
GREEDY = Sampling(greedy=True, max_tokens=8)
FOUR_BITS = BitsAndBytesConfig(
    load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16, bnb_4bit_use_double_quant=True
)
PLAIN = {"qlora": FOUR_BITS, "qlora int8": BitsAndBytesConfig(load_in_8bit=True)}
"""How a person quantizes the base without this program."""


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """One thread: with two on a busy machine, each tiny operation waits for the slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def prompts(count: int) -> list[str]:
    """Random questions of 1 to 120 characters, among them other alphabets; always the same ones."""
    letters, made = "abcdefghijklmnopqrstuvwxyz ?.,!0123456789αβγ你好🙂\n", random.Random(0)
    return ["".join(made.choices(letters, k=made.randint(1, 120))).strip() or "?" for _ in range(count)]


def compare(workspace, folder, kind: str, count: int) -> tuple[float, int, int]:
    """Base column against plain Transformers: the largest logit difference, equal answers, and answers in which base
    and tuned differ."""
    run = tuned_run(workspace, KINDS_OF_ADAPTERS[kind])
    pairs = Pairs(workspace)
    pair, panel = pairs.get(run.id), Panel(workspace, pairs)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    options = {"quantization_config": PLAIN[kind]} if kind in PLAIN else {}
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, **options).eval()
    for layer in plain.modules():
        # On CPUs with bf16 instructions bitsandbytes has a second kernel of 4-bit layers, which rounds otherwise and
        # gives no gradients; the program switches it off (models.loading.keep_gradients).
        if isinstance(layer, Linear4bit):
            layer.support_avx512bf16_for_cpu = False
    columns, furthest, equal, apart = (Column(run.id, is_base=True), Column(run.id)), 0.0, 0, 0
    for text in prompts(count):
        question = [{"role": "user", "content": text}]
        *_, shown = panel.reply(columns, (question, question), GREEDY)
        batch = tokenizer.apply_chat_template(
            question, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            expected = plain(**batch).logits[0, -1].float()
            output = plain.generate(**batch, max_new_tokens=GREEDY.max_tokens, do_sample=False)[0]
        with pair.lock:
            logits, _ = pair.decoding.prefill([prompt_tokens(pair.tokenizer, question)] * 2)
        furthest = max(furthest, float((logits[0] - expected).abs().max()))
        answer = tokenizer.decode(output[batch["input_ids"].shape[1] :], skip_special_tokens=True).rstrip("\ufffd")
        equal += shown.said[0].text == answer
        apart += shown.said[0].text != shown.said[1].text
    return furthest, equal, apart


@pytest.mark.parametrize("kind", [kind for kind in KINDS_OF_ADAPTERS if kind in (*ADAPTERS, "peft vera")])
def test_the_base_column_is_the_base_of_plain_transformers(kind, with_tiny, tiny_model):
    furthest, equal, apart = compare(with_tiny, tiny_model, kind, FEW)
    assert (furthest, equal) == (0.0, FEW)
    assert apart > FEW / 2


@pytest.mark.heavy
@pytest.mark.parametrize("kind", KINDS_OF_ADAPTERS)
def test_it_is_over_two_hundred_random_prompts(kind, with_tiny, tiny_model):
    furthest, equal, apart = compare(with_tiny, tiny_model, kind, MANY)
    print(f"{kind}: largest logit difference {furthest}, {equal} of {MANY} answers equal, {apart} tuned ones differ")
    assert (furthest, equal) == (0.0, MANY)
