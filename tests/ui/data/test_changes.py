import io
import json
import zipfile
from functools import partial

import gradio as gr
import pytest

from finetune.methods.sft import SFT
from finetune.ui.data import correction, intake, mixing
from finetune.ui.data.changes import act, drop_row, mix_in, put_rows, save_row, uploaded
from finetune.ui.data.correction import MOST_COLUMNS
from finetune.ui.data.counting import Counting
from finetune.ui.data.display import Display, show
from finetune.ui.data.samples import GENERAL
from tests.tab import named

BY = Counting.of("tiny", "512", "own")
PAIRS = "assets/samples/short-and-kind.jsonl"
TICKETS = "assets/samples/ticket-json.jsonl"


def rows(n=12):
    return "question,answer\n" + "\n".join(f"What is {i}?,It is {i}." for i in range(n))


def usable(chosen) -> int:
    """Training and held-out rows."""
    return chosen.counts.rows + chosen.counts.held_out


def sample(desk, file, by=BY) -> Display:
    return show(desk, intake.from_sample(file)[0], file, by, is_new=True)


@pytest.fixture
def chosen(table):
    return table("id,question,answer\n" + "".join(f"{n},What is {n}?,It is {n}.\n" for n in range(12))).chosen


def picked(desk, pick, chosen) -> Display:
    return named(act(desk, BY, chosen, pick)[2:])


def test_another_encoding_is_offered_with_a_preview_and_taken_with_a_click(desk, table):
    shown = table(b"question,answer\n" + "Où est le café?,Là.\n".encode("latin-1") * 12)
    assert "data-pick='encoding:" in shown.result and "Où est le café?" in shown.result
    pick = shown.result.split("data-pick='")[1].split("'")[0]
    again = named(act(desk, BY, shown.chosen, pick)[2:])
    assert usable(again.chosen) == 12 and "Où est le café?" in again.preview


def test_rows_that_are_all_rejected_are_fixed_with_a_click(desk, table):
    said = [{"role": "assistant", "content": "Hello."}, {"role": "user"}, {"role": "assistant", "content": "It is."}]
    lines = [json.dumps({"messages": [said[0], {**said[1], "content": f"What is {n}?"}, said[2]]}) for n in range(12)]
    shown = table("\n".join(lines), "talk.jsonl")
    assert "data-pick='offer:greeting'" in shown.result
    assert picked(desk, "offer:other", shown.chosen).chosen.settings.fixes == ()
    fixed = picked(desk, "offer:greeting", shown.chosen)
    assert usable(fixed.chosen) == 12 and "data-pick='undo:0'" in fixed.result and "Hello." not in fixed.preview


def test_what_is_meant_is_asked_and_confirmed_with_a_click(desk, table):
    shown = table("prompt,response,score\n" + "".join(f"Why {n}?,It is {n}.,{n}\n" for n in range(12)))
    assert "Is this what you mean?" in shown.result and not shown.next.visible and shown.fold.open
    assert "12 conversations, if you confirm" in shown.result and "data-pick='mapping:'" in shown.result
    assert picked(desk, "mapping:", shown.chosen).fold.open
    again = picked(desk, "format:prompt_completion", shown.chosen)
    assert again.chosen.settings.format == "prompt_completion" and again.next.visible
    assert "Is this what you mean?" not in again.result and usable(again.chosen) == 12


def test_a_file_of_an_archive_is_chosen_with_a_click(desk, table):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("a.csv", "b.csv"):
            archive.writestr(name, "question,answer\n" + f"What is in {name}?,Rows.\n" * 12)
    shown = table(packed.getvalue())
    assert "data-pick='sheet:b.csv'" in shown.result
    again = named(act(desk, BY, shown.chosen, "sheet:b.csv")[2:])
    assert usable(again.chosen) == 12 and "What is in b.csv?" in again.preview
    other = named(act(desk, BY, again.chosen, "sheet:a.csv")[2:])
    assert "What is in a.csv?" in other.preview


def test_a_finding_is_fixed_with_a_click_and_undone(desk, table):
    shown = table(rows(40) + "\nWhat is 1?,It is 1.\n")
    assert "data-pick='fix:duplicates'" in shown.result
    fixed = named(act(desk, BY, shown.chosen, "fix:duplicates")[2:])
    assert usable(fixed.chosen) == 40 and "data-pick='undo:0'" in fixed.result
    assert "data-pick='fix:duplicates'" not in fixed.result
    back = named(act(desk, BY, fixed.chosen, "undo:0")[2:])
    assert usable(back.chosen) == 41 and back.chosen.settings.fixes == ()


