import json
import shutil

import pytest
from transformers import AutoTokenizer

from finetune.errors import DataError, RecipeError
from finetune.recipe import Recipe
from finetune.training.prepare import prepare, row_tokens, sequence_tokens
from tests.training.test_train import recipe, write_rows


def test_rows_are_split_and_tokenized_with_questions_to_watch(with_tiny, tmp_path):
    rows = prepare(recipe(tmp_path), with_tiny).rows
    assert rows.train and rows.held_out and len(rows.train) > len(rows.held_out)
    assert 0 < rows.counts.trained < sum(map(row_tokens, rows.train))
    assert all(prompt[-1]["role"] == "user" for prompt in rows.prompts) and len(rows.prompts) == len(rows.held_out[:3])


def test_a_run_accounts_for_every_column_of_its_data(with_tiny, tmp_path):
    noted = [note.message for note in prepare(recipe(tmp_path), with_tiny).notes]
    assert any(note.startswith("Read as ") and " = " in note for note in noted)


def test_truncated_rows_are_noted(with_tiny, tmp_path):
    prepared = prepare(recipe(tmp_path, **{"training.length": 50}), with_tiny)
    assert prepared.rows.longest <= 50
    assert any("truncated at 50 tokens" in note.message for note in prepared.notes)


def test_a_template_that_ends_answers_with_no_token_is_noted(with_tiny, tiny_model, tmp_path):
    folder = with_tiny.models_dir / "endless"
    shutil.copytree(tiny_model, folder)
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").write_text(template.replace("<|im_end|>", ""))
    found = prepare(recipe(tmp_path, **{"model.id": "endless"}), with_tiny).notes
    assert [note.level for note in found if "no end-of-turn token" in note.message] == ["warning"]
    assert not any("end-of-turn" in note.message for note in prepare(recipe(tmp_path), with_tiny).notes)


def test_nothing_is_written_by_preparing(with_tiny, tmp_path):
    wanted = recipe(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    found = prepare(wanted, with_tiny)
    assert sorted(tmp_path.rglob("*")) == before and with_tiny.runs() == []
    assert found.defaults.batch_size and found.tokenizer.chat_template


def test_several_processes_share_a_batch(with_tiny, tmp_path):
    wanted = recipe(tmp_path)
    alone, shared = (prepare(wanted, with_tiny, processes).defaults for processes in (1, 2))
    assert alone.batch_size == shared.batch_size and alone.micro_batch == 2 * shared.micro_batch


def test_data_that_the_method_cannot_train_on_is_refused(with_tiny, tmp_path):
    values = recipe(tmp_path).to_dict() | {"data": {"path": str(write_rows(tmp_path, "dpo"))}}
    with pytest.raises(RecipeError, match="SFT trains on conversations or texts, and these rows are Preference pairs"):
        prepare(Recipe.from_dict(values), with_tiny)


def test_a_length_that_leaves_no_trained_token_is_refused(with_tiny, tmp_path):
    with pytest.raises(DataError, match="no row is left to train on"):
        prepare(recipe(tmp_path, **{"training.length": 16}), with_tiny)


def test_a_pair_is_as_long_as_its_prompt_with_the_longer_answer():
    row = {"prompt_ids": [1, 2, 3], "chosen_ids": [4], "rejected_ids": [5, 6]}
    assert (row_tokens(row), sequence_tokens(row)) == (6, 5)
    assert sequence_tokens({"input_ids": [1, 2], "labels": [-100, 2]}) == 2


def test_a_length_beyond_the_context_is_cut_to_it_and_said(with_tiny, tmp_path):
    long = {"training.length": 4096}
    prepared = prepare(recipe(tmp_path, **long), with_tiny)
    assert "The model reads at most 512 tokens, so rows are truncated there and not at 4,096." in [
        note.message for note in prepared.notes
    ]
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"prompt": "Sing.", "completion": "la " * 600}) + "\n", encoding="utf-8")
    assert prepare(recipe(tmp_path, **long, **{"data.path": str(path)}), with_tiny).rows.longest == 512


