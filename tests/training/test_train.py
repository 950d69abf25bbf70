"""The contract of every method with every adapter, and what a run says while it works."""

import json
import math

import pytest

from finetune.adapters import ADAPTERS
from finetune.errors import DivergedError
from finetune.recipe import Recipe
from finetune.runs.checkpoints import digest
from finetune.runs.events import Stepped
from finetune.runs.run import Run
from finetune.training.train import train
from tests.pairs import PAIRS, rows, settings


def write_rows(folder, method="sft"):
    path = folder / f"{method}.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows(method) * 2), encoding="utf-8")
    return path


def recipe(folder, method="sft", adapter="lora", **changes):
    values = {
        "name": f"{method} {adapter}",
        "model": {"id": "tiny"},
        "data": {"path": str(write_rows(folder, method))},
        "method": settings(method),
        "adapter": {"type": adapter},
        "training": {"max_steps": 8, "learning_rate": 5e-3, "batch_size": 4, "length": 200},
        "evaluation": {"times": 2, "max_tokens": 4, "score_rows": 0},
    }
    return Recipe.from_dict(values).changed(**changes)


@pytest.mark.parametrize(("method", "adapter"), PAIRS)
def test_it_learns_and_keeps_what_it_learnt(method, adapter, trained):
    rate = min(0.3, max(5e-3, 5e-4 * ADAPTERS[adapter]().rate_factor))
    # What is sampled, and so learnt in 8 steps, must not depend on the processor.
    precision = "bf16" if method in ("grpo", "rloo") else "auto"
    changes = {"training.learning_rate": rate, "training.precision": precision}
    run = trained(method=method, adapter=adapter, **changes)
    view = run.view()
    assert view.state == "done" and view.step == view.total_steps == 8
    assert [evaluation.step for evaluation in view.evaluations] == [0, 4, 8]
    assert view.best_of(view.evaluations[:1] + view.evaluations[-1:]).step == 8
    assert view.has_model and any(run.model_dir.glob("*.safetensors"))
    assert view.trainable < view.parameters or adapter == "full"
    if method == "dpo" and ADAPTERS[adapter].attaches_to != "prompt":  # virtual tokens are read from the first step on
        assert view.evaluations[0].loss == pytest.approx(math.log(2), abs=1e-3)


def test_the_run_says_what_it_does(trained):
    view = trained().view()
    assert [step.step for step in view.steps] == list(range(1, 9))
    assert all(math.isfinite(step.loss) and step.gauges["memory_bytes"] > 0 for step in view.steps)
    assert view.tokens_per_s > 0 and view.elapsed_s > 0
    assert {choice.what for choice in view.choices} >= {"training.precision", "attention", "training.epochs"}
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
    view = trained(**{"data.fixes": [{"type": "drop", "rows": "2-3"}], "training.max_steps": 1}).view()
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


@pytest.mark.parametrize("in_16_bits", [True, False])
def test_one_rule_says_whether_casts_are_left_to_autocast(trained, monkeypatch, in_16_bits):
    cast = []
    monkeypatch.setattr("finetune.training.trainer.computes_in_16_bits", lambda precision: in_16_bits)
    monkeypatch.setattr("finetune.compat.cast_once", cast.append)
    trained(**{"training.max_steps": 1, "evaluation.times": 0, "training.precision": "fp32"})
    assert bool(cast) == in_16_bits


def test_packing_does_not_change_what_is_learnt_in_an_epoch(trained):
    settings = {"training.max_steps": None, "training.epochs": 1, "training.precision": "fp32"}
    packed, padded = (trained(**settings, **{"training.packing": packing}).view() for packing in (True, False))
    assert packed.trained_tokens == padded.trained_tokens
    assert abs(packed.total_steps - padded.total_steps) <= 1


ONCE = {"training.max_steps": None, "training.epochs": 1, "training.packing": False, "evaluation.times": 0}
EXTREMES = {
    "one row": (1, 1, {"adapter.rank": 512, "adapter.alpha": 1, "training.optimizer": "adamw_8bit"}),
    "two rows": (2, 1, {}),
    "fewer rows than micro-batches": (5, 1, {"training.batch_size": 8, "training.accumulation": 8}),
    "half an epoch": (24, 3, {"training.epochs": 0.5}),
}
"""Rows, the optimizer steps that a person expects of them (4 rows in each, 2 of 24 held out), and settings."""


