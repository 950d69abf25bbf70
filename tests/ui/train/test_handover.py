"""The fold “Hand over”: a form is chosen, written beside the page, checked, and told with its next steps."""

import zipfile

import gradio as gr
import pytest

from finetune.exports import TARGETS
from finetune.exports.handover import Handover
from finetune.exports.parity import Compared, Difference, Parity
from finetune.exports.target import Exported, Step, Target, Work
from finetune.settings import Settings
from finetune.ui.train import handover
from tests.pace import wait_for


class Options(Settings):
    letter: str = "a"
    """Which letter."""


class Folder(Target):
    name, order, words, title = "folder", 1000, "a folder", "A <folder>"
    purpose = "For people with shelves."
    options, answers, is_quick = Options, False, True

    def write(self, run, workspace, to, options=None, work=Work()):
        (to / "made & done").mkdir(parents=True)
        (to / "made & done" / "letter.txt").write_text(options.letter)
        return Exported(to / "made & done", "It was <made>.")

    def steps(self, run, exported):
        return [Step("Read it", f"cat '{exported.path}/letter.txt'")]


@pytest.fixture
def target(monkeypatch):
    monkeypatch.setitem(TARGETS, "folder", Folder())
    return TARGETS["folder"]


@pytest.fixture
def parts(target):
    with gr.Blocks():
        return handover.draw()


def given(parts, **values):
    return [values.get(path.partition(".")[2]) if path.startswith("folder.") else None for path in parts.form.inputs]


def written(studio, run):
    found = Handover(studio.everything.run(run.id), TARGETS["folder"])
    wait_for(lambda: found.written and not found.is_asked, seconds=20)
    return found


def test_a_run_that_has_not_finished_says_what_to_do_first(studio, write_run):
    run = write_run(state=None)
    assert handover.board(studio, run, run.view()) == handover.NOTHING


def test_a_form_is_chosen_with_its_own_options(studio, parts):
    purpose, *groups = handover.chosen(studio, parts, "folder")
    assert "people with shelves" in purpose
    assert [name for name, group in zip(parts.groups, groups) if group.visible] == ["folder"]
    assert "folder.letter" in parts.form.inputs


def test_what_leaves_says_with_whose_account(studio, parts, monkeypatch):
    monkeypatch.setattr(handover, "token_or_refuse", lambda token: "hf_planted")
    monkeypatch.setattr(handover, "account", lambda token: "<ada>")
    said, *_ = handover.chosen(studio, parts, "hub")
    assert "with the account “&lt;ada&gt;”" in said and "hf_planted" not in said
    monkeypatch.undo()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "set to work offline" in handover.chosen(studio, parts, "hub")[0]


def test_what_is_asked_for_is_written_told_and_downloaded(studio, write_run, parts):
    run = write_run()
    assert handover.ask(studio, parts.form, run.id, "folder", *given(parts, letter="z")) == ("", None)
    found = written(studio, run)
    assert (found.exported.path / "letter.txt").read_text() == "z"
    html = handover.board(studio, run, run.view())
    assert "It was &lt;made&gt;." in html and "A &lt;folder&gt;" in html and "<span class='small'>ready</span>" in html
    assert "data-pick='download:folder'" in html and "Read it" in html and f"{run.path}" in html
    notice, link = handover.fetch(studio, run.id, "download:folder")
    assert notice == "" and link.endswith("made%20%26%20done.zip")
    (file,) = studio.downloads.place.rglob("*.zip")
    assert zipfile.ZipFile(file).read("made & done/letter.txt") == b"z"


def test_the_board_is_drawn_anew_once_something_has_changed(studio, write_run, parts):
    run = write_run()
    before = handover.state(run, run.view())
    assert handover.state(run, run.view()) == before
    handover.ask(studio, parts.form, run.id, "folder", *given(parts))
    written(studio, run)
    assert handover.state(run, run.view()) != before


def test_what_is_wrong_is_said(studio, write_run, parts):
    run = write_run()
    said, seen = handover.ask(studio, parts.form, run.id, "folder", *given(parts, letter=["no text"]))
    assert "letter" in said and "attention" in said and seen == gr.skip()
    assert "There is no run" in handover.ask(studio, parts.form, "099-gone", "folder", *given(parts))[0]
    assert "nothing to download" in handover.fetch(studio, run.id, "download:folder")[0]
    assert "nothing to download" in handover.fetch(studio, run.id, "download:../../etc")[0]
    Handover(run, TARGETS["folder"]).ask().fail(error_of("It did <not> fit."))
    html = handover.board(studio, run, run.view())
    assert "It did &lt;not&gt; fit." in html and ">failed<" in html


def error_of(message):
    from finetune.errors import RunError

    return RunError(message, "Free some disk.")


@pytest.mark.parametrize("share, words", [(0.39, "passed"), (0.01, "failed")])
def test_the_parity_check_is_told_with_its_questions(studio, write_run, parts, share, words):
    run = write_run()
    handover.ask(studio, parts.form, run.id, "folder", *given(parts))
    difference = Difference(after="the", run="<sea>", written="sky", run_share=0.4, written_share=share)
    compared = Compared(
        question="<Where?>", answer="the <sea>", tokens=2, is_same_prompt=True, differences=(difference,)
    )
    written(studio, run).write(
        "parity.json", Parity(opened_with="a reader", leeway=1.5, compared=(compared,)).model_dump_json()
    )
    html = handover.board(studio, run, run.view())
    assert f"Parity check: {words}." in html and "&lt;sea&gt;" in html and "<sea>" not in html
    assert "1 of 2 tokens differ" in html and f"parity check {words}</span>" in html
