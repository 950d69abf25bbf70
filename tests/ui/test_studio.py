import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from finetune.data import known
from finetune.data.loading import read, read_split
from finetune.data.settings import DataSettings
from finetune.errors import DataError, FinetuneError
from finetune.fit.probe import count_tokens
from finetune.recipe import ModelSettings, Recipe
from finetune.runs.events import Ended
from finetune.runs.run import Follower
from finetune.ui.data.samples import GENERAL
from finetune.ui.studio import REPEAT_S, as_run, counting, question, whole

PIRATE = DataSettings(path="assets/samples/pirate-voice.jsonl")


@pytest.fixture
def idle(studio, monkeypatch):
    """The studio with a queue that makes runs and never works on them."""
    monkeypatch.setattr(studio.queue, "submit", lambda recipe, trusted: studio.workspace.create(recipe))
    return studio


def recipe(**settings):
    return Recipe.from_dict({"model": {"id": "tiny"}, "data": PIRATE.model_dump(), **settings})


def test_a_double_click_makes_one_run_and_another_recipe_a_second(idle):
    first = idle.start(recipe())
    assert idle.start(recipe()).id == first.id
    assert idle.start(recipe(name="another")).id != first.id
    assert len(idle.workspace.runs()) == 2


def test_two_clicks_at_the_same_moment_make_one_run(idle):
    with ThreadPoolExecutor(25) as pool:
        started = list(pool.map(lambda _: idle.start(recipe()).id, range(25)))
    assert [run.id for run in idle.workspace.runs()] == sorted(set(started)) == started[:1]


def test_two_people_at_once_get_a_run_each(idle):
    with ThreadPoolExecutor(25) as pool:
        started = list(pool.map(lambda n: idle.start(recipe(name=f"of {n % 2}")).id, range(26)))
    assert len(set(started)) == len(idle.workspace.runs()) == 2


def test_the_same_recipe_can_be_started_again_on_purpose(idle, monkeypatch):
    first, now = idle.start(recipe()), time.monotonic()
    monkeypatch.setattr("finetune.ui.cache.time.monotonic", lambda: now + REPEAT_S + 1)
    assert idle.start(recipe()).id != first.id


def test_what_was_deleted_is_forgotten(idle):
    first = idle.start(recipe())
    first.emit(Ended(state="stopped"))
    idle.queue.delete(first.id)
    idle.forget(first)
    second = idle.start(recipe())
    assert second.number == 2 and idle.workspace.runs()[0].id == second.id


def test_the_recipe_of_a_run_is_read_once(studio, write_run):
    run = write_run(model={"run": "7"})
    assert studio.recipe(run).model.run == "7" and studio.recipe(run) is studio.recipe(run)


@pytest.mark.parametrize(
    "where",
    [
        lambda secret: {"path": secret},
        lambda secret: {"also": [secret]},
        lambda secret: {"held_out": secret},
        lambda secret: {"replay": secret},
        lambda secret: {"mix": [{"path": secret}]},
    ],
)
def test_a_recipe_from_the_page_reads_only_uploads_and_samples(studio, with_tiny, tmp_path, where):
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"text": "secret"}\n')
    with pytest.raises(FinetuneError, match="cannot be run") as raised:
        studio.start(recipe(data={**PIRATE.model_dump(), **where(str(secret))}))
    assert "There is no" in str(raised.value) and studio.workspace.runs() == []


def test_an_upload_keeps_its_name(studio, tmp_path):
    source = tmp_path / "x"
    source.write_text("a,b\n1,2\n")
    settings = studio.add_upload(source, "../../My tickets (März).CSV")
    assert settings.path.startswith("uploads/") and settings.path.endswith("/My tickets (März).CSV")
    assert studio.workspace.find(settings.path, trusted=False).read_text() == "a,b\n1,2\n"
    assert studio.add_upload(source, "../../My tickets (März).CSV") == settings


