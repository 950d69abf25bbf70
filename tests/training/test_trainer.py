import json
import math

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from finetune import compat
from finetune.errors import DivergedError
from finetune.training.trainer import (
    EpochOrder,
    checkpoint_bytes,
    random_state,
    require_finite,
    scores_trained_tokens_only,
    set_random_state,
)


def test_the_order_follows_from_the_seed_and_the_epoch_alone():
    order = EpochOrder(50, seed=7)
    first = list(order)
    torch.rand(3)  # what happens to the global generator does not matter
    assert list(order) == first and sorted(first) == list(range(50)) and len(order) == 50
    order.epoch = 1
    assert list(order) != first and list(EpochOrder(50, seed=8)) != first


@pytest.mark.parametrize("lengths", [None, list(range(1, 11))])
def test_the_position_after_the_last_row_fills_up(lengths):
    order = EpochOrder(10, 7, lengths, batch=4, at_once=4)
    assert list(order)[10:] == [10, 10] and sorted(order)[:10] == list(range(10)) and len(order) == 12
    assert list(EpochOrder(12, 7, at_once=4)) == list(EpochOrder(12, 7))


def test_rows_of_like_length_go_together():
    lengths = [n % 40 + 1 for n in range(400)]
    found = list(EpochOrder(400, 7, lengths, batch=8))
    assert sorted(found) == list(range(400))
    spread = [max(batch) - min(batch) for batch in ([lengths[i] for i in found[n : n + 8]] for n in range(0, 400, 8))]
    assert sum(spread) / len(spread) < 6


def test_a_weight_that_is_no_number_is_never_saved():
    model = nn.Linear(4, 4)
    require_finite(model, 3)
    with torch.no_grad():
        model.weight[1, 2] = float("nan")
    with pytest.raises(DivergedError, match="at step 3 weights of weight are no longer numbers"):
        require_finite(model, 3)
    model.weight.requires_grad_(False)
    require_finite(model, 3)


def test_a_checkpoint_holds_what_is_trained_and_two_moments():
    model = nn.Linear(10, 10)
    assert checkpoint_bytes(model) == 110 * 12
    model.weight.requires_grad_(False)
    assert checkpoint_bytes(model) == 110 * 4 + 10 * 8, "a whole model is saved with what is frozen in it"
    model.peft_config = {}
    assert checkpoint_bytes(model) == 10 * 12, "of an adapter only what is trained"


def test_chances_can_be_drawn_again():
    states = random_state()
    drawn = torch.rand(5)
    set_random_state(states)
    assert torch.equal(torch.rand(5), drawn)


def test_the_loss_of_trained_tokens_alone_is_computed_on_a_cpu_and_beside_triton(monkeypatch):
    monkeypatch.setattr(compat, "has_triton", lambda device: device.type == "cuda")
    scored = {name: scores_trained_tokens_only(torch.device(name)) for name in ("cpu", "cuda", "mps")}
    assert scored == {"cpu": True, "cuda": True, "mps": False}


def rates(schedule: str, steps: int, warmup: int) -> list[float]:
    """The share of the learning rate at each step, by the textbook."""
    rising = [(step + 1) / (warmup + 1) for step in range(warmup)]
    shares = [(step - warmup) / max(1, steps - warmup) for step in range(warmup, steps)]
    fall = {
        "constant": lambda share: 1.0,
        "linear": lambda share: 1 - share,
        "cosine": lambda share: (1 + math.cos(math.pi * share)) / 2,
    }[schedule]
    return [*rising, *map(fall, shares)][:steps]


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.1), (1, 0.0), (2, 0.9), (5, 0.1), (12, 0.3)])
def test_no_step_has_rate_0_and_the_warmup_rises_in_equal_parts(schedule, steps, warmup, trained):
    settings = {"training.schedule": schedule, "training.max_steps": steps, "training.warmup": warmup}
    run = trained(**settings, **{"evaluation.times": 0})
    expected = rates(schedule, steps, math.ceil(steps * warmup))
    assert [step.learning_rate / 5e-3 for step in run.view().steps] == pytest.approx(expected)
    assert min(expected) > 0


def test_a_run_of_one_step_has_learnt(trained):
    run = trained(**{"training.max_steps": None, "training.epochs": 1, "training.batch_size": 64})
    assert run.view().total_steps == 1
    trained_weights = load_file(run.model_dir / "adapter_model.safetensors")
    assert any(weight.any() for name, weight in trained_weights.items() if "lora_B" in name)


@pytest.mark.parametrize("name", ["llama4_text", "phimoe", "granitemoe", "llama"])
def test_the_chunked_loss_of_a_model_is_its_own(name):
    """Against the model's own forward pass, without its router's share."""
    from trl.trainer.utils import add_fused_lm_head

    from finetune.training.trainer import suit_chunked_loss
    from tests import zoo

    model = zoo.model(name)
    ids = torch.arange(20, 44)[None]
    with torch.no_grad():
        plain = model(input_ids=ids, labels=ids).loss
        suit_chunked_loss(model)
        add_fused_lm_head(model)
        own = model(input_ids=ids, labels=ids, fused_lm_head=True).loss
    assert own.item() == pytest.approx(plain.item(), abs=1e-3)
    assert "num_experts" not in model.config.to_dict() or name != "phimoe"


@pytest.mark.parametrize("name", ["doge", "flint", "deepseek_v4"])
def test_a_family_with_routers_is_asked_for_their_balance_only_where_it_has_them(name):
    """Doge and Flint here are dense; DeepSeek V4 calls its experts by another name."""
    from trl.trainer.utils import add_fused_lm_head

    from finetune.training.trainer import suit_chunked_loss
    from tests import zoo

    model = zoo.model(name)
    ids = torch.arange(20, 44)[None]
    suit_chunked_loss(model)
    add_fused_lm_head(model)
    asked = model.config.router_aux_loss_coef != 0.0
    model.config.output_router_logits = asked
    found = model(input_ids=ids, labels=ids, fused_lm_head=True)
    assert torch.isfinite(found.loss) and (found.aux_loss is not None) == asked == (name == "deepseek_v4")


def test_the_held_out_loss_is_of_the_rows_alone(workspace, tmp_path):
    """A mixture of experts is trained for the balance of its routers, here a hundred times its loss."""
    from finetune.training.train import train
    from tests import zoo
    from tests.training.test_train import recipe

    zoo.write("qwen2_moe", workspace.models_dir / "moe")
    losses = {}
    for share in (0.001, 100.0):
        config = workspace.models_dir / "moe" / "config.json"
        values = json.loads(config.read_text(encoding="utf-8")) | {"router_aux_loss_coef": share}
        config.write_text(json.dumps(values), encoding="utf-8")
        settings = {"model.id": "moe", "training.max_steps": 1, "training.precision": "fp32", "evaluation.times": 1}
        run = workspace.create(recipe(tmp_path, **settings))
        with run.held():
            train(run, workspace)
        view = run.view()
        losses[share] = view.evaluations[0].loss, view.steps[0].loss
    assert losses[0.001][0] == pytest.approx(losses[100.0][0], rel=1e-4)
    assert losses[100.0][1] > losses[0.001][1] + 50
