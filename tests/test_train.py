"""The contract of every method with every adapter, and what a run says while it works."""

import json
import math

import pytest

from finetune.adapters import ADAPTERS
from finetune.errors import DataError, DivergedError, RecipeError
from finetune.methods import METHODS
from finetune.recipe import Recipe
from finetune.train import train

WORDS = ["sea", "sky", "sun", "moon", "tree", "fish", "bird", "stone", "rain", "wind", "fire", "snow"]


def rows(method):
    if method == "dpo":
        return [
            {"prompt": f"What of the {w}?", "chosen": f"Arr, the {w}!", "rejected": f"It is the {w}, I think."}
            for w in WORDS
        ]
    return [
        {
            "messages": [
                {"role": "user", "content": f"What of the {w}?"},
                {"role": "assistant", "content": f"Arr, the {w}!"},
            ]
        }
        for w in WORDS
    ]


def write_rows(folder, method="sft"):
    path = folder / f"{method}.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows(method) * 2), encoding="utf-8")
    return path


def recipe(folder, method="sft", adapter="lora", **settings):
    values = {
        "name": f"{method} {adapter}",
        "model": {"id": "tiny"},
        "data": {"path": str(write_rows(folder, method))},
        "method": {"type": method},
        "adapter": {"type": adapter},
        "training": {"max_steps": 8, "learning_rate": 5e-3, "batch_size": 4, "length": 200},
        "evaluation": {"times": 2, "max_tokens": 4},
    }
    return Recipe.from_dict(values).changed(**settings)


@pytest.fixture
def trained(with_tiny, tmp_path):
    def run_it(**options):
        run = with_tiny.create(recipe(tmp_path, **options))
        with run.held():
            train(run, with_tiny)
        return run

    return run_it


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("method", METHODS)
def test_it_learns_and_keeps_what_it_learnt(method, adapter, trained):
    run = trained(method=method, adapter=adapter)
    view = run.view()
    assert view.state == "done" and view.step == view.total_steps == 8
    assert [evaluation.step for evaluation in view.evaluations] == [0, 4, 8]
    assert view.evaluations[-1].loss < view.evaluations[0].loss
    assert view.has_model and any(run.model_dir.glob("*.safetensors"))
    assert view.trainable < view.parameters or adapter == "full"


def test_the_run_says_what_it_does(trained):
    view = trained().view()
    assert [step.step for step in view.steps] == list(range(1, 9))
    assert all(math.isfinite(step.loss) and step.memory_bytes > 0 for step in view.steps)
    assert view.tokens_per_s > 0 and view.elapsed_s > 0
    assert {choice.what for choice in view.choices} >= {"precision", "attention", "epochs"}
    assert [sample.step for sample in view.samples] == [0, 4, 8]
    assert all(sample.answers for sample in view.samples)
    assert view.samples[0].answers[0].base == view.samples[-1].answers[0].base


def test_general_rows_are_learnt_from_too_and_it_is_said(trained, tmp_path):
    general = [{"prompt": f"What is {n}?", "completion": f"It is {n}."} for n in range(30)]
    (tmp_path / "general.jsonl").write_text("\n".join(map(json.dumps, general)), encoding="utf-8")
    settings = {"data.replay": str(tmp_path / "general.jsonl"), "data.replay_share": 0.5, "training.max_steps": 2}
    alone = trained(**{"training.max_steps": 2}).view()
    view = trained(**settings).view()
    assert view.train_rows == 2 * alone.train_rows and view.held_out_rows == alone.held_out_rows
    told = f"{alone.train_rows} rows of general.jsonl are mixed in."
    assert told in [note.message for note in view.notes] and told not in [note.message for note in alone.notes]


def test_rows_that_are_left_out_are_said_with_the_reason_of_the_first(trained):
    view = trained(**{"data.mends": [{"type": "drop", "rows": "2-3"}], "training.max_steps": 1}).view()
    told = "Rows left out: 2. The first is row 2 (line 2): You left it out."
    assert (told, "warning") in [(note.message, note.level) for note in view.notes]


def test_dpo_reports_margin_and_accuracy(trained):
    evaluations = trained(method="dpo").view().evaluations
    assert evaluations[0].metrics["accuracy"] == 0.5
    assert evaluations[-1].metrics["margin"] > 0


def test_equal_recipes_give_equal_losses(trained):
    settings = {"training.precision": "fp32", "adapter.dropout": 0.1}
    first, second = (trained(**settings).view() for _ in range(2))
    assert [step.loss for step in first.steps] == [step.loss for step in second.steps]


def test_packing_does_not_change_what_is_learnt_in_an_epoch(trained):
    settings = {"training.max_steps": None, "training.epochs": 1, "training.precision": "fp32"}
    packed, padded = (trained(**settings, **{"training.packing": packing}).view() for packing in (True, False))
    assert packed.trained_tokens == padded.trained_tokens
    assert abs(packed.total_steps - padded.total_steps) <= 1


def test_a_stop_keeps_the_model_so_far(with_tiny, tmp_path, monkeypatch):
    run = with_tiny.create(recipe(tmp_path, **{"training.max_steps": 1000}))
    emit = type(run).emit

    def cancel_at_three(self, event):
        emit(self, event)
        if getattr(event, "step", 0) == 3:
            self.cancel()

    monkeypatch.setattr(type(run), "emit", cancel_at_three)
    with run.held():
        train(run, with_tiny)
    view = run.view()
    assert view.state == "stopped" and 3 <= view.step <= 4 and view.has_model


def test_data_that_the_method_cannot_learn_from_is_refused(with_tiny, tmp_path):
    values = recipe(tmp_path).to_dict() | {"data": {"path": str(write_rows(tmp_path, "dpo"))}}
    with pytest.raises(RecipeError, match="SFT cannot learn"):
        train(with_tiny.create(Recipe.from_dict(values)), with_tiny)


def test_a_length_that_leaves_nothing_to_learn_is_refused(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path, **{"training.length": 16}))
    with pytest.raises(DataError, match="nothing left to learn|anything left to learn"):
        train(run, with_tiny)


def test_a_loss_that_is_no_number_ends_the_run(with_tiny, tmp_path, monkeypatch):
    from trl import SFTTrainer

    compute_loss = SFTTrainer.compute_loss

    def broken(self, *arguments, **options):
        loss = compute_loss(self, *arguments, **options)
        return loss * math.nan if self.state.global_step >= 2 and self.model.training else loss

    monkeypatch.setattr(SFTTrainer, "compute_loss", broken)
    with pytest.raises(DivergedError, match="since step 3"):
        train(with_tiny.create(recipe(tmp_path)), with_tiny)