@pytest.mark.parametrize(("count", "steps", "settings"), EXTREMES.values(), ids=EXTREMES)
def test_few_rows_and_extreme_settings_are_trained_as_asked(count, steps, settings, trained, tmp_path):
    from safetensors.torch import load_file

    (tmp_path / "few.jsonl").write_text("\n".join(map(json.dumps, (rows("sft") * 2)[:count])), encoding="utf-8")
    run = trained(**{**ONCE, "data.path": str(tmp_path / "few.jsonl"), **settings})
    assert (run.view().state, run.view().step) == ("done", steps)
    weights = load_file(run.model_dir / "adapter_model.safetensors")
    assert all(weight.any() for name, weight in weights.items() if "lora_B" in name)
    assert {weight.shape[0] for name, weight in weights.items() if "lora_A" in name} == {
        settings.get("adapter.rank", 16)
    }


def test_activation_checkpointing_over_four_bits_changes_nothing(trained):
    settings = {"adapter": "qlora", "training.max_steps": 2, "evaluation.times": 0}
    runs = [trained(**settings, **{"training.activation_checkpointing": is_on}) for is_on in (False, True)]
    assert [step.loss for step in runs[0].view().steps] == [step.loss for step in runs[1].view().steps]


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


def test_a_loss_that_is_no_number_ends_the_run(with_tiny, tmp_path, monkeypatch):
    from trl import SFTTrainer

    compute_loss = SFTTrainer.compute_loss

    def broken(self, *arguments, **options):
        loss = compute_loss(self, *arguments, **options)
        return loss * math.nan if self.state.global_step >= 2 and self.model.training else loss

    monkeypatch.setattr(SFTTrainer, "compute_loss", broken)
    with pytest.raises(DivergedError, match="since step 3"):
        train(with_tiny.create(recipe(tmp_path, **{"evaluation.times": 1})), with_tiny)


SAME = {"training.precision": "fp32", "adapter.dropout": 0.1, "training.max_steps": 14, "evaluation.times": 1}
"""Settings under which a resumed run must equal one that was never interrupted, dropout included."""

STORIES = {
    "packed": {"adapter": "lora"},
    "padded": {"adapter": "lora", "training.packing": False},
    "full": {"adapter": "full"},
    "dpo": {"method": "dpo", "adapter": "lora"},
    "qlora": {"adapter": "qlora"},
    "accumulated": {"adapter": "lora", "training.accumulation": 2},
    "sampled": {"method": "grpo", "training.accumulation": 2},
    "orpo": {"method": "orpo", "adapter": "lora"},
    "distillation": {"method": "distillation", "adapter": "lora"},
    "noisy": {"adapter": "lora", "method.neftune_noise_alpha": 5, "method.loss_type": "dft"},
}


LONG = ("sampled", "orpo", "distillation", "noisy")
EARLY, TWICE = "in the first epoch", "twice, in later epochs"