def test_long_texts_are_cut_into_pieces_with_a_click_and_made_whole_again(desk, table, monkeypatch):
    monkeypatch.setattr("finetune.ui.data.desk.method_for", lambda kind: SFT())  # CPT joins them and truncates none
    shown = table("text\n" + "".join(f'"{n}. {"It is so. " * 200}"\n' for n in range(12)))
    assert "data-pick='set:truncated'" in shown.result
    cut = picked(desk, "set:truncated", shown.chosen)
    assert cut.chosen.settings.split_long and "cut into pieces" in cut.result and "set:truncated" not in cut.result
    assert cut.chosen.counts.rows > 12 and usable(shown.chosen) == 12
    assert not picked(desk, "whole:", cut.chosen).chosen.settings.split_long


def test_a_fix_that_is_no_longer_offered_changes_nothing(desk, table):
    chosen = table(rows(40)).chosen
    assert named(act(desk, BY, chosen, "fix:duplicates")[2:]).chosen == chosen


def test_the_length_that_fits_is_set_with_a_click(desk, with_tiny):
    short = Counting.of("tiny", "32", "own")
    shown = sample(desk, "pirate-voice.jsonl", short)
    pick = next(part.split("'")[0] for part in shown.result.split("data-pick='") if part.startswith("length:"))
    length, template, *values = act(desk, short, shown.chosen, pick)
    assert int(length) > 32 and template == gr.skip() and f"truncated at {int(length):,} tokens" in named(values).result


def test_mixed_in_secrets_are_found_and_masked_with_a_click(desk, chosen, tmp_path):
    others = {
        "team.csv": rows(12) + "\nWho?,Anna: anna@example.com.\n",
        "desk.csv": "question,answer\nWho?,Call +44 20 7946 0958.\n",
    }
    for name, text in others.items():
        (tmp_path / name).write_text(text)
        tab = named(
            mix_in(desk, partial(put_rows, desk), partial(uploaded, desk), BY, chosen, 0, str(tmp_path / name), 5)
        )
        chosen = tab.chosen
    assert "e-mail address (anna…) in 1 row" in tab.result and "phone number (+44…) in 1 row" in tab.result
    assert "in “team.csv”, which is mixed in" in tab.result and "in “desk.csv”, which is mixed in" in tab.result
    assert "Row 13." in tab.result
    once = picked(desk, "fix:mixed-1-personal-data", chosen)
    assert "Each phone number became a placeholder." in once.result and "+44" not in once.result
    assert "anna…" in once.result and once.chosen.counts.rows == chosen.counts.rows
    twice = picked(desk, "fix:mixed-0-personal-data", once.chosen)
    assert "anna" not in twice.result and len(twice.chosen.settings.fixes) == 2
    assert "anna…" in picked(desk, "undo:1", twice.chosen).result


@pytest.mark.parametrize("pick", ["undo:7", "undo:x", "unmix:3", "fix:nothing", "dance:1", ""])
def test_a_button_that_is_no_longer_there_changes_nothing(desk, chosen, pick):
    assert picked(desk, pick, chosen).chosen == chosen
    assert picked(desk, pick, None).result == gr.skip()


def test_a_row_is_dropped_and_comes_back(desk, chosen):
    tab = named(drop_row(desk, BY, chosen, 2))
    assert usable(tab.chosen) == 11 and "Row 3 was left out." in tab.result and "What is 3?" in tab.preview
    assert usable(picked(desk, "undo:0", tab.chosen).chosen) == 12


def test_a_correction_is_part_of_the_recipe_and_the_file_stays(desk, chosen):
    before = desk.paths(chosen.settings)[0].read_bytes()
    tab = named(save_row(desk, BY, 5, chosen, 4, "What is four?", "Four.", "4", None, None, None))
    assert not tab.correction[1].visible and "What is four?" in tab.preview and "Four." in tab.preview
    (fix,) = tab.chosen.settings.fixes
    assert fix.row == 5 and fix.values == {"question": "What is four?", "answer": "Four."}
    assert desk.paths(chosen.settings)[0].read_bytes() == before


def test_saving_without_a_change_changes_nothing(desk, chosen):
    tab = named(save_row(desk, BY, 5, chosen, 4, "What is 4?", "It is 4.", "4", None, None, None))
    assert tab.chosen == chosen and not tab.correction[1].visible


def test_a_row_can_be_added(desk, chosen):
    tab = named(save_row(desk, BY, None, chosen, 0, "And 99?", "Many.", "", None, None, None))
    assert usable(tab.chosen) == 13


def test_an_empty_new_row_is_refused_and_nothing_is_lost(desk, chosen):
    values = save_row(desk, BY, None, chosen, 0, *[""] * MOST_COLUMNS)
    changed = [value for value in values if value != gr.skip()]
    assert len(changed) == 1 and "empty" in changed[0] and named(values).correction[3] == changed[0]


def test_a_conversation_is_corrected_turn_by_turn(desk, with_tiny):
    chosen = sample(desk, "pirate-voice.jsonl").chosen
    text = correction.open_form(desk, False, BY, chosen, 0)[4].value
    assert text.startswith("user: ")
    assert "Arr arr!" in named(save_row(desk, BY, 1, chosen, 0, text + " Arr arr!", *[None] * 5)).preview
    refused = named(save_row(desk, BY, 1, chosen, 0, "no speaker", *[None] * 5))
    assert "Begin each turn with" in refused.correction[3] and refused.chosen == gr.skip()