@pytest.fixture
def with_token(with_tiny, tiny_model):
    """Adds a token to the tokenizer of a copy of the tiny model, which knows 259 tokens; its id is 259."""

    def add(token, **special):
        folder = with_tiny.models_dir / "grown"
        shutil.copytree(tiny_model, folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.add_special_tokens(special) if special else tokenizer.add_tokens([token])
        tokenizer.save_pretrained(folder)

    return add


def test_a_row_with_a_token_that_the_model_does_not_know_is_dropped_and_said(with_token, with_tiny, tmp_path):
    with_token("sea")
    path = tmp_path / "few.jsonl"
    rows = [{"prompt": f"{n}?", "completion": "the sea" if n == 3 else "the sky"} for n in range(12)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    prepared = prepare(recipe(tmp_path, **{"model.id": "grown", "data.path": str(path)}), with_tiny)
    told = [note.message for note in prepared.notes if "'sea'" in note.message]
    assert len(told) == 1 and "1 " in told[0] and "id 259" in told[0] and "knows only 259 tokens" in told[0]


def test_a_padding_token_that_the_model_does_not_know_is_not_used(with_token, with_tiny, tmp_path):
    with_token("[PAD]", pad_token="[PAD]")
    prepared = prepare(recipe(tmp_path, **{"model.id": "grown"}), with_tiny)
    assert prepared.tokenizer.pad_token == prepared.tokenizer.eos_token


@pytest.fixture
def with_held_out(with_token, with_tiny, tmp_path):
    """Prepares twelve rows about the sky for a model that does not know "sea", with held-out rows that ask this."""
    with_token("sea")

    def prepared(*questions, **settings):
        sky = [{"prompt": f"{n}?", "completion": "the sky"} for n in range(12)]
        for name, rows in (("sky", sky), ("asked", [{"prompt": each, "completion": "yes"} for each in questions])):
            (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        paths = {"data.path": str(tmp_path / "sky.jsonl"), "data.held_out": str(tmp_path / "asked.jsonl")}
        return prepare(recipe(tmp_path, **{"model.id": "grown"}, **paths, **settings), with_tiny)

    return prepared


def asked(prepared) -> list[str]:
    return [prompt[-1]["content"] for prompt in prepared.rows.prompts]


def test_held_out_rows_that_the_model_cannot_read_stop_no_run(with_held_out):
    prepared = with_held_out("Which sea?", "That sea?")
    assert len(prepared.rows.train) == 12 and prepared.rows.held_out == [] and asked(prepared) == []
    assert any(note.message.startswith("2 held-out rows were dropped: The tokenizer") for note in prepared.notes)


def test_no_prompt_is_asked_that_the_model_cannot_read(with_held_out):
    """A table of positions ends at its context, and a token beyond the embeddings has no row in them."""
    unread = ("Which sea?", "la " * 300)
    assert asked(with_held_out(*unread, "a?", "b?", "c?", "d?")) == ["a?", "b?", "c?"]
    prepared = with_held_out("a?", **{"evaluation.prompts": [*unread, "Mine?"]})
    told = ("Left out: 2 sample prompts that the model cannot read whole.", "warning")
    assert asked(prepared) == ["Mine?"] and told in [(note.message, note.level) for note in prepared.notes]


def test_long_texts_are_trained_in_pieces(with_tiny, tmp_path):
    path = tmp_path / "long.jsonl"
    lines = [json.dumps({"text": f"{number}. {'It is so. ' * 30}"}) for number in range(4)]
    path.write_text("\n".join(lines), encoding="utf-8")
    values = recipe(tmp_path, **{"training.length": 50}).to_dict() | {"data": {"path": str(path)}}
    whole = prepare(Recipe.from_dict(values), with_tiny)
    values["data"]["split_long"] = True
    cut = prepare(Recipe.from_dict(values), with_tiny)
    assert any("truncated" in note.message for note in whole.notes) and len(whole.rows.train) == 4
    assert not any("truncated" in note.message for note in cut.notes)
    assert cut.rows.longest <= 50 and len(cut.rows.train) == cut.rows.counts.rows > 20
    train = [token for row in cut.rows.train for token in row["input_ids"]]
    assert cut.tokenizer.decode(train, skip_special_tokens=True) == "".join(json.loads(line)["text"] for line in lines)
