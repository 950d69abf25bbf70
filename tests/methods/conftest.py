"""A method's own trainer over a few examples, to compare its loss with one that is computed by hand."""

import pytest

PLAIN = {
    "per_device_train_batch_size": 8, "per_device_eval_batch_size": 8, "use_cpu": True, "bf16": False,
    "report_to": "none", "disable_tqdm": True, "dataloader_pin_memory": False, "activation_checkpointing": False,
    "logging_steps": 1, "save_strategy": "no", "learning_rate": 0.0, "max_steps": 1,
}  # fmt: skip
"""Arguments of a trainer that computes in fp32 on the CPU and saves nothing."""


@pytest.fixture(autouse=True)
def no_mixed_precision(monkeypatch):
    """Forgets the precision of a run before, which Transformers would take over."""
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)


ANSWERS = (("Blue.", "Blurry and far away."), ("Blue and wide.", "No."), ("Arr!", "I do not know it."))


@pytest.fixture
def pairs():
    """Three pairs of answers to one question, a better one and a worse one."""
    question = [{"role": "user", "content": "Sea?"}]

    def answer(text):
        return [{"role": "assistant", "content": text}]

    return [{"prompt": question, "chosen": answer(good), "rejected": answer(bad)} for good, bad in ANSWERS]


@pytest.fixture
def scores():
    """Scores an answer of a row by the logits of a model: the sum of its log-probabilities, and its tokens."""
    import torch

    def scored(model, row, name):
        prompt, ids = row["prompt_ids"], torch.tensor([row["prompt_ids"] + row[f"{name}_ids"]])
        logits = model(ids).logits[0, len(prompt) - 1 : -1]
        picked = logits.log_softmax(-1).gather(1, ids[0, len(prompt) :, None])
        return picked.sum(), len(picked)

    return scored


@pytest.fixture
def build(tiny_model, tmp_path):
    """Builds the trainer of a method over examples, with the tiny model in fp32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from finetune.methods import Material
    from finetune.training.trainer import ordered

    def build_it(method, examples, peft_config=None, length=200, teacher=None, **arguments):
        tokenizer = AutoTokenizer.from_pretrained(tiny_model)
        rows = [method.columns(each, method.sequences(each, tokenizer, length)) for each in examples]
        model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
        return method.trainer(
            Material(
                model, tokenizer, rows, rows, PLAIN | {"output_dir": str(tmp_path / "out")} | arguments,
                durable=lambda trainer_class: ordered(trainer_class, method.padding_row), peft_config=peft_config,
                teacher=teacher,
            )
        )  # fmt: skip

    return build_it
