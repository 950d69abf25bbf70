"""The layouts of a run in a repository of the Hub."""

import pytest

from finetune.errors import RunError
from finetune.exports.hub import HubOptions
from finetune.exports.layouts import LAYOUTS, put_beside, texts_in
from finetune.exports.target import Work
from finetune.recipe import Recipe


def test_each_form_can_be_chosen_and_knows_its_own_folder(tmp_path):
    assert [HubOptions(what=name).what for name in LAYOUTS] == list(LAYOUTS)
    for name, file in (("adapter", "adapter_config.json"), ("merged", "config.json"), ("gguf", "x.gguf")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / file).write_text("{}")
        assert [each.name for each in LAYOUTS.values() if each.is_in(folder)] == [name]


def test_an_adapter_lies_at_the_top_with_card_and_recipe(finished, workspace, tmp_path):
    LAYOUTS["adapter"].lay(finished, workspace, tmp_path / "x", "me/pirate", Work())
    assert (tmp_path / "x" / "adapter_model.safetensors").read_bytes() == b"weights"
    assert '"me/pirate"' in (tmp_path / "x" / "README.md").read_text()
    assert Recipe.load(tmp_path / "x" / "recipe.yaml") == finished.recipe


def test_a_run_without_a_model_has_no_layout(run):
    for form in LAYOUTS.values():
        with pytest.raises(RunError):
            form.require(run)


def test_an_adapter_of_its_own_kind_is_loaded_with_its_code(finished, workspace):
    finished.path.joinpath("recipe.yaml").write_text(
        finished.recipe.changed(**{"adapter.type": "bottleneck"}).to_yaml(full=True)
    )
    assert finished.as_trained.adapter.code
    load, _ = LAYOUTS["adapter"].steps(finished, "me/pirate")
    assert 'sys.path.append(snapshot_download("me/pirate"))' in load.commands
    code = load.commands.split("\n", 1)[1].rsplit("\n", 1)[0]
    compile(code, "usage", "exec")


def test_what_a_person_wrote_in_a_recipe_is_named():
    plain = {"name": "a name of many words", "data": {"path": "rows with spaces.jsonl"}}
    assert texts_in(Recipe.from_dict({**plain, "data": {"path": "rows.jsonl"}})) == []
    told = Recipe.from_dict(
        {
            "data": {"path": "rows.jsonl", "system": "You are a pirate."},
            "evaluation": {"prompts": ["What is the sea?", "Where are the ships?"]},
        }
    )
    assert texts_in(told) == ["data.system", "evaluation.prompts"]


def test_the_card_is_written_as_it_is(finished, tmp_path):
    put_beside(finished, tmp_path, "# Ärr\n")
    assert (tmp_path / "README.md").read_bytes() == "# Ärr\n".encode()
