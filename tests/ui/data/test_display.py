import shutil

import gradio as gr

from finetune.ui.data import intake
from finetune.ui.data.changes import act
from finetune.ui.data.counting import Counting
from finetune.ui.data.display import Display, failed, recount, show, turn, unchanged
from tests.tab import named

BY = Counting.of("tiny", "512", "own")


def rows(n=12):
    return "question,answer\n" + "\n".join(f"What is {i}?,It is {i}." for i in range(n))


def sample(desk, file, by=BY) -> Display:
    return show(desk, intake.from_sample(file)[0], file, by, is_new=True)


def test_the_chat_template_is_shown(desk, with_tiny):
    assert "im_start" in sample(desk, "pirate-voice.jsonl").preview.split("Chat template")[1]


def test_pairs_show_the_chosen_and_the_rejected_answer(desk, with_tiny):
    shown = sample(desk, "short-and-kind.jsonl")
    assert shown.chosen.kind == "preference" and "<mark class='rejected'>" in shown.preview


def test_paging_wraps_around_and_counts(desk, with_tiny):
    chosen = sample(desk, "pirate-voice.jsonl").chosen
    index, preview, position, _ = turn(desk, -1, BY, chosen, 0)
    assert index == 299 and "300 of 300" in position and "<mark" in preview
    assert turn(desk, 1, BY, chosen, 299)[0] == 0
    assert turn(desk, 1, BY, None, 0)[:3] == (0, "", "")


def test_a_shorter_length_is_recounted_and_shown_truncated(desk, with_tiny):
    chosen = sample(desk, "pirate-voice.jsonl").chosen
    again = named(recount(desk, Counting.of("tiny", "32", "own"), chosen))
    assert (
        "300 truncated at 32 tokens" in again.result
        and "Truncated at 32 of" in again.preview
        and again.chosen == gr.skip()
    )
    assert named(recount(desk, BY, None)).result == gr.skip()


def test_a_base_model_without_a_template_is_offered_chatml(desk, with_tiny, tiny_model, table):
    bare = desk.workspace.models_dir / "bare"
    shutil.copytree(tiny_model, bare)
    (bare / "chat_template.jinja").unlink()
    chosen = table(rows()).chosen
    refused = show(desk, chosen.settings, "qa", Counting.of("bare", "512", "own"))
    assert "no chat template" in refused.result and "data-pick='template:chatml'" in refused.result
    _, template, *values = act(desk, Counting.of("bare", "512", "own"), refused.chosen, "template:chatml")
    assert template == "chatml" and "12 conversations, ready to train" in named(values).result


def test_what_is_unchanged_is_skipped():
    values = unchanged(result="Other words.").values()
    assert len(values) == len(failed("").values())
    assert [value for value in values if value != gr.skip()] == ["Other words."]


def test_the_mapping_form_opens_by_itself_only_for_new_data_that_is_not_certain(desk, with_tiny):
    rows = "".join(f'{{"prompt": "Why {n}?", "response": "So {n}.", "score": {n}}}\n' for n in range(9))
    scored = desk.add_text(rows, ".jsonl")
    assert show(desk, scored, "scored", BY, is_new=True).fold.open
    assert "open" not in show(desk, scored, "scored", BY).fold._constructor_args[0]
    assert sample(desk, "pirate-voice.jsonl").fold.open is False
