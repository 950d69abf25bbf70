import gradio as gr
import pytest

from finetune.ui import data
from finetune.ui.data import DETECT, Shown


@pytest.fixture
def table(studio, with_tiny, tmp_path):
    """A function that uploads a table and returns the tab with it."""

    def show(text, name="tickets.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        file, *values = data.take_file(studio, str(path), "tiny", "512")
        assert file is None
        return named(values)

    return show


def named(values) -> Shown:
    """``Shown.values()`` taken apart again."""
    return Shown(*values[:8], values[8 : 8 + data.MOST_PARTS], values[-1])


def rows(n=12):
    return "question,answer\n" + "\n".join(f"What is {i}?,It is {i}." for i in range(n))


def test_a_sample_is_read_and_shown(studio, with_tiny):
    shown = data.sample(studio, "pirate-voice.jsonl", "tiny", "512")
    assert shown.chosen.kind == "chat" and shown.chosen.name == "pirate voice"
    assert (
        "300 conversations, ready to train" in shown.result and "pirate-voice.held-out.jsonl beside it" in shown.result
    )
    assert "<mark class='learnt'>" in shown.preview and shown.next.visible
    assert "1 of 300" in shown.position


def test_pairs_show_what_is_preferred_and_what_is_avoided(studio, with_tiny):
    shown = data.sample(studio, "short-and-kind.jsonl", "tiny", "512")
    assert shown.chosen.kind == "preference" and "<mark class='avoided'>" in shown.preview


def test_a_sample_that_is_not_there(studio):
    assert "There is no sample" in data.sample(studio, "../../secret", "tiny", "512").result


def test_an_upload_is_recognised_and_its_columns_can_be_seen(table):
    shown = table(rows())
    assert shown.format == "question_answer" and shown.chosen.rows == 12
    assert [c.value for c in shown.columns[:2]] == ["question", "answer"]
    assert "10 % of the rows are kept for checking" in shown.result


def test_columns_that_say_nothing_open_the_mapping_and_can_be_mapped(studio, table):
    shown = table("ticket,reply,when\nHelp!,Gladly.,Monday\nMore!,Sure.,Tuesday\n")
    assert shown.mapping.open and not shown.next.visible and shown.chosen.kind == ""
    assert "role='alert'" in shown.result
    chosen_format = named(
        data.reread(studio, False, shown.chosen, "question_answer", "", 0.1, "tiny", "512", *[None] * data.MOST_PARTS)
    )
    assert [c.label for c in chosen_format.columns[:2]] == ["Column: question", "Column: answer"]
    mapped = named(
        data.reread(
            studio,
            True,
            chosen_format.chosen,
            "question_answer",
            "Be kind.",
            0,
            "tiny",
            "512",
            "ticket",
            "reply",
            "(none)",
            None,
            None,
        )
    )
    assert mapped.chosen.rows == 2 and mapped.chosen.settings.columns == {"question": "ticket", "answer": "reply"}
    assert "Be kind." in mapped.preview and "No rows are kept for checking." in mapped.result


def test_a_share_out_of_bounds_is_said(studio, table):
    shown = table(rows())
    again = named(data.reread(studio, True, shown.chosen, DETECT, "", 3, "tiny", "512", *[None] * data.MOST_PARTS))
    assert "held_out_share" in again.result


def test_a_bad_row_is_named(table):
    shown = table(rows() + "\nWhat is empty?,\n")
    assert "1 rejected" in shown.result and "Row 13" in shown.result and "answer" in shown.result


def test_a_file_that_is_no_table_is_one_calm_sentence(table):
    shown = table("\x89PNG not a table", "picture.csv")
    assert "role='alert'" in shown.result and shown.preview == "" and not shown.next.visible


def test_paging_goes_round_and_counts(studio, with_tiny):
    chosen = data.sample(studio, "pirate-voice.jsonl", "tiny", "512").chosen
    index, preview, position = data.turn(studio, -1, chosen, 0, "tiny", "512")
    assert index == 299 and "300 of 300" in position and "<mark" in preview
    assert data.turn(studio, 1, chosen, 299, "tiny", "512")[0] == 0
    assert data.turn(studio, 1, None, 0, "tiny", "512") == (0, "", "")


def test_a_shorter_length_is_recounted_and_shown_cut(studio, with_tiny):
    chosen = data.sample(studio, "pirate-voice.jsonl", "tiny", "512").chosen
    result, preview, _, _ = data.recount(studio, chosen, "tiny", "32")
    assert "300 cut at 32 tokens" in result and "Cut at 32 of" in preview
    assert data.recount(studio, None, "tiny", "32")[0] == gr.skip()


def test_values_are_as_many_as_the_components(studio):
    with gr.Blocks():
        parts = data.draw(studio)
    assert len(data.failed("").values()) == len(parts.shown())


@pytest.mark.parametrize(
    "length, tokens", [("512", 512), ("", 1024), (None, 1024), ("many", 1024), ("1", 16), ("1e9", 131072)]
)
def test_any_length_typed_is_a_number_of_tokens(length, tokens):
    assert data.whole(length) == tokens