@pytest.mark.parametrize(
    ("story", "pauses"),
    [
        *(
            pytest.param(story, (9, 11), id=f"{story}-{TWICE}", marks=[pytest.mark.heavy] if story in LONG else [])
            for story in STORIES
        ),
        pytest.param("packed", (3,), id=f"packed-{EARLY}"),
        *(pytest.param(story, (3,), id=f"{story}-{EARLY}", marks=pytest.mark.heavy) for story in [*STORIES][1:]),
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(story, pauses, trained, with_tiny, tmp_path, pausing):
    settings = {key: value for key, value in SAME.items() if "adapter." not in key or story != "full"}
    settings |= {"training.learning_rate": 2e-3} | STORIES[story]
    whole = trained(**settings)
    run = with_tiny.create(recipe(tmp_path, **settings))
    for step in pauses:
        pausing(run, step)
        assert run.view().state == "paused" and run.view().step in (step, step + 1) and not run.view().has_model
        run.requeue()
    with run.held():
        train(run, with_tiny)
    assert [step.loss for step in run.view().steps] == [step.loss for step in whole.view().steps]
    assert digests(run) == digests(whole)


def digests(run):
    return {path.name: digest(path) for path in run.model_dir.glob("*.safetensors")}


@pytest.fixture
def pausing(with_tiny, monkeypatch):
    """Trains a run until it has taken a step, and pauses it there."""

    def until(run, step):
        with monkeypatch.context() as patch:
            patch.setattr(Run, "emit", asking(run.emit, run, step))
            with run.held():
                train(run, with_tiny)

    return until


def asking(emit, run, step):
    def emit_and_ask(self, event):
        emit(event)
        if isinstance(event, Stepped) and event.step == step:
            self.ask("pause")

    return emit_and_ask


def test_a_damaged_checkpoint_is_passed_over_and_it_is_said(with_tiny, tmp_path, pausing):
    run = with_tiny.create(recipe(tmp_path, **{"training.save_steps": 2}))
    pausing(run, 5)
    newest = run.checkpoints.all()[-1]
    flip_a_bit(newest.path / "optimizer.pt")
    run.requeue()
    with run.held():
        train(run, with_tiny)
    view = run.view()
    assert view.state == "done" and [step.step for step in view.steps] == list(range(1, 9))
    assert f"The checkpoint of step {newest.step}" in " ".join(note.message for note in view.notes)


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_run_without_any_checkpoint_begins_anew_and_says_so(with_tiny, tmp_path, pausing):
    run = with_tiny.create(recipe(tmp_path))
    pausing(run, 3)
    for checkpoint in run.checkpoints.all():
        flip_a_bit(checkpoint.path / "MANIFEST")
        (checkpoint.path / "trainer_state.json").unlink()
    run.requeue()
    with run.held():
        train(run, with_tiny)
    view = run.view()
    assert view.state == "done" and [step.step for step in view.steps] == list(range(1, 9))
    assert any("it restarts from step 0" in note.message for note in view.notes)


def test_the_best_model_is_kept_where_it_gets_worse(trained):
    settings = {"adapter": "full", "training.learning_rate": 0.05, "training.schedule": "constant"}
    settings |= {"training.precision": "bf16"}  # whether it gets worse must not depend on the processor
    settings |= {"training.max_steps": 12, "evaluation.times": 12}
    best, last = trained(**settings), trained(**settings, **{"evaluation.keep": "last"})
    view = best.view()
    assert 0 < view.best.step < 12, "the recipe no longer makes it worse"
    assert [choice.value for choice in view.choices if choice.what == "model_kept"] == [f"step {view.best.step}"]
    assert best.checkpoints.at(view.best.step) and digests(best) != digests(last)


def test_a_run_stops_early_where_it_gets_no_better(trained):
    settings = {"adapter": "full", "training.learning_rate": 0.05, "training.schedule": "constant"}
    settings |= {"training.max_steps": 40, "evaluation.times": 40, "evaluation.patience": 2}
    run = trained(**settings)
    view = run.view()
    assert view.state == "done" and view.step == view.best.step + 2 < 40 and view.has_model
    assert f"Early stopping at step {view.step}" in " ".join(note.message for note in view.notes)


def test_checkpoints_are_few(trained):
    run = trained(**{"training.save_steps": 1})
    best = run.view().best.step
    assert {one.step for one in run.checkpoints.all()} == {7, 8} | {best}


@pytest.fixture
def small_machine(monkeypatch):
    """A machine that holds so many tokens of a batch at once and no more."""
    from trl import DPOTrainer, SFTTrainer

    def limit(tokens):
        for trainer in (SFTTrainer, DPOTrainer):

            def checked(self, model, inputs, *more, step=trainer.training_step, **options):
                if inputs["input_ids"].numel() > tokens:
                    raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
                return step(self, model, inputs, *more, **options)

            monkeypatch.setattr(trainer, "training_step", checked)

    return limit


def test_what_does_not_fit_is_worked_on_in_smaller_parts_with_the_same_result(trained, small_machine):
    settings = {"training.precision": "fp32", "training.packing": False}
    plain = trained(**settings).view()
    small_machine(2 * 90)
    view = trained(**settings).view()
    assert view.state == "done" and [lower.settings["training.accumulation"] for lower in view.fallbacks] == [2]
    assert [step.loss for step in view.steps] == pytest.approx([step.loss for step in plain.steps], abs=1e-4)


def test_the_ladder_has_an_end(trained, small_machine):
    small_machine(10)
    with pytest.raises(MemoryError):
        trained(**{"training.length": 512})


def test_a_lowered_run_that_is_interrupted_stays_lowered(with_tiny, tmp_path, small_machine, pausing):
    small_machine(2 * 90)
    run = with_tiny.create(recipe(tmp_path, **{"training.packing": False}))
    pausing(run, 4)
    run.requeue()
    with run.held():
        train(run, with_tiny)
    view = run.view()
    assert view.state == "done" and len(view.fallbacks) == 1 and [step.step for step in view.steps] == list(range(1, 9))
