"""Parity: what was written answers as the run does, and a fault that is planted in it is found."""

import json
import shutil

import pytest

from finetune.exports import TARGETS
from finetune.exports.parity import Compared, Difference, Parity, _Answer, _compared, asked, check
from finetune.runs.workspace import Workspace
from finetune.training.train import train
from tests.training.test_train import recipe

ADAPTERS = ("lora", "qlora", "full", "prefix")
EXACT = {"training.precision": "fp32", "training.max_steps": 4, "evaluation.times": 1, "training.learning_rate": 0.01}


@pytest.fixture(scope="module")
def home(tiny_model, tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("parity") / "workspace")
    (workspace.models_dir / "tiny").symlink_to(tiny_model)
    return workspace


@pytest.fixture(scope="module")
def trained(home, tmp_path_factory):
    """A finished run with the adapter that is named, trained once."""
    done = {}

    def make(adapter):
        if adapter not in done:
            folder = tmp_path_factory.mktemp(adapter)
            run = home.create(recipe(folder, adapter=adapter, **EXACT))
            with run.held():
                train(run, home)
            done[adapter] = run
        return done[adapter]

    return make


def written(name, run, home, to):
    target = TARGETS[name]
    return target, target.write(run, home, to).path


def compared(target, run, home, path):
    return check(target, run, home, path, target.options())


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.usefixtures("one_4bit_kernel")
def test_an_adapter_answers_as_its_run_does(home, trained, tmp_path, adapter):
    run = trained(adapter)
    target, path = written("adapter", run, home, tmp_path)
    found = compared(target, run, home, path)
    assert found.passes and found.same == 5 and sum(each.tokens for each in found.compared) > 5
    assert found.sentences()[0] == "Parity check: passed."


@pytest.mark.parametrize("adapter", ["lora", "qlora", "full"])
def test_a_merged_model_answers_as_its_run_does(home, trained, tmp_path, adapter):
    run = trained(adapter)
    target, path = written("merged", run, home, tmp_path)
    found = compared(target, run, home, path)
    assert found.passes and all(each.is_same_prompt for each in found.compared), found.sentences()


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def another_template(folder):
    (folder / "chat_template.jinja").write_text("{{ messages[-1]['content'] }}!")


def no_end(folder):
    change(folder / "generation_config.json", eos_token_id=[])
    change(folder / "tokenizer_config.json", eos_token=None)


def other_weights(folder):
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    tensors = load_file(file)
    name = next(name for name in tensors if name.endswith("layers.0.mlp.down_proj.weight"))
    save_file(tensors | {name: -3 * tensors[name]}, file, {"format": "pt"})


def test_what_was_planted_in_a_merged_model_is_found(home, trained, tmp_path):
    run = trained("full")
    target, path = written("merged", run, home, tmp_path)
    assert compared(target, run, home, path).same == 5
    for plant, words in (
        (another_template, "writes this question differently"),
        (other_weights, "the run continues with"),
    ):
        folder = tmp_path / plant.__name__
        shutil.copytree(path, folder)
        plant(folder)
        found = compared(target, run, home, folder)
        assert not found.passes and any(words in each for each in found.sentences()), plant


def test_the_base_in_place_of_the_tuned_model_is_found(home, trained, tmp_path, tiny_model):
    run = trained("full")
    found = compared(TARGETS["merged"], run, home, tiny_model)
    assert not found.passes and found.sentences()[0] == "Parity check: failed."


def test_an_answer_that_continues_where_the_run_ends_is_found():
    class Endless:
        opened_with = "a stub"

        def prompt(self, messages):
            return [1]

        def answer(self, prompt, most):
            return [5, 2, 7][len(prompt) - 1 :][:most]

        def text(self, ids):
            return " ".join(map(str, ids))

    ranked = [{5: 0.9, 7: 0.1}, {2: 0.9, 7: 0.1}]
    ended = _Answer([{"role": "user", "content": "?"}], [1], [5, 2], ranked, has_ended=True)
    (found,) = _compared(ended, Endless()).differences
    assert (found.run, found.written, found.ratio) == ("(the end)", "7", float("inf"))
    assert not _compared(_Answer(ended.messages, [1], [5, 2], ranked), Endless()).differences


def test_only_a_choice_that_was_nearly_undecided_passes():
    def parity(share):
        difference = Difference(after="a", run="b", written="c", run_share=0.4, written_share=share)
        one = Compared(question="?", answer="a b", tokens=2, is_same_prompt=True, differences=(difference,))
        return Parity(opened_with="x", leeway=1.5, compared=(one,))

    assert parity(0.3).passes and not parity(0.2).passes and not parity(0.0).passes
    assert "(40%)" in parity(0.3).sentences()[2] and "less than 1%" in parity(0.0).sentences()[2]


def test_it_asks_what_the_run_was_asked_first(trained):
    run = trained("lora")
    own = [each.prompt for each in run.view().samples[-1].answers]
    own = list(dict.fromkeys(own))
    assert asked(run)[: len(own)] == own and len(asked(run)) == 5
