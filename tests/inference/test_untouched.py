"""The base column is the untouched base, whatever adapter is beside it: held against plain Transformers."""

import gc
import random
import shutil

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from finetune.adapters import ADAPTERS
from finetune.errors import ModelError
from finetune.inference.chat import Pairs
from finetune.inference.decoding import SequentialDecoding, Variant
from finetune.inference.panel import Column, Panel
from finetune.inference.question import prompt_tokens
from finetune.inference.sampling import Sampling
from finetune.inference.trial import probe
from finetune.inference.untouched import Bases, Untouched, require_as_stored
from finetune.models.loading import load_weights, with_adapter
from tests import zoo
from tests.inference.tuned import KINDS_OF_ADAPTERS, tuned_run

FEW, MANY = 12, 200
"""Random prompts of the quick and of the heavy form."""
TOKENS = 4
"""Of each answer."""
FOUR_BITS = BitsAndBytesConfig(
    load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16, bnb_4bit_use_double_quant=True
)
PLAIN = {"qlora": FOUR_BITS, "qlora int8": BitsAndBytesConfig(load_in_8bit=True)}
"""How a person quantizes the base without this program."""

pytestmark = pytest.mark.usefixtures("one_thread")


def prompts(count: int) -> list[str]:
    """Random questions of 1 to 120 characters, among them other alphabets; always the same ones."""
    letters, made = "abcdefghijklmnopqrstuvwxyz ?.,!0123456789αβγ你好🙂\n", random.Random(0)
    return ["".join(made.choices(letters, k=made.randint(1, 120))).strip() or "?" for _ in range(count)]


def plain_base(folder, kind: str):
    """The base of an adapter of ``kind`` as a person loads it without this program."""
    options = {"quantization_config": PLAIN[kind]} if kind in PLAIN else {}
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, **options).eval()
    for layer in plain.modules():
        # On CPUs with bf16 instructions bitsandbytes has a second kernel of 4-bit layers, which rounds otherwise and
        # gives no gradients; the program switches it off (models.loading.keep_gradients).
        if isinstance(layer, Linear4bit):
            layer.support_avx512bf16_for_cpu = False
    return plain


def generated(plain, ids: list[int]) -> tuple[list[int], list]:
    """The greedy tokens of plain Transformers, and the logits (V,) before each."""
    batch = torch.tensor([ids])
    found = plain.generate(
        batch, attention_mask=torch.ones_like(batch), max_new_tokens=TOKENS, do_sample=False, eos_token_id=None,
        pad_token_id=0, return_dict_in_generate=True, output_logits=True,
    )  # fmt: skip
    return found.sequences[0, len(ids) :].tolist(), [logits[0].float() for logits in found.logits]


def decoded(pair, ids: list[int]) -> tuple[list[list[int]], list]:
    """The greedy tokens of base and tuned, and the logits (2, V) before each."""
    logits, position = pair.decoding.prefill([ids, ids])
    tokens, seen = [[int(row.argmax()) for row in logits]], [logits]
    while len(tokens) < TOKENS:
        seen.append(pair.decoding.step(tokens[-1], position))
        tokens.append([int(row.argmax()) for row in seen[-1]])
    return [list(row) for row in zip(*tokens)], seen


def compare(pair, plain, count: int) -> tuple[float, int, int]:
    """The base of ``pair`` against ``plain``: the largest difference of any logit, in how many prompts all tokens are
    equal, and in how many a token of the tuned model is another."""
    furthest, equal, apart = 0.0, 0, 0
    for text in prompts(count):
        ids = prompt_tokens(pair.tokenizer, [{"role": "user", "content": text}])
        expected, alone = generated(plain, ids)
        (base, tuned), together = decoded(pair, ids)
        furthest = max(furthest, *(float((one - two[0]).abs().max()) for one, two in zip(alone, together)))
        equal += base == expected
        apart += tuned != expected
    return furthest, equal, apart


@pytest.mark.parametrize("kind", [kind for kind in KINDS_OF_ADAPTERS if kind in (*ADAPTERS, "peft vera")])
def test_the_base_column_is_the_base_of_plain_transformers(kind, with_tiny, tiny_model):
    run = tuned_run(with_tiny, KINDS_OF_ADAPTERS[kind])
    panel, plain = Panel(with_tiny), plain_base(tiny_model, kind)
    pair = panel.pairs.get(run.id)
    furthest, equal, apart = compare(pair, plain, FEW)
    assert (furthest, equal) == (0.0, FEW) and apart > FEW / 2

    question = [{"role": "user", "content": "What of the sea?"}]
    columns, greedy = [Column(run.id), Column(run.id, is_base=True)], Sampling(greedy=True, max_tokens=TOKENS)
    *_, shown = panel.reply(columns, [question] * 2, greedy)
    expected, _ = generated(plain, prompt_tokens(pair.tokenizer, question))
    assert panel.pairs.get(run.id) is pair
    assert shown.said[1].text == pair.tokenizer.decode(expected, skip_special_tokens=True).rstrip("\ufffd")