BAD = {
    "Bericht (1).csv": b"question,answer\n",
    "März & April.jsonl": b'{"question": "a", "answer": "\xff"}\n',
    "Mein Tabellenblatt.xlsx": b"PK\x03\x04 cut off",
    "Ein Dokument.json": b'{"question": [1, 2], "answer": [1]}',
    "Zahlen 2024.parquet": b"PAR1 cut off PAR1",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_an_upload_is_told_with_its_own_name(studio, tmp_path, name):
    (tmp_path / "sent").write_bytes(BAD[name])
    settings = studio.add_upload(tmp_path / "sent", name)
    with pytest.raises(FinetuneError) as raised:
        studio.checked(settings, counting("tiny", 512))
    assert name in str(raised.value) and Path(settings.path).parent.name not in str(raised.value)


def test_several_uploads_and_what_is_mixed_in_are_told_by_their_own_names(studio, with_tiny, tmp_path):
    (tmp_path / "a").write_text("question,answer\n" + "What is it?,A lamp.\n" * 12 + "What is it?,\n")
    (tmp_path / "b").write_text("question,answer\n" + "Who is it?,Anna.\n" * 12 + ",None.\n")
    (tmp_path / "c").write_text("prompt,chosen,rejected\n" + "What?,This.,That.\n" * 12)
    paths = [studio.add_upload(tmp_path / file, f"{file.upper()} rows.csv").path for file in "abc"]
    settings = DataSettings(path=paths[0], also=paths[1:2], replay=paths[2])
    checked = studio.checked(settings, counting("tiny", 512))
    assert [rejected.file for rejected in checked.report.rejected] == ["A rows.csv", "B rows.csv"]
    assert checked.mixture.problem.message.startswith("The rows of C rows.csv are Preference pairs")


def test_an_upload_may_be_kept_for_checking(studio, with_tiny, tmp_path):
    for name in ("learn", "check"):
        (tmp_path / name).write_text("question,answer\n" + f"What is {name}?,It is.\n" * 12)
    learn, check = (studio.add_upload(tmp_path / name, f"{name}.csv") for name in ("learn", "check"))
    settings = learn.changed(held_out=check.path)
    assert len(studio.held_out(settings).examples) == 12
    assert studio.held_out_words(settings).startswith("check.csv")
    assert studio.checked(settings, counting("tiny", 512)).report.kept == 12


def test_a_file_of_another_type_is_refused(studio, tmp_path):
    (tmp_path / "x").write_text("x")
    with pytest.raises(DataError, match="exe"):
        studio.add_upload(tmp_path / "x", "virus.exe")


def test_checked_data_is_kept_for_the_next_time(studio, with_tiny):
    first = studio.checked(PIRATE, counting("tiny", 512))
    assert studio.checked(PIRATE, counting("tiny", 512)) is first
    other = studio.checked(PIRATE, counting("tiny", 256))
    assert other is not first and other.dataset is first.dataset
    fixed = studio.checked(PIRATE.changed(fixes=[{"type": "drop", "rows": "1"}]), counting("tiny", 512))
    assert fixed.dataset.total_rows == 300 and len(fixed.dataset.examples) == 299
    assert studio.table(PIRATE) is first.dataset.table
    assert first.report.kept == first.dataset.total_rows and first.method.type == "sft"


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that the Start button had read."""
    names = []
    monkeypatch.setattr(known, "read", lambda path, *given: names.append(path.name) or read(path, *given))
    return names


def test_what_the_page_has_read_the_start_button_does_not_read_again(still, with_tiny, reads):
    settings = PIRATE.changed(mix=[{"path": "assets/samples/short-and-kind.jsonl"}], replay=GENERAL)
    assert still.checked(settings, counting("tiny", 512)).mixture.problem is not None
    settings = PIRATE.changed(mix=[{"path": "assets/samples/ticket-json.jsonl"}], replay=GENERAL)
    assert still.checked(settings, counting("tiny", 512)).mixture.problem is None
    reads.clear()
    assert still.start(recipe(data=settings.model_dump(exclude_defaults=True))).view().state == "queued"
    assert reads == []


def test_a_file_that_was_changed_since_the_page_read_it_is_read_again_and_refused(still, with_tiny, reads, tmp_path):
    (tmp_path / "qa.jsonl").write_text('{"question": "Is it so?", "answer": "It is."}\n' * 12)
    settings = still.add_upload(tmp_path / "qa.jsonl", "qa.jsonl")
    file, by = still.workspace.find(settings.path, trusted=False), counting("tiny", 512)
    first, before = still.checked(settings, by), file.stat()
    file.write_text(file.read_text().replace("answer", "madder"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(FinetuneError, match="questions but no answers"):
        still.start(recipe(data=settings.model_dump()))
    assert reads == [file.name] and still.workspace.runs() == []
    with pytest.raises(FinetuneError):
        still.checked(settings, by)
    file.write_text(file.read_text().replace("madder", "answer") * 2)
    assert still.checked(settings, by).dataset.total_rows == 2 * first.dataset.total_rows


@pytest.fixture
def opened():
    """The names of the files that end in jsonl and are opened from now on."""
    names, is_noting = [], True

    def note(event, given):
        if is_noting and event == "open" and str(given[0]).endswith(".jsonl"):
            names.append(Path(given[0]).name)

    sys.addaudithook(note)
    yield names
    is_noting = False


def test_findings_are_made_anew_after_any_file_they_are_found_in_was_changed(studio, with_tiny, opened):
    """Whatever file is opened on the way counts, so that one of a new kind is not forgotten."""
    names = ("main", "more", "main.held-out", "mixed", "general")
    files = {f"{name}.jsonl": studio.workspace.uploads_dir / f"{name}.jsonl" for name in names}
    for name, file in files.items():
        rows = ({"prompt": f"Question {n} of {name}?", "completion": f"Answer {n}."} for n in range(40))
        file.write_text("\n".join(map(json.dumps, rows)))
    settings = DataSettings(
        path="uploads/main.jsonl",
        also=("uploads/more.jsonl",),
        mix=({"path": "uploads/mixed.jsonl"},),
        replay="uploads/general.jsonl",
    )
    by = counting("tiny", 512)
    before = studio.checked(settings, by)
    assert set(opened) >= set(files)
    for name in dict.fromkeys(opened):
        files[name].write_text(files[name].read_text() + "\n")
        after = studio.checked(settings, by)
        assert after is not before, f"{name} was changed"
        assert studio.checked(settings, by) is after
        before = after


def test_leaks_are_those_into_the_held_out_file_as_it_is_now(studio, with_tiny):
    settings, by = DataSettings(path="uploads/qa.jsonl"), counting("tiny", 512)
    main, held_out = (studio.workspace.uploads_dir / f"qa{part}.jsonl" for part in ("", ".held-out"))
    rows = [json.dumps({"prompt": f"What is {n} times {n}?", "completion": f"It is {n * n}."}) for n in range(40)]
    main.write_text("\n".join(rows[:30]))

    def leaks():
        return [finding.code for finding in studio.checked(settings, by).report.findings if "leak" in finding.code]

    assert leaks() == []
    held_out.write_text("\n".join(rows[28:]))
    assert leaks() == ["leakage"], "it was not there before"
    held_out.write_text("\n".join(rows[30:]))
    assert leaks() == []


@pytest.mark.parametrize("share, own", [(0.1, 0), (0.5, 0), (0, 0), (0.1, 7)])
def test_as_many_rows_are_counted_to_train_on_and_to_check_on_as_a_run_will_have(studio, with_tiny, share, own):
    rows = [json.dumps({"prompt": f"What is {n} times {n}?", "completion": f"It is {n * n}."}) for n in range(47)]
    (studio.workspace.uploads_dir / "qa.jsonl").write_text("\n".join(rows[own:]))
    if own:
        (studio.workspace.uploads_dir / "qa.held-out.jsonl").write_text("\n".join(rows[:own]))
    settings = DataSettings(path="uploads/qa.jsonl", held_out_share=share)
    found = studio.checked(settings, counting("tiny", 512)).chosen(settings, "qa").counts
    run = count_tokens(recipe(data=settings.model_dump()), studio.workspace)
    assert (found.rows, found.held_out) == (run.rows, run.held_out)
    assert (found.tokens, found.trained) == pytest.approx((run.tokens, run.trained), rel=0.02)


def test_a_model_that_is_not_here_is_not_fetched_to_look_at_data(studio, monkeypatch):
    monkeypatch.setattr(studio, "tokenizer", lambda model: model.id)
    used, note = studio.counting_tokenizer(ModelSettings(id="someone/some-model"))
    assert used == "starter" and "someone/some-model is not on this machine yet" in note


def test_the_prompts_to_try_are_from_the_held_out_rows(studio, write_run):
    held_out = (studio.workspace.find(PIRATE.path).with_name("pirate-voice.held-out.jsonl")).read_text()
    prompts = studio.held_out_prompts(write_run())
    assert len(prompts) == 6 and all(prompt in held_out for prompt in prompts)


def test_the_prompts_to_try_were_never_learnt_from_without_a_held_out_file_either(studio, write_run, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"question": "What is {n}?", "answer": "{n}."}}\n' for n in range(40)))
    run = write_run(data={"path": str(path), "held_out_share": 0.1})
    _, trained, held_out = read_split(path, run.recipe.data, run.recipe.training.seed)
    prompts = studio.held_out_prompts(run)
    assert prompts == [question(example) for example in held_out] and len(prompts) == 4
    assert not set(prompts) & {question(example) for example in trained}
    assert studio.held_out_prompts(write_run(data={"path": str(path), "held_out_share": 0})) == []


def test_current_is_the_run_that_someone_holds(studio, write_run):
    write_run()
    assert studio.current() is None
    run = write_run(steps=3, state=None)
    with run.held():
        assert studio.current()[0].id == run.id


def test_a_view_is_brought_up_to_date(studio, write_run):
    run = write_run(steps=3, state="stopped")
    assert studio.view(run).state == "stopped" and studio.view(run).step == 3


def test_a_run_that_is_gone_is_none(studio):
    assert as_run(studio, "099-gone") is None and as_run(studio, None) is None


def test_the_question_of_an_example():
    assert question({"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]}) == "q"
    assert question({"text": "no question"}) == ""


def test_the_heavy_libraries_are_asked_for_once(studio, monkeypatch):
    calls = []
    monkeypatch.setattr(studio.queue, "warm", lambda: calls.append(1))
    studio.warm()
    studio.warm()
    assert calls == [1] and studio.machine == "Getting ready…"


@pytest.mark.parametrize(
    "length, tokens", [("512", 512), ("", 1024), (None, 1024), ("many", 1024), ("1", 16), ("1e9", 131072)]
)
def test_any_length_typed_is_a_number_of_tokens(length, tokens):
    assert whole(length) == tokens


def test_what_makes_no_sense_on_the_method_tab_is_taken_for_the_default():
    assert counting("x" * 999, "5", "upside down").model == ModelSettings()
    assert counting("tiny", 64, "chatml").model.chat_template == "chatml"


def test_at_one_glance_runs_are_looked_at_once(studio, write_run, monkeypatch):
    run, polled, poll = write_run(), [], Follower.poll
    monkeypatch.setattr(Follower, "poll", lambda self: polled.append(self.run.id) or poll(self))
    with studio.at_one_moment():
        assert studio.views() == studio.views() and studio.view(run) is studio.views()[0][1]
        assert studio.current() is None
    assert polled == [run.id]
    studio.view(run)
    assert polled == [run.id, run.id]
