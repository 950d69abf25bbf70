import pytest
import torch
from transformers import AutoTokenizer

from finetune.errors import DataError
from finetune.methods import method_for
from finetune.methods.kto import KTO

GOOD = {
    "prompt": [{"role": "user", "content": "Sea?"}],
    "completion": [{"role": "assistant", "content": "Blue."}],
    "label": True,
}
BAD = GOOD | {"label": False}


def test_the_prompt_and_the_rated_answer_are_parted_where_the_answer_begins(tiny_model):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    row = KTO().columns(BAD, KTO().sequences(BAD, tokenizer, 200))
    assert tokenizer.decode(row["completion_ids"]).startswith("Blue.") and row["label"] is False
    prompt = tokenizer.apply_chat_template(BAD["prompt"], add_generation_prompt=True, tokenize=False)
    assert tokenizer.decode(row["prompt_ids"]) == prompt


@pytest.mark.parametrize(("rows", "missing"), [([GOOD, GOOD], "bad"), ([BAD, BAD], "good")])
def test_answers_of_one_rating_alone_are_refused(rows, missing):
    with pytest.raises(DataError, match=f"KTO needs {missing} answers too"):
        KTO().require_trainable(rows)
    KTO().require_trainable([GOOD, BAD])


def test_it_is_the_method_for_rated_answers():
    assert method_for("rated").type == "kto" and "KTO" in KTO.advice("rated", 500)


def test_the_margin_has_a_plain_name():
    assert KTO().metrics({"eval_rewards/margins": 0.5, "eval_loss": 1.0}) == {"margin": 0.5}


@pytest.mark.parametrize("seen", [4, 1])
def test_the_loss_is_that_of_the_paper(tiny_model, tmp_path, seen):
    """Ethayarajh et al. 2024, eq. 7 and 8, computed here from the logits of an adapted and of the bare model.

    Every prompt is mismatched with the answer of another row, also in a batch of one row.
    """
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    from finetune.methods import Material

    tokenizer, method = AutoTokenizer.from_pretrained(tiny_model), KTO(beta=0.3, desirable_weight=1.5)
    answers = [("Blue.", True), ("I do not know it.", False), ("Grey, dear.", False), ("Arr!", True)]
    examples = [
        GOOD | {"completion": [{"role": "assistant", "content": text}], "label": label} for text, label in answers
    ]
    rows = [method.columns(each, method.sequences(each, tokenizer, 200)) for each in examples]
    arguments = {
        "output_dir": str(tmp_path), "per_device_train_batch_size": 4, "use_cpu": True, "bf16": False,
        "report_to": "none", "disable_tqdm": True, "dataloader_pin_memory": False, "gradient_checkpointing": False,
    }  # fmt: skip
    trainer = method.trainer(
        Material(
            AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32),
            tokenizer, rows, rows, arguments, lambda trainer_class: trainer_class,
            peft_config=LoraConfig(r=2, task_type="CAUSAL_LM", init_lora_weights=False, target_modules=["q_proj"]),
        )
    )  # fmt: skip
    model = trainer.model.eval()
    batch = trainer.data_collator(list(trainer.train_dataset)[:seen])
    with torch.no_grad():
        loss = trainer.compute_loss(model, trainer._prepare_inputs(batch)).item()

        def log_ratio(prompt, answer):
            ids = torch.tensor([prompt + answer])
            scores = []
            for is_base in (False, True):
                if is_base:
                    with model.disable_adapter():
                        logits = model(ids).logits
                else:
                    logits = model(ids).logits
                picked = logits[0, len(prompt) - 1 : -1].log_softmax(-1).gather(1, ids[0, len(prompt) :, None])
                scores.append(picked.sum())
            return scores[0] - scores[1]

        ratios = [log_ratio(row["prompt_ids"], row["completion_ids"]) for row in rows]
        others = [row["KL_completion_ids"] for row in trainer.train_dataset]
        mismatched = [log_ratio(row["prompt_ids"], other) for row, other in zip(rows[:seen], others)]
        z0 = torch.stack(mismatched).mean().clamp(min=0)
        terms = [
            1.5 * (1 - torch.sigmoid(0.3 * (ratio - z0))) if row["label"] else 1 - torch.sigmoid(0.3 * (z0 - ratio))
            for ratio, row in zip(ratios[:seen], rows)
        ]
    answers = [row["completion_ids"] for row in rows]
    assert sorted(others) == sorted(answers) and all(one != other for one, other in zip(answers, others))
    assert loss == pytest.approx(torch.stack(terms).mean().item(), abs=1e-5)
