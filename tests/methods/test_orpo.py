import pytest
import torch

from finetune.methods.orpo import ORPO


@torch.no_grad()
def test_the_loss_is_that_of_the_paper(build, pairs, scores):
    """Hong et al. 2024, eq. 6 and 7, with odds of the mean log-probability of eq. 2."""
    trainer = build(ORPO(beta=0.3), pairs)
    model, losses, odds = trainer.model.eval(), [], []
    for row in trainer.train_dataset:
        good, bad = (score / count for score, count in (scores(model, row, name) for name in ("chosen", "rejected")))
        ratio = (good.exp() / (1 - good.exp())) / (bad.exp() / (1 - bad.exp()))
        odds.append(ratio.log())
        losses.append(-good - 0.3 * torch.sigmoid(ratio.log()).log())
    found = trainer.evaluate()
    assert found["eval_loss"] == pytest.approx(torch.stack(losses).mean().item(), rel=1e-4)
    measures = ORPO().metrics(found)
    assert measures["log_odds"] == pytest.approx(torch.stack(odds).mean().item(), rel=1e-3)
    assert measures["accuracy"] == pytest.approx((torch.stack(odds) > 0).float().mean().item())


@torch.no_grad()
def test_without_the_odds_ratio_it_is_sft_on_the_chosen_answers(build, pairs, scores):
    trainer = build(ORPO(beta=0), pairs)
    found = [scores(trainer.model.eval(), row, "chosen") for row in trainer.train_dataset]
    mean = sum(-score / count for score, count in found) / len(found)
    assert trainer.evaluate()["eval_loss"] == pytest.approx(mean.item(), rel=1e-5)


def test_the_prompt_carries_no_loss(build, pairs):
    trainer = build(ORPO(), pairs)
    batch = trainer.data_collator(list(trainer.train_dataset))
    row = trainer.train_dataset[0]
    assert batch["completion_mask"].sum(dim=1)[0] == len(row["chosen_ids"])
    assert batch["input_ids"][0].tolist()[: len(row["prompt_ids"])] == row["prompt_ids"]


def test_measures_have_plain_names():
    logs = {"eval_rewards/accuracies": 0.9, "eval_rewards/margins": 0.2, "eval_log_odds_chosen": 1.5, "eval_loss": 1.0}
    assert ORPO().metrics(logs) == {"accuracy": 0.9, "log_odds": 1.5, "likelihood_margin": 0.2}
    assert ORPO().metrics({"loss": 1.0}) == {}


def test_advice_on_pairs():
    assert "ORPO with LoRA" in ORPO.advice("preference", 500)
