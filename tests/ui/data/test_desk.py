import json
import sys
from pathlib import Path

import pytest

from finetune.data.loading import read_split
from finetune.data.mix import gather
from finetune.data.settings import DataSettings
from finetune.errors import DataError, FinetuneError
from finetune.fit.probe import count_tokens
from finetune.recipe import Recipe
from finetune.ui.data.counting import Counting
from finetune.ui.data.prompts import first_prompt

PIRATE = DataSettings(path="assets/samples/pirate-voice.jsonl")


def test_an_upload_keeps_its_name(desk, tmp_path):
    source = tmp_path / "x"
    source.write_text("a,b\n1,2\n")
    settings = desk.add_upload(source, "../../My tickets (März).CSV")
    assert settings.path.startswith("uploads/") and settings.path.endswith("/My tickets (März).CSV")
    assert desk.workspace.find(settings.path, trusted=False).read_text() == "a,b\n1,2\n"
    assert desk.add_upload(source, "../../My tickets (März).CSV") == settings


BAD = {
    "Bericht (1).csv": b"question,answer\n",
    "März & April.jsonl": b'{"question": "a", "answer": "\xff"}\n',
    "Mein Tabellenblatt.xlsx": b"PK\x03\x04 cut off",
    "Ein Dokument.json": b'{"question": [1, 2], "answer": [1]}',
    "Zahlen 2024.parquet": b"PAR1 cut off PAR1",
}


@pytest.mark.parametrize("name", BAD)
def test_errors_of_an_upload_name_the_file_as_the_person_does(desk, tmp_path, name):
    (tmp_path / "sent").write_bytes(BAD[name])
    settings = desk.add_upload(tmp_path / "sent", name)
    with pytest.raises(FinetuneError) as raised:
        desk.checked(settings, Counting.of("tiny", 512))
    assert name in str(raised.value) and Path(settings.path).parent.name not in str(raised.value)


def test_several_uploads_and_what_is_mixed_in_are_named_by_their_own_names(desk, with_tiny, tmp_path):
    (tmp_path / "a").write_text("question,answer\n" + "What is it?,A lamp.\n" * 12 + "What is it?,\n")
    (tmp_path / "b").write_text("question,answer\n" + "Who is it?,Anna.\n" * 12 + ",None.\n")
    (tmp_path / "c").write_text("prompt,chosen,rejected\n" + "What?,This.,That.\n" * 12)
    paths = [desk.add_upload(tmp_path / file, f"{file.upper()} rows.csv").path for file in "abc"]
    settings = DataSettings(path=paths[0], also=paths[1:2], replay=paths[2])
    checked = desk.checked(settings, Counting.of("tiny", 512))
    assert [rejected.file for rejected in checked.report.rejected] == ["A rows.csv", "B rows.csv"]
    assert checked.mixture.problem.message.startswith("The rows of C rows.csv are Preference pairs")


def test_an_upload_may_be_held_out(desk, with_tiny, tmp_path):
    for name in ("learn", "check"):
        (tmp_path / name).write_text("question,answer\n" + f"What is {name}?,It is.\n" * 12)
    learn, check = (desk.add_upload(tmp_path / name, f"{name}.csv") for name in ("learn", "check"))
    settings = learn.changed(held_out=check.path)
    assert len(desk.held_out(settings).examples) == 12
    assert desk.held_out_words(settings).endswith("only: check.csv.")
    assert desk.checked(settings, Counting.of("tiny", 512)).report.kept == 12


def test_a_file_of_another_type_is_refused(desk, tmp_path):
    (tmp_path / "x").write_text("x")
    with pytest.raises(DataError, match="exe"):
        desk.add_upload(tmp_path / "x", "virus.exe")


def test_checked_data_is_cached(desk, with_tiny):
    first = desk.checked(PIRATE, Counting.of("tiny", 512))
    assert desk.checked(PIRATE, Counting.of("tiny", 512)) is first
    other = desk.checked(PIRATE, Counting.of("tiny", 256))
    assert other is not first and other.dataset is first.dataset
    fixed = desk.checked(PIRATE.changed(fixes=[{"type": "drop", "rows": "1"}]), Counting.of("tiny", 512))
    assert fixed.dataset.total_rows == 300 and len(fixed.dataset.examples) == 299
    assert desk.table(PIRATE) is first.dataset.table
    assert first.report.kept == first.dataset.total_rows and first.method.type == "sft"


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


