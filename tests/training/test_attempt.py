from finetune.machine import hardware
from finetune.machine.hardware import Choice
from finetune.models.scorer import Scorer
from finetune.runs.checkpoints import Checkpoints
from finetune.training.attempt import Attempt, arguments, report
from finetune.training.prepare import prepare
from tests.training.test_train import recipe


def attempt(workspace, folder, **settings):
    """An attempt at a recipe of the tests, prepared and without a model."""
    chosen = recipe(folder, **settings)
    found = Attempt(chosen, workspace, hardware.machine(), Checkpoints(folder))
    found.prepared = prepare(chosen, workspace)
    return found


def test_a_trainer_is_given_the_settings_of_the_recipe(with_tiny, tmp_path):
    settings = {"training.learning_rate": 0.02, "training.accumulation": 2, "training.schedule": "constant"}
    found = attempt(with_tiny, tmp_path, **settings)
    given = arguments(found.recipe, found.prepared.defaults, found.machine, "fp32")
    assert given["learning_rate"] == 0.02 and given["gradient_accumulation_steps"] == 2
    assert given["per_device_train_batch_size"] == 2  # of four rows, in two micro-batches
    assert given["lr_scheduler_type"] == "constant_with_warmup" and not given["bf16"]


def test_before_its_rows_are_there_nothing_can_be_changed(with_tiny, tmp_path):
    found = attempt(with_tiny, tmp_path)
    assert found.fallback() is not None
    found.prepared = None
    assert found.fallback() is None


def test_choices_are_reported_as_events(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path))
    report(run, [("attention", Choice("eager", "for a reason"))])
    assert [(each.what, each.value, each.reason) for each in run.view().choices] == [
        ("attention", "eager", "for a reason")
    ]


def test_the_head_of_a_scorer_is_trained_and_saved_with_its_adapter(trained, with_tiny):
    run = trained(method="reward", **{"training.max_steps": 2, "evaluation.times": 0})
    heads = [name for name, _ in Scorer.load(run, with_tiny).model.named_parameters() if "score" in name]
    assert any("modules_to_save" in name for name in heads)


def test_a_scorer_is_trained_over_a_quantized_base_in_fp32_too(trained):
    settings = {"training.precision": "fp32", "training.max_steps": 1, "evaluation.times": 1}
    assert trained(method="reward", adapter="qlora", **settings).view().state == "done"
