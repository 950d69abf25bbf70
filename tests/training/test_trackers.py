import inspect
import typing

import pytest
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from finetune.recipe import TrainingSettings
from finetune.training import trackers
from finetune.training.trackers import TRACKERS, arguments, key_of, missing, versions


def test_each_tracker_of_a_recipe_is_one_of_transformers():
    asked = typing.get_args(typing.get_args(TrainingSettings.model_fields["report_to"].annotation)[0])
    assert set(asked) == set(TRACKERS) <= set(INTEGRATION_TO_CALLBACK)
    assert [name for name, each in TRACKERS.items() if each.name != name] == []
    own = [inspect.getsource(type(each).begin) for each in TRACKERS.values()]
    assert all(INTEGRATION_TO_CALLBACK[name].__name__ in text for name, text in zip(TRACKERS, own))


def test_a_tracker_that_is_not_installed_is_a_problem_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr(trackers, "find_spec", lambda name: None if name == "trackio" else object())
    (problem,) = missing(["tensorboard", "trackio", "trackio"])
    said = str(problem)
    assert problem.where == "training.report_to"
    assert "trackio is not installed here" in said and "pip install trackio" in said and "leave report_to empty" in said


def test_a_trainer_reports_to_nothing_unless_asked_and_never_publishes():
    from trl import SFTConfig

    assert arguments((), "pirate") == {"report_to": "none"}
    given = SFTConfig("out", bf16=False, use_cpu=True, **arguments(("tensorboard",), "pirate"))
    assert (given.report_to, given.run_name, given.trackio_static_space_id) == (["tensorboard"], "pirate", False)


def test_versions_are_those_of_what_is_installed():
    pytest.importorskip("tensorboard")
    import tensorboard

    assert versions(["tensorboard"]) == {"tensorboard": tensorboard.__version__}


def test_a_run_keeps_its_key_and_no_other_has_it(write_run):
    first, second = write_run(state="paused"), write_run()
    before = key_of(first)
    first.requeue()
    assert key_of(first) == before != key_of(second)
