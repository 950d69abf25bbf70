"""What of a run can be asked, and how it is loaded to answer alone."""

import pytest

from finetune.errors import RunError
from finetune.inference.column import Column, asked_as, folder_of, kept, load, require_intact, tokenizer_in
from finetune.inference.untouched import Bases
from tests.inference.tuned import tuned_run


@pytest.fixture
def run(with_tiny):
    return tuned_run(with_tiny, {"type": "ia3"}, steps=(4, 8, 12))


def test_a_column_says_what_it_is():
    columns = Column("003-pirate", is_base=True), Column("003-pirate"), Column("003-pirate", 1200), Column("mine")
    assert [column.words for column in columns] == ["the base of run 3", "run 3", "run 3 at step 1,200", "run mine"]


def test_only_whole_checkpoints_can_be_asked(run):
    step_4, step_8, step_12 = (run.checkpoints.at(step).path for step in (4, 8, 12))
    (step_4 / "adapter_model.safetensors").write_bytes(b"half")
    (step_8 / "MANIFEST").unlink()
    assert kept(run) == [Column(run.id, is_base=True), Column(run.id), Column(run.id, 12)]
    (step_12 / "adapter_model.safetensors").unlink()
    assert kept(run) == [Column(run.id, is_base=True), Column(run.id)]


def test_a_run_without_a_model_has_its_checkpoints(run):
    for file in run.model_dir.iterdir():
        file.unlink()
    assert kept(run)[:2] == [Column(run.id, is_base=True), Column(run.id, 4)]
    with pytest.raises(RunError, match="no tuned model yet"):
        folder_of(Column(run.id), run)


def test_nothing_of_a_new_run_or_a_reward_model_can_be_asked(run, with_tiny):
    new = with_tiny.create(run.recipe)
    rater = with_tiny.create(run.recipe.changed(method={"type": "reward"}))
    assert kept(new) == kept(rater) == []
    with pytest.raises(RunError, match="is a reward model"):
        asked_as(rater)


def test_a_checkpoint_of_which_a_byte_changed_is_refused_when_it_is_loaded(run, with_tiny):
    column = Column(run.id, 4)
    file = run.checkpoints.at(4).path / "adapter_model.safetensors"
    *before, last = file.read_bytes()
    file.write_bytes(bytes([*before, last ^ 1]))
    assert column in kept(run), "its size is right"
    with pytest.raises(RunError, match="step 4 of run .* is damaged: adapter_model.safetensors does not match"):
        load(column, run, Bases(with_tiny))
    assert require_intact(Column(run.id, 8), run) == run.checkpoints.at(8).path


def test_each_column_has_the_tokenizer_that_was_saved_with_it(run, with_tiny):
    bases = Bases(with_tiny)
    file = run.model_dir / "chat_template.jinja"
    file.write_text("{{ messages[0]['content'] }}")
    base, tuned = (load(column, run, bases) for column in (Column(run.id, is_base=True), Column(run.id)))
    assert base.tokenizer.chat_template != tuned.tokenizer.chat_template == file.read_text()
    assert base.untouched is tuned.untouched and not base.is_known_base
    assert tokenizer_in(run.path, base.tokenizer) is base.tokenizer


def test_virtual_tokens_take_from_the_context(with_tiny):
    run = tuned_run(with_tiny, {"type": "prompt", "virtual_tokens": 30})
    assert load(Column(run.id), run, Bases(with_tiny)).context == 512 - 30
