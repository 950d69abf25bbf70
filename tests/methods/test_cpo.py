import pytest
import torch
from torch.nn.functional import logsigmoid, relu

from finetune.methods.cpo import CPO

B = 0.3
BY_HAND = {
    "sigmoid": lambda w, r, n, m: -logsigmoid(B * (w - r)),
    "hinge": lambda w, r, n, m: relu(1 - B * (w - r)),
    "ipo": lambda w, r, n, m: (w / n - r / m - 1 / (2 * B)) ** 2,
}
"""The preference term, from the log-probabilities of both answers (w better, r worse) and their lengths."""


@pytest.mark.parametrize("loss_type", BY_HAND)
@torch.no_grad()
def test_the_loss_is_that_of_the_paper(loss_type, build, pairs, scores):
    """Xu et al. 2024: the preference term, and the cross-entropy on the chosen answers, here per token."""
    trainer = build(CPO(beta=B, loss_type=loss_type, sft_weight=0.7), pairs)
    model, losses, margins = trainer.model.eval(), [], []
    for row in trainer.train_dataset:
        (good, n), (bad, m) = scores(model, row, "chosen"), scores(model, row, "rejected")
        losses.append(BY_HAND[loss_type](good, bad, n, m) - 0.7 * good / n)
        margins.append(B * (good / n - bad / m if loss_type == "ipo" else good - bad))
    found = trainer.evaluate()
    assert found["eval_loss"] == pytest.approx(torch.stack(losses).mean().item(), rel=1e-4)
    measures = CPO().metrics(found)
    assert measures["likelihood_margin"] == pytest.approx(torch.stack(margins).mean().item(), rel=1e-3, abs=1e-3)
    assert measures["accuracy"] == pytest.approx((torch.stack(margins) > 0).float().mean().item())


@torch.no_grad()
def test_label_smoothing_takes_a_share_of_the_pairs_to_be_the_wrong_way_round(build, pairs, scores):
    trainer = build(CPO(beta=B, label_smoothing=0.2, sft_weight=0), pairs)
    model, losses = trainer.model.eval(), []
    for row in trainer.train_dataset:
        margin = B * (scores(model, row, "chosen")[0] - scores(model, row, "rejected")[0])
        losses.append(-0.8 * logsigmoid(margin) - 0.2 * logsigmoid(-margin))
    assert trainer.evaluate()["eval_loss"] == pytest.approx(torch.stack(losses).mean().item(), rel=1e-4)


def test_label_smoothing_is_refused_where_the_loss_has_none():
    assert "hinge has no label smoothing" in CPO(loss_type="hinge", label_smoothing=0.1).check().message
    assert CPO(label_smoothing=0.1).check() is None and CPO(loss_type="ipo").check() is None


def test_advice_on_pairs():
    assert "CPO with LoRA" in CPO.advice("preference", 500)
