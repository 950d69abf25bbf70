"""GRPO against its paper: advantages within groups, and the loss of a batch, from logits of a plain model."""

import os

import pytest

from finetune.methods.grpo import GRPO
from finetune.methods.method import Material
from tests.inference.test_endpoint import serving

REWARDS = [[1.0, 0.0, 0.0, 1.0], [0.5, 0.5, 0.5, 0.5]]
ASKED = [{"role": "user", "content": "What of the sea?"}]


@pytest.fixture(scope="module")
def built(tiny_model, tmp_path_factory):
    """Builds the trainer of a method on the tiny model, with rewards in place of those of its recipe."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    folder = str(tmp_path_factory.mktemp("grpo"))

    def build(method, rewards=REWARDS):
        os.environ["ACCELERATE_MIXED_PRECISION"] = "no"  # a run before may have left another one
        arguments = {"output_dir": folder, "per_device_train_batch_size": 2, "use_cpu": True, "bf16": False}
        arguments |= {"report_to": "none", "activation_checkpointing": False}
        example = {"prompt": ASKED, "answer": "5"}
        rows = [method.columns(example, method.sequences(example, tokenizer, 100))] * 2
        material = Material(
            model=AutoModelForCausalLM.from_pretrained(tiny_model, dtype="float32"),
            tokenizer=tokenizer,
            train=rows,
            held_out=[],
            arguments=arguments,
            durable=lambda cls: type("Plain", (cls,), {"_get_train_sampler": lambda self, rows=None: range(2)}),
            end_ids=(tokenizer.eos_token_id,),
        )
        trainer = method.trainer(material)
        trainer.reward_funcs = [lambda prompts, **_: [reward for group in rewards for reward in group]]
        return trainer, rows

    return build


def scored(trainer, rows):
    """The batch that the trainer samples for ``rows``, four answers each, as its loss takes it."""
    trainer.model.train()
    return trainer._generate_and_score_completions([row for row in rows for _ in range(4)])


def test_an_advantage_is_the_reward_against_its_group_alone(built):
    batch = scored(*built(GRPO(generations=4, max_tokens=4)))
    spread = (1 / 3) ** 0.5  # of 1, 0, 0, 1 around their mean, with Bessel's correction
    high = 0.5 / (spread + 1e-4)
    assert batch["advantages"].tolist() == pytest.approx([high, -high, -high, high, 0, 0, 0, 0], abs=1e-5)
    unscaled = scored(*built(GRPO(generations=4, max_tokens=4, scale_rewards="none")))
    assert unscaled["advantages"].tolist() == pytest.approx([0.5, -0.5, -0.5, 0.5, 0, 0, 0, 0], abs=1e-6)


@pytest.mark.parametrize("loss", ["grpo", "dapo"])
def test_the_loss_is_that_of_the_paper(built, loss):
    import torch

    trainer, rows = built(GRPO(generations=4, max_tokens=6, loss=loss, epsilon=0.2))
    batch = scored(trainer, rows)
    generator = torch.Generator().manual_seed(1)
    plain = plain_log_probs(trainer.model, batch)
    # As if the answers were from an older model, so that some ratios are clipped.
    batch["old_per_token_logps"] = plain.detach() + 0.3 * torch.randn(plain.shape, generator=generator)
    mask, advantages = batch["completion_mask"].float(), batch["advantages"].unsqueeze(1)
    ratio = (plain - batch["old_per_token_logps"]).exp()
    each = -torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages) * mask  # eq. 3 without KL
    by_hand = (each.sum(1) / mask.sum(1)).mean() if loss == "grpo" else each.sum() / mask.sum()
    weight = trainer.model.model.layers[0].mlp.up_proj.weight
    (expected,) = torch.autograd.grad(by_hand, weight)
    trainer.current_gradient_accumulation_steps = 1
    found = trainer.compute_loss(trainer.model, batch)
    (gradient,) = torch.autograd.grad(found, weight)
    assert found.item() == pytest.approx(by_hand.item(), abs=1e-6) and abs(by_hand.item()) > 1e-3
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-7)


def plain_log_probs(model, batch):
    """Log-probabilities (B, T) of the answers' tokens, from the model's own logits."""
    import torch

    del model.__dict__["forward"]  # TRL's chunked head
    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
    attended = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
    answer = batch["completion_ids"]
    logits = model(input_ids=ids, attention_mask=attended).logits[:, -answer.shape[1] - 1 : -1]
    found = logits.log_softmax(-1).gather(-1, answer.unsqueeze(-1)).squeeze(-1)
    from trl.trainer.utils import add_fused_lm_head

    add_fused_lm_head(model, outputs=("log_probs", "entropy"))
    return found


def test_answers_to_held_out_prompts_are_greedy(built, tiny_model):
    import torch
    from transformers import AutoModelForCausalLM

    trainer, rows = built(GRPO(generations=4, max_tokens=8), rewards=[[1.0]])
    trainer.model.eval()
    batch = trainer._generate_and_score_completions(rows[:1])
    plain = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()
    prompt = torch.tensor([rows[0]["prompt_ids"]])
    expected = plain.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=8, do_sample=False)
    found = batch["completion_ids"][0].tolist()
    assert found == expected[0, prompt.shape[1] :].tolist()[: len(found)]


def test_a_judge_behind_an_endpoint_teaches_too(trained):
    """RLAIF: the judge likes long answers, and the answers get longer."""
    with serving(lambda prompt, count: str(min(10, len(judged(prompt))))) as (address, asked):
        reward = {"type": "judge", "model": "big", "endpoint": address, "criteria": "Long is good."}
        run = trained(method="grpo", **{"method.rewards": [reward]})
    first, *_, last = (each.metrics["reward"] for each in run.view().evaluations)
    assert last > first and len(run.judgements.read_text(encoding="utf-8").splitlines()) == len(asked)


def judged(prompt):
    """The answer in the prompt of a judge."""
    return prompt.partition("Answer:\n")[2].partition("\n\nRate")[0]


@pytest.mark.heavy
def test_the_starter_gets_more_sums_right(tmp_path):
    """Held-out sums: 38 % before, and 20 points more at the least."""
    from finetune.paths import ASSETS
    from finetune.recipe import Recipe
    from finetune.runs.workspace import Workspace
    from finetune.training.train import train

    sums = {"path": str(ASSETS / "samples" / "sums.jsonl")}
    recipe = {"data": sums, "method": {"type": "grpo", "max_tokens": 20}, "training": {"max_steps": 14}}
    recipe |= {"evaluation": {"times": 1, "max_tokens": 8}}
    workspace = Workspace(tmp_path)
    run = workspace.create(Recipe.from_dict(recipe))
    with run.held():
        train(run, workspace)
    first, last = (each.metrics["reward"] for each in run.view().evaluations)
    assert first < 0.5 and last >= first + 0.2