@pytest.mark.heavy
@pytest.mark.parametrize("kind", KINDS_OF_ADAPTERS)
def test_it_is_over_two_hundred_random_prompts(kind, with_tiny, tiny_model):
    run = tuned_run(with_tiny, KINDS_OF_ADAPTERS[kind])
    furthest, equal, apart = compare(Pairs(with_tiny).get(run.id), plain_base(tiny_model, kind), MANY)
    print(f"{kind}: largest logit difference {furthest}, {equal} of {MANY} answers equal, {apart} tuned ones differ")
    assert (furthest, equal) == (0.0, MANY)


def test_a_copy_shares_every_weight_and_no_adapter_reaches_the_base(tiny_model, with_tiny):
    run = tuned_run(with_tiny, {"type": "lora"})
    untouched = Bases(with_tiny).get(run.recipe)
    tuned = with_adapter(untouched.copy(), run.model_dir).eval()
    places = {weight.data_ptr() for weight in untouched.model.parameters()}
    own = {name for name, weight in tuned.named_parameters() if weight.data_ptr() not in places}
    assert own and all("lora_" in name for name in own)
    assert untouched.difference(untouched.probe()) == 0
    steps = [step[0] for step in probe(SequentialDecoding(Variant(tuned)), 1)]
    assert untouched.difference(steps) > 1


@pytest.mark.parametrize("kind", ["qlora", "qlora int8"])
def test_a_copy_of_a_quantized_base_shares_its_scales_too(kind, with_tiny):
    untouched = Bases(with_tiny).get(tuned_run(with_tiny, KINDS_OF_ADAPTERS[kind]).recipe)
    layer, copied = (model.model.layers[0].mlp.up_proj for model in (untouched.model, untouched.copy()))
    assert copied is not layer and copied.weight is layer.weight
    kept = ("quant_state",) if kind == "qlora" else ("CB", "SCB")
    found, again = ((part if kind == "qlora" else part.state) for part in (layer, copied))
    assert all(getattr(found, name) is getattr(again, name) is not None for name in kept)


def test_a_base_is_there_once_and_freed_with_the_last_that_uses_it(with_tiny):
    bases = Bases(with_tiny)
    lora, ia3, qlora, fp32 = (
        tuned_run(with_tiny, {"type": kind}).recipe.changed(**{"training.precision": precision})
        for kind, precision in (("lora", "auto"), ("ia3", "auto"), ("qlora", "auto"), ("lora", "fp32"))
    )
    first = bases.get(lora)
    assert bases.get(ia3) is first is bases.held(lora)
    assert bases.held(qlora) is None and bases.held(fp32) is None
    del first
    gc.collect()
    assert bases.held(lora) is None


def test_a_base_whose_files_were_replaced_is_loaded_anew(tiny_model, tiny_teacher, with_tiny):
    folder = with_tiny.models_dir / "mine"
    shutil.copytree(tiny_model, folder)
    recipe, bases = tuned_run(with_tiny, {"type": "lora"}, model="mine").recipe, Bases(with_tiny)
    first = bases.get(recipe)
    (folder / "model.safetensors").touch()
    assert not first.has_other_files and bases.get(recipe) is first
    shutil.copyfile(tiny_teacher / "model.safetensors", folder / "model.safetensors")
    assert first.has_other_files
    second = bases.get(recipe)
    assert second is not first and not second.has_other_files
    assert second.difference(first.recorded[0]) > 1


def test_weights_that_are_not_those_of_the_files_are_seen(tiny_model, tiny_teacher):
    base = load_weights(tiny_model, torch.float32, "cpu")
    require_as_stored(base, tiny_model)
    with pytest.raises(ModelError, match="has other values than the file"):
        require_as_stored(base, tiny_teacher)
    with pytest.raises(ModelError, match="has other values than the file"):
        Untouched(base, tiny_teacher)


@pytest.mark.parametrize("name", ["youtu", "rwkv", "openai-gpt"])
def test_families_that_load_in_their_own_way_are_as_stored(name, tmp_path):
    """Youtu sets the padding row to zero, RWKV has no padding token, and some files have other names than the model."""
    base = load_weights(zoo.write(name, tmp_path / name), torch.float32, "cpu")
    require_as_stored(base, tmp_path / name)
    with torch.no_grad():
        for weight in base.parameters():
            weight.add_(1)
    with pytest.raises(ModelError, match="has other values"):
        require_as_stored(base, tmp_path / name)
