"""The harness is an extra: what it computes is tested where it is installed (``pip install lm_eval==0.4.13``)."""

import json
from importlib.util import find_spec

import pytest

from finetune.errors import FinetuneError, ModelError
from finetune.evaluation.benchmarks import PIN, benchmark, compared, require_harness, values_in

with_harness = pytest.mark.skipif(find_spec("lm_eval") is None, reason=f"needs the extra {PIN}")

TASK = """
task: animals
dataset_path: json
dataset_kwargs:
  data_files: {{test: {rows}}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
metric_list:
  - metric: acc
metadata: {{version: 1.0}}
"""


@pytest.fixture
def tasks(tmp_path):
    """A folder with one task whose data is a file."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    animals = [("cow", 0), ("dog", 1), ("cat", 2), ("pig", 0), ("hen", 1), ("owl", 2)]
    rows = [{"question": f"What of the {a}?", "choices": ["one", "two", "three"], "answer": n} for a, n in animals]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "animals.yaml").write_text(TASK.format(rows=folder / "rows.jsonl"))
    return folder


def test_without_the_harness_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("finetune.evaluation.benchmarks.find_spec", lambda name: None)
    with pytest.raises(FinetuneError, match="not installed") as error:
        require_harness()
    assert error.value.hint == f"Install it: pip install {PIN}"


def test_values_are_those_of_documents_in_their_order():
    samples = {
        "t": [
            {"doc_id": 1, "metrics": ["acc", "bleu"], "acc": 0, "bleu": ("a", "b")},
            {"doc_id": 0, "metrics": ["acc", "bleu"], "acc": 1.0, "bleu": ("a", "b")},
        ],
        "none": [],
    }
    assert values_in(samples) == {("t", "acc"): [1.0, 0.0]}


def test_tasks_are_compared_in_pairs_and_their_p_values_together():
    base = {("t", "acc"): [0.0] * 12, ("u", "acc"): [0.0, 1.0] * 6, ("gone", "acc"): [1.0]}
    tuned = {("t", "acc"): [1.0] * 12, ("u", "acc"): [1.0, 0.0] * 6}
    found = compared("001-run", ["t", "u", "gone"], base, tuned)
    assert [(each.task, each.score.outcome) for each in found.results] == [("t", "better"), ("u", "unclear")]
    first = found.results[0].score
    assert (first.base.value, first.tuned.value, first.rows) == (0.0, 1.0, 12)
    assert first.p == pytest.approx(2 / 2**12) and first.p_adjusted == pytest.approx(2 * first.p)
    assert found.left_out == ("gone",)
    less = compared("001-run", ["t"], base, tuned, lower=[("t", "acc")])
    assert less.results[0].score.outcome == "worse"


@with_harness
def test_both_models_get_what_plain_libraries_give_them(trained, with_tiny, tasks, tiny_model):
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    run = trained(**{"training.max_steps": 8, "training.learning_rate": 0.05, "evaluation.times": 0})
    found = benchmark(run, with_tiny, folder=tasks)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)

    def plainly(model):
        manager = TaskManager(include_path=str(tasks), include_defaults=False)
        harness = HFLM(pretrained=model.eval(), tokenizer=tokenizer)
        given = simple_evaluate(model=harness, tasks=["animals"], task_manager=manager, bootstrap_iters=0)
        return given["results"]["animals"]["acc,none"]

    base = plainly(AutoModelForCausalLM.from_pretrained(tiny_model))
    tuned = plainly(PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model), run.model_dir))
    (animals,) = found.results
    assert (animals.task, animals.score.metric, animals.score.rows) == ("animals", "acc", 6)
    assert (animals.score.base.value, animals.score.tuned.value) == (base, tuned)


@with_harness
def test_what_is_not_there_is_said(trained, with_tiny, tasks, tmp_path):
    run = trained(**{"training.max_steps": 1, "evaluation.times": 0})
    for given, words in (
        ({"tasks": ["no_such_task"]}, "has no task no_such_task"),
        ({"folder": tmp_path / "gone"}, "no folder"),
        ({}, "No task was named"),
    ):
        with pytest.raises(FinetuneError, match=words):
            benchmark(run, with_tiny, **given)
    (tasks / "rows.jsonl").unlink()
    with pytest.raises(ModelError, match="cannot run these tasks"):
        benchmark(run, with_tiny, folder=tasks)
