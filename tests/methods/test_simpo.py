import pytest
import torch
from torch.nn.functional import logsigmoid

from finetune.methods.simpo import SimPO


@pytest.mark.parametrize("weight", [0, 0.5])
@torch.no_grad()
def test_the_loss_is_that_of_the_paper(weight, build, pairs, scores):
    """Meng et al. 2024, eq. 6, with or without a cross-entropy on the chosen answers."""
    trainer = build(SimPO(beta=2.5, gamma=1.2, sft_weight=weight), pairs)
    model, losses, margins = trainer.model.eval(), [], []
    for row in trainer.train_dataset:
        good, bad = (score / count for score, count in (scores(model, row, name) for name in ("chosen", "rejected")))
        margins.append(2.5 * good - 2.5 * bad)
        losses.append(-logsigmoid(margins[-1] - 1.2) - weight * good)
    found = trainer.evaluate()
    assert found["eval_loss"] == pytest.approx(torch.stack(losses).mean().item(), rel=1e-4)
    measures = SimPO().metrics(found)
    assert measures["likelihood_margin"] == pytest.approx(torch.stack(margins).mean().item(), rel=1e-3)
    assert measures["accuracy"] == pytest.approx((torch.stack(margins) > 0).float().mean().item())


def test_advice_on_pairs():
    assert "SimPO with LoRA" in SimPO.advice("preference", 500)
