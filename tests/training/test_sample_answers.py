import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.training.sample_answers import SampleAnswers, prompt_of

PROMPTS = [[{"role": "user", "content": text}] for text in ("Hi", "What colour is the sea?")]


@pytest.fixture
def model(tiny_model):
    return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)


@pytest.fixture
def sampler(tiny_model):
    return SampleAnswers(PROMPTS, AutoTokenizer.from_pretrained(tiny_model), max_tokens=8)


def test_the_first_answers_are_the_bases_and_stay(sampler, model):
    first = sampler.answers(model, first=True)
    assert [answer.prompt for answer in first] == ["Hi", "What colour is the sea?"]
    assert all(answer.base == answer.tuned for answer in first)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
    later = sampler.answers(model)
    assert [answer.base for answer in later] == [answer.base for answer in first]
    assert any(answer.tuned != answer.base for answer in later)


def test_training_is_not_disturbed(sampler, model):
    model.train()
    before = torch.random.get_rng_state()
    sampler.answers(model, first=True)
    assert model.training and torch.equal(torch.random.get_rng_state(), before)


def test_no_answer_moves_what_is_read_after_it(sampler):
    """Qwen-VL keeps positions of what it generated on the module; a prefix would begin there."""
    from peft import PrefixTuningConfig, get_peft_model

    from tests import gallery

    def read(asked: bool):
        model = gallery.model("qwen3_vl")
        torch.manual_seed(0)
        tuned = get_peft_model(model, PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)).eval()
        if asked:
            sampler.answers(tuned)
        ids = torch.arange(20, 32).repeat(3, 1)
        with torch.no_grad():
            return tuned(input_ids=ids, attention_mask=torch.ones_like(ids)).logits

    assert torch.equal(read(asked=True), read(asked=False))


def test_an_answer_ends_where_the_template_ends_a_turn(tiny_model, model):
    """The base models of Qwen2.5 end texts with another token than turns."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    turn = tokenizer.convert_tokens_to_ids("<|im_end|>")
    tokenizer.eos_token = "<|endoftext|>"
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    asked = []
    model.generate = lambda **options: asked.append(options) or options["input_ids"]
    SampleAnswers(PROMPTS, tokenizer, 8).answers(model)
    assert asked[0]["eos_token_id"] == sorted({turn, tokenizer.eos_token_id})


@pytest.mark.parametrize("name", ["gpt2", "opt"])
def test_an_answer_ends_where_the_models_positions_do(name, tiny_model):
    """Their tables of positions have 512 rows."""
    from tests import zoo

    long = [[{"role": "user", "content": "x" * 480}]]
    (answer,) = SampleAnswers(long, AutoTokenizer.from_pretrained(tiny_model), 64).answers(zoo.model(name))
    assert answer.prompt == "x" * 480


def test_without_prompts_nothing_is_asked(tiny_model, model):
    assert SampleAnswers([], AutoTokenizer.from_pretrained(tiny_model), 8).answers(model) == ()


def test_a_prompt_is_the_conversation_up_to_its_last_question():
    chat = [
        {"role": r, "content": c}
        for r, c in (("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    ]
    assert prompt_of({"messages": chat}) == chat[:4]
    assert prompt_of({"prompt": chat[:2], "chosen": [], "rejected": []}) == chat[:2]
    assert prompt_of({"text": "plain"}) == []
    assert prompt_of({"messages": chat, "tools": [{"type": "function"}]}) == []


def test_prompts_of_different_lengths_are_answered_as_each_alone_behind_virtual_tokens(with_tiny, tiny_model):
    """Padding between virtual tokens and a prompt would move the prompt to other positions."""
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from finetune.adapters import ADAPTERS

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    adapter = ADAPTERS["prompt"]()
    torch.manual_seed(1)
    tuned = get_peft_model(base, adapter.peft_config(base)).eval()
    with torch.no_grad():
        tuned.prompt_encoder["default"].embedding.weight.normal_()
    prompts = [[{"role": "user", "content": text}] for text in ("Sea?", "What of the sea and of the sky above it?")]
    together = SampleAnswers(prompts, tokenizer, 8).answers(tuned)
    alone = [SampleAnswers([prompt], tokenizer, 8).answers(tuned)[0] for prompt in prompts]
    assert [each.tuned for each in together] == [each.tuned for each in alone]
