import math

import pytest
import torch
from torch.nn.functional import logsigmoid, relu, sigmoid
from transformers import AutoTokenizer

from finetune.methods.dpo import DPO

PAIR = {
    "prompt": [{"role": "user", "content": "Sea?"}],
    "chosen": [{"role": "assistant", "content": "Blue."}],
    "rejected": [{"role": "assistant", "content": "Blurry and far away."}],
}


@pytest.fixture(scope="module")
def row(tiny_model):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    row = DPO().columns(PAIR, DPO().sequences(PAIR, tokenizer, 200))
    return {name: tokenizer.decode(ids) for name, ids in row.items()}


def test_prompt_and_answers_are_parted_where_the_answers_begin(row):
    assert row["prompt_ids"].endswith("<|im_start|>assistant\n")
    assert row["chosen_ids"].startswith("Blue.<|im_end|>")
    assert row["rejected_ids"].startswith("Blurry and far away.<|im_end|>")


def test_metrics_have_plain_names():
    logs = {"rewards/accuracies": 0.75, "rewards/margins": 0.2, "loss": 0.6}
    assert DPO().metrics(logs) == {"accuracy": 0.75, "margin": 0.2}
    assert DPO().metrics({"eval_rewards/accuracies": 1.0, "eval_rewards/margins": 2.0}) == {
        "accuracy": 1.0,
        "margin": 2.0,
    }


def test_a_model_that_has_not_moved_prefers_neither_answer():
    assert DPO().metrics({"eval_rewards/accuracies": 0.0, "eval_rewards/margins": 0.0})["accuracy"] == 0.5


def test_advice_on_pairs():
    assert "Pairs of answers: DPO" in DPO.advice("preference", 500)


B, E = 0.3, 0.1
"""β, and the label smoothing."""
BY_HAND = {
    "sigmoid": lambda w, r, *_: -logsigmoid(B * (w - r)),
    "sigmoid_norm": lambda w, r, n, m: -logsigmoid(B * (w / n - r / m)),
    "hinge": lambda w, r, *_: relu(1 - B * (w - r)),
    "ipo": lambda w, r, n, m: (w / n - r / m - 1 / (2 * B)) ** 2,
    "robust": lambda w, r, *_: (-(1 - E) * logsigmoid(B * (w - r)) + E * logsigmoid(B * (r - w))) / (1 - 2 * E),
    "exo_pair": lambda w, r, *_: (
        sigmoid(B * (w - r)) * (logsigmoid(B * (w - r)) - math.log(1 - E))
        + sigmoid(B * (r - w)) * (logsigmoid(B * (r - w)) - math.log(E))
    ),
    "nca_pair": lambda w, r, *_: -logsigmoid(B * w) - logsigmoid(-B * w) / 2 - logsigmoid(-B * r) / 2,
    "bco_pair": lambda w, r, *_: -logsigmoid(B * w) - logsigmoid(-B * r),
    "sppo_hard": lambda w, r, *_: (w - 0.5 / B) ** 2 + (r + 0.5 / B) ** 2,
    "apo_zero": lambda w, r, *_: 1 - sigmoid(B * w) + sigmoid(B * r),
    "apo_down": lambda w, r, *_: sigmoid(B * w) + 1 - sigmoid(B * (w - r)),
    "discopop": lambda w, r, *_: (
        -logsigmoid(B * (w - r)) * (1 - sigmoid(B * (w - r) / 0.05))
        + (-B * (w - r)).exp() * sigmoid(B * (w - r) / 0.05)
    ),
}
"""Each loss of a pair, from the log-probability ratios of both answers (w better, r worse) and their lengths."""


def compared(trainer, row, name, scores):
    """Log-probability ratio of an answer, the adapted model over the base, its log-probability, and its tokens."""
    with trainer.model.disable_adapter():
        base, _ = scores(trainer.model, row, name)
    score, count = scores(trainer.model, row, name)
    return score - base, score, count


@pytest.fixture
def adapted(build, pairs):
    """Builds a trainer whose adapter has moved the model away from the base."""
    from peft import LoraConfig

    def build_it(method):
        lora = LoraConfig(r=2, task_type="CAUSAL_LM", init_lora_weights=False, target_modules=["q_proj", "v_proj"])
        trainer = build(method, pairs, lora)
        trainer.model.eval()
        return trainer

    return build_it


def loss(trainer, rows):
    return trainer.compute_loss(trainer.model, trainer._prepare_inputs(trainer.data_collator(list(rows))))


@pytest.mark.parametrize("loss_type", BY_HAND)
@torch.no_grad()
def test_each_loss_is_that_of_its_paper(loss_type, adapted, scores):
    smoothing = {"label_smoothing": E} if loss_type in ("robust", "exo_pair") else {}
    trainer = adapted(DPO(loss_type=loss_type, beta=B, **smoothing))
    terms = []
    for row in trainer.train_dataset:
        (good, _, n), (bad, _, m) = (compared(trainer, row, name, scores) for name in ("chosen", "rejected"))
        terms.append(BY_HAND[loss_type](good, bad, n, m))
    assert loss(trainer, trainer.train_dataset).item() == pytest.approx(torch.stack(terms).mean().item(), rel=2e-4)


def test_every_loss_that_is_offered_is_tested():
    assert set(BY_HAND) == set(DPO.model_fields["loss_type"].annotation.__args__)


@torch.no_grad()
def test_an_sft_term_is_the_cross_entropy_per_token_of_the_chosen_answers(adapted, scores):
    plain, both = adapted(DPO()), adapted(DPO(sft_weight=0.5))
    both.model.load_state_dict(plain.model.state_dict())
    found = [compared(plain, row, "chosen", scores) for row in plain.train_dataset]
    term = -sum(score for _, score, _ in found) / sum(count for _, _, count in found)
    rows = plain.train_dataset
    assert loss(both, rows).item() == pytest.approx((loss(plain, rows) + 0.5 * term).item(), rel=1e-4)


@pytest.mark.parametrize("settings", [*({"loss_type": name} for name in BY_HAND), {"sft_weight": 0.5}], ids=str)
def test_padding_rows_change_neither_loss_nor_gradient_nor_measures(settings, adapted):
    """In one process; ``tests.training.test_distributed`` has two."""
    trainer = adapted(DPO(**settings))

    def learn(rows):
        trainer.model.zero_grad()
        found = loss(trainer, rows)
        found.backward()
        gradient = torch.cat([each.grad.flatten() for each in trainer.model.parameters() if each.requires_grad])
        return found.item(), gradient, {name: values[-1] for name, values in trainer._metrics["eval"].items()}

    real, padding = list(trainer.train_dataset), DPO.padding_row
    (alone, gradient, measures), (padded, same, also) = learn(real), learn([*real, padding, padding])
    assert padded == pytest.approx(alone, rel=1e-5)
    torch.testing.assert_close(same, gradient, rtol=1e-3, atol=1e-6)
    for name in ("rewards/accuracies", "rewards/margins", "rewards/chosen"):
        assert also[name] == pytest.approx(measures[name], rel=1e-4)
    nothing, none, _ = learn([padding, padding])
    assert nothing == 0 and not none.any()


def test_label_smoothing_is_refused_where_the_loss_has_none():
    assert "sigmoid has no label smoothing" in DPO(label_smoothing=0.1).check().message
    assert DPO(loss_type="robust", label_smoothing=0.2).check() is None
    assert DPO(loss_type="robust").options()["label_smoothing"] == 0.1


def test_only_a_loss_in_nats_is_shown_as_such():
    assert DPO().loss_unit == "nats per pair" and DPO(loss_type="hinge").loss_unit == ""
