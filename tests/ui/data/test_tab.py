import functools

import gradio as gr
import pytest

from finetune.data.settings import DataSettings
from finetune.ui.data import display, intake
from finetune.ui.data import tab as data
from finetune.ui.data.changes import act
from finetune.ui.data.counting import Counting
from finetune.ui.data.display import Display
from finetune.ui.data.mapping import DETECT, INPUTS, MOST_PARTS
from finetune.ui.downloads import Downloads
from tests.tab import named

BY = Counting.of("tiny", "512", "own")
OTHERS = [each.write(DataSettings.model_fields[each.setting].get_default(call_default_factory=True)) for each in INPUTS]
"""The mapping form beside format and columns, as it is drawn."""


def sample(desk, file, by=BY) -> Display:
    return data.take(desk, functools.partial(intake.from_sample, file), by)


def rows(n=12):
    return "question,answer\n" + "\n".join(f"What is {i}?,It is {i}." for i in range(n))


def test_a_sample_is_read_and_shown(desk, with_tiny):
    shown = sample(desk, "pirate-voice.jsonl")
    assert shown.chosen.kind == "chat" and shown.chosen.name == "pirate voice"
    assert (
        "300 conversations, ready to train" in shown.result
        and "Held-out rows, for evaluation only: pirate-voice.held-out.jsonl." in shown.result
    )
    assert "<mark class='trained'>" in shown.preview and shown.next.visible
    assert "1 of 300" in shown.position and not shown.rejected.visible


def test_a_sample_that_is_not_there(desk):
    assert "There is no sample" in sample(desk, "../../secret").result


def test_an_upload_is_detected_and_its_columns_can_be_seen(table):
    shown = table(rows())
    assert shown.mapping[0] == "question_answer" and shown.chosen.counts.rows == 11
    assert [c.value for c in shown.mapping[1:3]] == ["question", "answer"]
    assert "for evaluation only: 10 % of the rows" in shown.result


def test_columns_that_say_nothing_open_the_mapping_and_can_be_mapped(desk, table):
    shown = table("left,right,when\n1,2,Monday\n3,4,Tuesday\n")
    assert shown.fold.open and not shown.next.visible and shown.chosen.kind == ""
    assert "role='alert'" in shown.result
    asked = ["question_answer", *[None] * MOST_PARTS, *OTHERS]
    chosen_format = named(data.reread(desk, False, BY, shown.chosen, *asked))
    assert [c.label for c in chosen_format.mapping[1:3]] == ["Column: question", "Column: answer"]
    asked = ["question_answer", "left", "right", *["(none)"] * (MOST_PARTS - 2), *["Be kind.", "", 0, *OTHERS[3:]]]
    mapped = named(data.reread(desk, True, BY, chosen_format.chosen, *asked))
    assert mapped.chosen.counts.rows == 2 and mapped.chosen.settings.columns == {"question": "left", "answer": "right"}
    assert "Be kind." in mapped.preview and "Held-out rows: none." in mapped.result


def test_the_effect_of_a_mapping_is_seen_on_three_rows_before_it_is_decided(desk, table):
    chosen = table("left,right,when\n" + "".join(f"subject {n},body {n},Monday\n" for n in range(9))).chosen
    asked = ["question_answer", "{left}: {right}", "when", *[None] * (MOST_PARTS - 2), *OTHERS]
    shown = data.effect(desk, BY, chosen, *asked)
    assert all(f"subject {n}: body {n}" in shown for n in range(3)) and "subject 3" not in shown
    assert chosen.settings.columns == {}
    assert "role='alert'" in data.effect(desk, BY, chosen, "question_answer", "{nope}", *asked[2:])


def test_a_share_out_of_bounds_is_refused(desk, table):
    shown = table(rows())
    asked = [DETECT, *[None] * MOST_PARTS, "", "", 300, *OTHERS[3:]]
    assert "300 % of the rows cannot be held out" in named(data.reread(desk, True, BY, shown.chosen, *asked)).result


def test_a_bad_row_is_named_and_the_list_can_be_downloaded(desk, table, tmp_path):
    shown = table(rows() + "\nWhat is empty?,\n")
    assert "1 rejected" in shown.result and "Row 13" in shown.result and shown.rejected.visible
    files = Downloads(tmp_path / "downloads")
    assert data.download_rejected(desk, files, BY, None) == ""
    assert data.download_rejected(desk, files, BY, shown.chosen).startswith("download/")
    (written,) = [each.read_text(encoding="utf-8-sig") for each in files.place.rglob("*.csv")]
    assert "13" in written and "empty" in written


def test_a_file_that_is_no_table_is_one_calm_sentence(table):
    shown = table("\x89PNG not a table", "picture.csv")
    assert "role='alert'" in shown.result and shown.preview == "" and not shown.next.visible


def test_what_was_chosen_is_remembered_over_a_refresh(desk, table):
    chosen = act(desk, BY, table(rows(40) + "\nWhat is 1?,It is 1.\n").chosen, "fix:duplicates")[2]
    restored = named(data.restore(desk, BY, display.remember(chosen)))
    assert restored.chosen == chosen and restored.chosen.settings.fixes


@pytest.mark.parametrize("kept", [None, {}, "x", {"data": {"path": "x", "bad": 1}, "name": "n"}])
def test_what_the_browser_keeps_is_not_trusted(desk, kept):
    assert set(map(str, data.restore(desk, BY, kept))) == {str(gr.skip())}


def test_another_machine_s_file_is_not_restored(desk):
    restored = named(data.restore(desk, BY, {"data": {"path": "/etc/passwd"}, "name": "n"}))
    assert "There is no data file" in restored.result and restored.preview == ""


def test_values_are_as_many_as_the_components(studio):
    with gr.Blocks():
        parts = data.draw(studio)
    assert len(display.failed("").values()) == len(parts.display())
    assert len(display.unchanged().values()) == len(parts.display())
    for form, values in ((parts.mapping.inputs(), "mapping"), (parts.mixing.listing(), "mixing")):
        assert len(form) == len(getattr(display.failed(""), values))


def test_the_progress_of_reading_is_reported(desk, with_tiny, table, tmp_path):
    (tmp_path / "many.jsonl").write_text('{"question": "What is it?", "answer": "It is."}\n' * 60_000)
    reported = []
    source = functools.partial(intake.from_files, desk, [str(tmp_path / "many.jsonl")])
    data.take(desk, source, BY, lambda share, desc: reported.append((desc, share)))
    assert ("Checking", 0) in [(what, round(share)) for what, share in reported] and all(
        0 <= s <= 1 for _, s in reported
    )