def test_findings_are_computed_again_after_any_file_they_are_found_in_was_changed(desk, with_tiny, opened):
    """Whatever file is opened on the way counts, so that one of a new kind is not forgotten."""
    names = ("main", "more", "main.held-out", "mixed", "general")
    files = {f"{name}.jsonl": desk.workspace.uploads_dir / f"{name}.jsonl" for name in names}
    for name, file in files.items():
        rows = ({"prompt": f"Question {n} of {name}?", "completion": f"Answer {n}."} for n in range(40))
        file.write_text("\n".join(map(json.dumps, rows)))
    settings = DataSettings(
        path="uploads/main.jsonl",
        also=("uploads/more.jsonl",),
        mix=({"path": "uploads/mixed.jsonl"},),
        replay="uploads/general.jsonl",
    )
    by = Counting.of("tiny", 512)
    before = desk.checked(settings, by)
    assert set(opened) >= set(files)
    for name in dict.fromkeys(opened):
        files[name].write_text(files[name].read_text() + "\n")
        after = desk.checked(settings, by)
        assert after is not before, f"{name} was changed"
        assert desk.checked(settings, by) is after
        before = after


def test_leaks_are_those_into_the_held_out_file_as_it_is_now(desk, with_tiny):
    settings, by = DataSettings(path="uploads/qa.jsonl"), Counting.of("tiny", 512)
    main, held_out = (desk.workspace.uploads_dir / f"qa{part}.jsonl" for part in ("", ".held-out"))
    rows = [json.dumps({"prompt": f"What is {n} times {n}?", "completion": f"It is {n * n}."}) for n in range(40)]
    main.write_text("\n".join(rows[:30]))

    def leaks():
        return [finding.code for finding in desk.checked(settings, by).report.findings if "leak" in finding.code]

    assert leaks() == []
    held_out.write_text("\n".join(rows[28:]))
    assert leaks() == ["leakage"], "it was not there before"
    held_out.write_text("\n".join(rows[30:]))
    assert leaks() == []


@pytest.mark.parametrize("share, own", [(0.1, 0), (0.5, 0), (0, 0), (0.1, 7)])
def test_as_many_training_and_held_out_rows_are_counted_as_a_run_will_have(desk, with_tiny, share, own):
    rows = [json.dumps({"prompt": f"What is {n} times {n}?", "completion": f"It is {n * n}."}) for n in range(47)]
    (desk.workspace.uploads_dir / "qa.jsonl").write_text("\n".join(rows[own:]))
    if own:
        (desk.workspace.uploads_dir / "qa.held-out.jsonl").write_text("\n".join(rows[:own]))
    settings = DataSettings(path="uploads/qa.jsonl", held_out_share=share)
    found = desk.checked(settings, Counting.of("tiny", 512)).chosen(settings, "qa").counts
    run = count_tokens(Recipe.from_dict({"model": {"id": "tiny"}, "data": settings.model_dump()}), desk.workspace)
    assert (found.rows, found.held_out) == (run.rows, run.held_out)
    assert (found.tokens, found.trained) == pytest.approx((run.tokens, run.trained), rel=0.02)


def test_the_prompts_to_try_are_from_the_held_out_rows(desk, write_run):
    held_out = (desk.workspace.find(PIRATE.path).with_name("pirate-voice.held-out.jsonl")).read_text()
    prompts = desk.held_out_prompts(write_run())
    assert len(prompts) == 6 and all(prompt in held_out for prompt in prompts)


def test_the_prompts_to_try_are_held_out_without_a_held_out_file_too(desk, write_run, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"question": "What is {n}?", "answer": "{n}."}}\n' for n in range(40)))
    run = write_run(data={"path": str(path), "held_out_share": 0.1})
    _, trained, held_out = read_split(path, run.recipe.data, run.recipe.training.seed)
    prompts = desk.held_out_prompts(run)
    assert prompts == [first_prompt(example) for example in held_out] and len(prompts) == 4
    assert not set(prompts) & {first_prompt(example) for example in trained}
    assert desk.held_out_prompts(write_run(data={"path": str(path), "held_out_share": 0})) == []


def test_held_out_rows_are_asked_with_the_answers_that_they_expect(desk, write_run):
    run = write_run()
    prompts = desk.prompts(run)
    assert 6 < len(prompts) <= 200 and all(each.question and each.expected for each in prompts)
    assert desk.expected(run, prompts[0].question) == prompts[0].expected
    assert desk.expected(run, "Never asked?") == ""
    assert desk.prompts(write_run(data={"path": "assets/samples/none.jsonl"})) == []


def test_the_split_is_that_of_a_run_and_read_once(desk, with_tiny, tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    path.write_text("question,answer\n" + "".join(f"What is {n}?,It is {n}.\n" for n in range(40)))
    settings = desk.add_upload(path, "rows.csv")
    train, held_out = desk.split(settings, 7)
    gathered = gather(settings, lambda name: with_tiny.find(name), 7)
    assert (list(train), list(held_out)) == (list(gathered.train), list(gathered.held_out)) and held_out
    monkeypatch.setattr("finetune.ui.data.desk.read_split", None)
    assert desk.split(settings, 7)[0] is train
