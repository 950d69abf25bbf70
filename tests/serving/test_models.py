from dataclasses import replace

import pytest
import torch

from finetune.errors import BusyError, ModelError, RunError
from finetune.inference import memory
from finetune.serving.models import Models
from finetune.serving.parameters import Wanted
from finetune.serving.refused import Refused
from tests.inference.tuned import tuned_run

HELLO = ({"role": "user", "content": "Hi"},)


def wanted_of(model="tiny", **asked):
    from finetune.inference.sampling import Sampling

    return Wanted(model, Sampling(), **asked)


def test_base_and_tuned_share_the_weights_of_the_base(models):
    tuned, base = (each.voice.decoding.model for each in models)
    own = {weight.data_ptr() for weight in base.parameters()}
    shared = [weight for name, weight in tuned.named_parameters() if "lora_" not in name]
    assert len(shared) == len(own) and all(weight.data_ptr() in own for weight in shared)
    assert not any("lora" in name for name, _ in base.named_modules())


def test_the_base_gives_the_logits_of_its_files(models, tiny_model):
    from transformers import AutoModelForCausalLM

    _, base = models
    ids = [40, 41, 42]
    logits, _ = base.voice.decoding.prefill([ids])
    plain = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=base.voice.decoding.model.dtype)
    with torch.inference_mode():
        assert torch.allclose(logits[0], plain(torch.tensor([ids])).logits[0, -1].float(), atol=1e-3)
    assert models.checked.ok and "Adapter off in the base" in models.checked.line


def test_what_cannot_be_served_is_refused_before_anything_is_loaded(write_run, with_tiny, monkeypatch):
    monkeypatch.setattr("finetune.serving.models.load_libraries", lambda: pytest.fail("it was loaded"))
    with pytest.raises(RunError, match="has no tuned model yet"):
        Models.load(write_run(), with_tiny)
    scorer = write_run(method="reward", data={"path": "x.jsonl"})
    scorer.model_dir.mkdir()
    (scorer.model_dir / "model.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="is a reward model: it rates answers and writes none"):
        Models.load(scorer, with_tiny)


def test_beside_a_training_it_needs_room_and_says_who_trains(with_tiny, write_run, monkeypatch):
    run = tuned_run(with_tiny, {"type": "lora"})
    monkeypatch.setattr(memory.hardware, "free_bytes", lambda machine, beside=False: 10**6)
    with pytest.raises(ModelError, match="not enough memory") as little:
        Models.load(run, with_tiny)
    assert little.value.hint == "Close other programs, or serve the run on a larger machine."
    with (
        write_run("pirate voice", state="").held(),
        pytest.raises(BusyError, match="pirate voice is training and holds"),
    ):
        Models.load(run, with_tiny)


def test_a_tuned_model_with_another_chat_template_is_not_served(with_tiny):
    run = tuned_run(with_tiny, {"type": "lora"})
    template = run.model_dir / "chat_template.jinja"
    template.write_text(template.read_text(encoding="utf-8").replace("<|im_start|>", "<|im_end|>"), encoding="utf-8")
    with pytest.raises(ModelError, match="Not the same prompt"):
        Models.load(run, with_tiny)


def test_a_model_is_found_by_its_id(models):
    assert models.get("tiny").role == "base" and models.get("tiny").facts["parent"] is None
    with pytest.raises(Refused) as refused:
        models.get("x" * 500)
    assert refused.value.status == 404 and len(refused.value.sentence) < 200


def test_a_prompt_is_that_of_the_compare_tab(models, home):
    from finetune.inference.question import messages, prompt_tokens

    tokenizer = models.get("tiny").voice.tokenizer
    expected = prompt_tokens(tokenizer, messages(home[1]["lora"].recipe, "Hi"))
    assert models.prompt(wanted_of(messages=HELLO)) == expected


def test_an_empty_text_and_one_that_fills_the_context_are_refused(models):
    with pytest.raises(Refused, match="nothing to continue"):
        models.prompt(wanted_of(text=""))
    with pytest.raises(Refused, match="maximum context length is 512 tokens") as long:
        models.prompt(wanted_of(text="x" * 512))
    assert (long.value.param, long.value.code) == ("prompt", "context_length_exceeded")
    assert len(models.prompt(wanted_of(text="x" * 511))) == 511


def test_a_base_without_turns_refuses_a_system_prompt_and_continues_a_conversation(models, monkeypatch):
    base = models.get("tiny")
    monkeypatch.setattr(base.voice.tokenizer, "chat_template", None)
    with pytest.raises(Refused, match="knows no system prompt"):
        models.prompt(wanted_of(messages=({"role": "system", "content": "Be kind."}, *HELLO)))
    assert models.prompt(wanted_of(messages=HELLO)) == base.voice.tokenizer("Hi")["input_ids"]


def test_a_token_that_the_model_does_not_know_is_refused(models, monkeypatch):
    model = models.get("tiny")
    monkeypatch.setattr(model.voice, "vocabulary", 10)
    with pytest.raises(Refused, match="the model knows only 10 tokens"):
        models.prompt(wanted_of(messages=HELLO))
    assert replace(model, id="other").facts["id"] == "other"
