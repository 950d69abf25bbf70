import pytest

from finetune.errors import DataError, RecipeError
from finetune.model import load_tokenizer
from finetune.recipe import Recipe
from finetune.training.prepare import length, prepare
from tests.training.test_train import recipe, write_rows


def prepared(workspace, recipe):
    run = workspace.create(recipe)
    return run, prepare(run, recipe, workspace, load_tokenizer(recipe.model, workspace))


def test_rows_are_split_and_tokenised_with_questions_to_watch(with_tiny, tmp_path):
    _, rows = prepared(with_tiny, recipe(tmp_path))
    assert rows.train and rows.held_out and len(rows.train) > len(rows.held_out)
    assert 0 < rows.counts.trained < sum(map(length, rows.train))
    assert all(prompt[-1]["role"] == "user" for prompt in rows.prompts) and len(rows.prompts) == len(rows.held_out[:3])


def test_what_is_cut_off_is_noted(with_tiny, tmp_path):
    run, rows = prepared(with_tiny, recipe(tmp_path, **{"training.length": 50}))
    assert max(map(length, rows.train)) <= 50
    assert any("longer than 50 tokens and cut" in note.message for note in run.view().notes)


def test_data_that_the_method_cannot_train_on_is_refused(with_tiny, tmp_path):
    values = recipe(tmp_path).to_dict() | {"data": {"path": str(write_rows(tmp_path, "dpo"))}}
    with pytest.raises(RecipeError, match="SFT cannot learn"):
        prepared(with_tiny, Recipe.from_dict(values))


def test_a_length_that_leaves_nothing_to_learn_is_refused(with_tiny, tmp_path):
    with pytest.raises(DataError, match="anything left to learn"):
        prepared(with_tiny, recipe(tmp_path, **{"training.length": 16}))