def test_a_row_that_was_refused_can_be_corrected(desk, table):
    tab = table(rows() + "\nWhat else?,\n")
    assert "data-pick='row:13'" in tab.result and usable(tab.chosen) == 12
    opened = picked(desk, "row:13", tab.chosen)
    number, group, _, _, *boxes = opened.correction
    assert number == 13 and group.visible and [box.value for box in boxes[:2]] == ["What else?", ""]
    assert opened.result == gr.skip() and opened.chosen == gr.skip()
    texts = ["What else?", "Nothing.", *[None] * (MOST_COLUMNS - 2)]
    assert usable(named(save_row(desk, BY, 13, tab.chosen, 0, *texts)).chosen) == 13


def mixed(desk, chosen, path, weight=0.5, by=BY) -> Display:
    return named(mix_in(desk, partial(put_rows, desk), str, by, chosen, 3, path, weight))


def test_a_sample_is_mixed_in_counted_remembered_and_removed(desk, with_tiny):
    chosen = sample(desk, "pirate-voice.jsonl").chosen
    tab = mixed(desk, chosen, TICKETS)
    assert "300 conversations and 150 mixed in, ready to train" in tab.result and tab.index == 3
    assert (tab.chosen.counts.rows, tab.chosen.mixed) == (450, 150)
    assert tab.chosen.counts.tokens > chosen.counts.tokens and tab.chosen.counts.longest >= chosen.counts.longest
    assert tab.mixing[0].label == "Mix in other data (150 rows mixed in)" and tab.mixing[2] == ""
    assert "Ticket to JSON: 150 rows, weight 0.5" in tab.mixing[1]
    assert tab.remembered["data"]["mix"] == [{"path": TICKETS, "format": "auto", "columns": {}, "weight": 0.5}]
    assert picked(desk, "unmix:0", tab.chosen).chosen == chosen


def test_the_same_data_set_again_has_another_weight(desk, with_tiny):
    tab = mixed(desk, sample(desk, "pirate-voice.jsonl").chosen, TICKETS)
    again = mixed(desk, tab.chosen, TICKETS, 0.1)
    assert again.chosen.mixed == 30 and len(again.chosen.settings.mix) == 1


def test_replay_data_is_a_share_of_all_and_removed(desk, with_tiny):
    chosen = sample(desk, "pirate-voice.jsonl").chosen
    tab = named(mix_in(desk, mixing.with_replay, lambda _: GENERAL, BY, chosen, 0, None, 10))
    assert tab.chosen.mixed == 33 and (tab.chosen.settings.replay, tab.chosen.settings.replay_share) == (GENERAL, 0.1)
    assert "Replay data of the starter: 33 rows, 10\u00a0% of all" in tab.mixing[1]
    assert picked(desk, "unmix:replay", tab.chosen).chosen == chosen


def test_rows_of_another_kind_are_refused_and_nothing_changes(desk, with_tiny):
    tab = mixed(desk, sample(desk, "pirate-voice.jsonl").chosen, PAIRS)
    words = "The rows of short-and-kind.jsonl are Preference pairs, but the training rows are Chat messages."
    assert words in tab.mixing[2] and tab.chosen == gr.skip() and tab.result == gr.skip()


def test_a_mixture_that_no_longer_fits_is_reported_and_counts_nothing(desk, with_tiny):
    settings = sample(desk, "pirate-voice.jsonl").chosen.settings.changed(mix=[{"path": PAIRS}])
    tab = show(desk, settings, "pirates", BY)
    assert "Preference pairs" in tab.mixing[2] and tab.mixing[0].open and tab.chosen.mixed == 0
    assert "300 conversations, ready to train" in tab.result and "data-pick='unmix:0'" in tab.mixing[1]


def test_a_file_of_one_s_own_is_mixed_in_and_read_as_the_main_data_is(desk, table, tmp_path):
    text = "left,right\n" + "".join(f"{{}} {n},{{}} answer {n}\n" for n in range(12))
    settings = table(text.replace("{}", "ours")).chosen.settings
    settings = settings.changed(format="question_answer", columns={"question": "left", "answer": "right"})
    chosen = show(desk, settings, "ours", BY).chosen
    (tmp_path / "theirs.csv").write_text(text.replace("{}", "theirs"))
    path = uploaded(desk, str(tmp_path / "theirs.csv"))
    tab = mixed(desk, chosen, path, 1)
    assert tab.chosen.settings.mix[0].columns == {"question": "left", "answer": "right"}
    assert tab.chosen.mixed == 11 and "theirs.csv: 11 rows, weight 1" in tab.mixing[1]


def test_nothing_is_mixed_into_nothing(desk):
    assert mixed(desk, None, TICKETS).result == gr.skip()
