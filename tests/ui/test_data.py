import functools
import shutil
from pathlib import Path

import gradio as gr
import pytest

from finetune.ui import data, intake, mapping
from finetune.ui.data import Shown
from finetune.ui.mapping import DETECT, MOST_PARTS
from finetune.ui.studio import counting

BY = ("tiny", "512", "own")
OTHERS = ["", "", 0.1, None, None, "auto", False, "(none)", 0.1]
"""The mapping form beside format and columns, as it is drawn."""


@pytest.fixture
def table(studio, with_tiny, tmp_path):
    """A function that uploads a table and returns the tab with it."""

    def show(text, name="tickets.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        file, *values = data.take_files(studio, [str(path)], counting(*BY))
        assert file is None
        return named(values)

    return show


def named(values) -> Shown:
    """``Shown.values()`` taken apart again."""
    return Shown(*values[:10], values[10:-2], values[-2])


def sample(studio, file, by=BY) -> Shown:
    return data.take(studio, functools.partial(intake.from_sample, file), counting(*by))


def rows(n=12):
    return "question,answer\n" + "\n".join(f"What is {i}?,It is {i}." for i in range(n))


def test_a_sample_is_read_and_shown(studio, with_tiny):
    shown = sample(studio, "pirate-voice.jsonl")
    assert shown.chosen.kind == "chat" and shown.chosen.name == "pirate voice"
    assert (
        "300 conversations, ready to train" in shown.result and "pirate-voice.held-out.jsonl beside it" in shown.result
    )
    assert "<mark class='learnt'>" in shown.preview and shown.next.visible
    assert "1 of 300" in shown.position and not shown.rejected.visible


def test_the_chat_template_is_shown(studio, with_tiny):
    assert "im_start" in sample(studio, "pirate-voice.jsonl").preview.split("chat template")[1]


def test_pairs_show_what_is_preferred_and_what_is_avoided(studio, with_tiny):
    shown = sample(studio, "short-and-kind.jsonl")
    assert shown.chosen.kind == "preference" and "<mark class='avoided'>" in shown.preview


def test_a_sample_that_is_not_there(studio):
    assert "There is no sample" in sample(studio, "../../secret").result


def test_an_upload_is_recognised_and_its_columns_can_be_seen(table):
    shown = table(rows())
    assert shown.mapping[0] == "question_answer" and shown.chosen.rows == 12
    assert [c.value for c in shown.mapping[1:3]] == ["question", "answer"]
    assert "10% of the rows are kept for checking" in shown.result


def test_columns_that_say_nothing_open_the_mapping_and_can_be_mapped(studio, table):
    shown = table("left,right,when\n1,2,Monday\n3,4,Tuesday\n")
    assert shown.fold.open and not shown.next.visible and shown.chosen.kind == ""
    assert "role='alert'" in shown.result
    asked = ["question_answer", *[None] * MOST_PARTS, *OTHERS]
    chosen_format = named(data.reread(studio, False, shown.chosen, *BY, *asked))
    assert [c.label for c in chosen_format.mapping[1:3]] == ["Column: question", "Column: answer"]
    asked = ["question_answer", "left", "right", "(none)", None, None, "", "Be kind.", 0, *OTHERS[3:]]
    mapped = named(data.reread(studio, True, chosen_format.chosen, *BY, *asked))
    assert mapped.chosen.rows == 2 and mapped.chosen.settings.columns == {"question": "left", "answer": "right"}
    assert "Be kind." in mapped.preview and "No rows are kept for checking." in mapped.result


def test_the_effect_of_a_mapping_is_seen_on_three_rows_before_it_is_decided(studio, table):
    chosen = table("left,right,when\n" + "".join(f"subject {n},body {n},Monday\n" for n in range(9))).chosen
    asked = ["question_answer", "{left}: {right}", "when", None, None, None, *OTHERS]
    shown = data.effect(studio, chosen, *BY, *asked)
    assert all(f"subject {n}: body {n}" in shown for n in range(3)) and "subject 3" not in shown
    assert chosen.settings.columns == {}
    assert "role='alert'" in data.effect(studio, chosen, *BY, "question_answer", "{nope}", *asked[2:])


def test_a_share_out_of_bounds_is_said(studio, table):
    shown = table(rows())
    asked = [DETECT, *[None] * MOST_PARTS, "", "", 3, *OTHERS[3:]]
    assert "held_out_share" in named(data.reread(studio, True, shown.chosen, *BY, *asked)).result


def test_a_bad_row_is_named_and_the_list_can_be_downloaded(studio, table):
    shown = table(rows() + "\nWhat is empty?,\n")
    assert "1 rejected" in shown.result and "Row 13" in shown.result and shown.rejected.visible
    written = Path(data.download_rejected(studio, shown.chosen, *BY)).read_text(encoding="utf-8-sig")
    assert "13" in written and "empty" in written


def test_a_file_that_is_no_table_is_one_calm_sentence(table):
    shown = table("\x89PNG not a table", "picture.csv")
    assert "role='alert'" in shown.result and shown.preview == "" and not shown.next.visible


def test_other_letters_are_offered_with_a_preview_and_taken_with_a_click(studio, table):
    shown = table(b"question,answer\n" + "Où est le café?,Là.\n".encode("latin-1") * 12)
    assert "data-pick='encoding:" in shown.result and "Où est le café?" in shown.result
    pick = shown.result.split("data-pick='")[1].split("'")[0]
    again = named(data.act(studio, pick, shown.chosen, *BY)[2:])
    assert again.chosen.rows == 12 and "Où est le café?" in again.preview


def test_a_finding_is_mended_with_a_click_and_taken_back(studio, table):
    shown = table(rows(40) + "\nWhat is 1?,It is 1.\n")
    assert "data-pick='mend:duplicates'" in shown.result
    mended = named(data.act(studio, "mend:duplicates", shown.chosen, *BY)[2:])
    assert mended.chosen.rows == 40 and "data-pick='undo:0'" in mended.result
    assert "data-pick='mend:duplicates'" not in mended.result
    back = named(data.act(studio, "undo:0", mended.chosen, *BY)[2:])
    assert back.chosen.rows == 41 and back.chosen.settings.mends == ()


def test_a_mend_that_is_no_longer_offered_changes_nothing(studio, table):
    chosen = table(rows(40)).chosen
    assert named(data.act(studio, "mend:duplicates", chosen, *BY)[2:]).chosen == chosen


def test_the_length_that_fits_is_set_with_a_click(studio, with_tiny):
    short = ("tiny", "32", "own")
    shown = sample(studio, "pirate-voice.jsonl", short)
    pick = next(part.split("'")[0] for part in shown.result.split("data-pick='") if part.startswith("length:"))
    length, template, *values = data.act(studio, pick, shown.chosen, *short)
    assert int(length) > 32 and template == "own" and f"cut at {int(length):,} tokens" in named(values).result


def test_paging_goes_round_and_counts(studio, with_tiny):
    chosen = sample(studio, "pirate-voice.jsonl").chosen
    index, preview, position, _ = data.turn(studio, -1, chosen, 0, *BY)
    assert index == 299 and "300 of 300" in position and "<mark" in preview
    assert data.turn(studio, 1, chosen, 299, *BY)[0] == 0
    assert data.turn(studio, 1, None, 0, *BY)[:3] == (0, "", "")


def test_a_shorter_length_is_recounted_and_shown_cut(studio, with_tiny):
    chosen = sample(studio, "pirate-voice.jsonl").chosen
    result, preview, _, _ = data.recount(studio, chosen, "tiny", "32", "own")
    assert "300 cut at 32 tokens" in result and "Cut at 32 of" in preview
    assert data.recount(studio, None, "tiny", "32", "own")[0] == gr.skip()


def test_what_was_chosen_is_remembered_over_a_refresh(studio, table):
    chosen = data.act(studio, "mend:duplicates", table(rows(40) + "\nWhat is 1?,It is 1.\n").chosen, *BY)[2]
    restored = named(data.restore(studio, data.remember(chosen), *BY))
    assert restored.chosen == chosen and restored.chosen.settings.mends


@pytest.mark.parametrize("kept", [None, {}, "x", {"data": {"path": "x", "bad": 1}, "name": "n"}])
def test_what_the_browser_keeps_is_not_trusted(studio, kept):
    assert set(map(str, data.restore(studio, kept, *BY))) == {str(gr.skip())}


def test_another_machine_s_file_is_not_restored(studio):
    restored = named(data.restore(studio, {"data": {"path": "/etc/passwd"}, "name": "n"}, *BY))
    assert "There is no data file" in restored.result and restored.preview == ""


def test_values_are_as_many_as_the_components(studio):
    with gr.Blocks():
        parts = data.draw(studio)
    assert len(data.failed("").values()) == len(parts.shown())
    assert len(parts.mapping.inputs()) == len(data.failed("").mapping)
    assert mapping.answers(tuple(range(1 + MOST_PARTS + len(OTHERS)))).replay_share == MOST_PARTS + len(OTHERS)


def test_a_base_model_without_a_template_is_offered_chatml(studio, with_tiny, tiny_model, table):
    bare = studio.workspace.models_dir / "bare"
    shutil.copytree(tiny_model, bare)
    (bare / "chat_template.jinja").unlink()
    chosen = table(rows()).chosen
    refused = data.show(studio, chosen.settings, "qa", counting("bare", "512", "own"))
    assert "no chat template" in refused.result and "data-pick='template:chatml'" in refused.result
    _, template, *values = data.act(studio, "template:chatml", refused.chosen, "bare", "512", "own")
    assert template == "chatml" and "12 conversations, ready to train" in named(values).result


def test_how_far_the_reading_is_is_told(studio, with_tiny, table, tmp_path):
    (tmp_path / "many.jsonl").write_text('{"question": "What is it?", "answer": "It is."}\n' * 60_000)
    told = []
    source = functools.partial(intake.from_files, studio, [str(tmp_path / "many.jsonl")])
    data.take(studio, source, counting(*BY), lambda share, desc: told.append((desc, share)))
    assert ("Checking", 0) in [(what, round(share)) for what, share in told] and all(0 <= s <= 1 for _, s in told)
