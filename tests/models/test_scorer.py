"""Scorers against plain Transformers and PEFT."""

import pytest
import torch

from finetune.errors import RunError
from finetune.models.scorer import Scorer, as_scorer

PROMPT = [{"role": "user", "content": "What of the sea?"}]
ANSWERS = ["Arr, the sea!", "It is the sea, I think, and it goes on and on."]


def plain_scores(model, tokenizer):
    """Scores of a sequence classifier, each text alone."""
    found = []
    for answer in ANSWERS:
        turns = [*PROMPT, {"role": "assistant", "content": answer}]
        ids = tokenizer.apply_chat_template(turns, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            found.append(model(input_ids=ids).logits[0, 0].item())
    return found


@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_a_run_scores_as_plain_libraries_load_it(adapter, trained, with_tiny, tiny_model):
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification

    run = trained(method="reward", adapter=adapter, **{"training.precision": "fp32"})
    scorer = Scorer.load(run, with_tiny)
    folder = run.model_dir if adapter == "full" else tiny_model
    plain = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1, dtype=torch.float32)
    plain.config.pad_token_id = scorer.tokenizer.pad_token_id
    if adapter == "lora":
        plain = PeftModel.from_pretrained(plain, str(run.model_dir))
    expected = plain_scores(plain.eval(), scorer.tokenizer)
    assert scorer.scores([(PROMPT, answer) for answer in ANSWERS]) == pytest.approx(expected, abs=2e-4)
    assert abs(expected[0] - expected[1]) > 1e-3
    metrics = run.view().evaluations[-1].metrics
    assert metrics["pair_accuracy"] > 0.5 and metrics["score_margin"] > 0


def test_the_head_is_random_by_its_seed(tiny_model):
    from transformers import AutoModelForCausalLM

    heads = [as_scorer(AutoModelForCausalLM.from_pretrained(tiny_model), seed).score.weight for seed in (1, 1, 2)]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])


def test_a_run_that_writes_is_no_scorer(trained, with_tiny):
    with pytest.raises(RunError, match="is no reward model: it was trained with Supervised fine-tuning"):
        Scorer.load(trained(), with_tiny)
