import re
from dataclasses import replace

import pytest

from finetune.inference.integrity import Check, Integrity
from finetune.inference.panel import Answering, Column, Said
from finetune.machine.hardware import Choice
from finetune.ui.compare.pane import facts, integrity_line, measures, pane
from finetune.ui.compare.talk import Talk, Turn

RUN = "003-x"
COLUMNS = (Column(RUN, is_base=True), Column(RUN), Column(RUN, 40), Column("004-y"))
WHOLE = Said("", 5, 0.2, 30.0, ended=True)
HOSTILE = "<script>alert(1)</script> ![p](http://example.com/p.png) [l](http://example.com) \u202eRTL =1+1"


def drawn(*texts, mark=False, is_busy=False, **values):
    said = tuple(replace(WHOLE, text=text) for text in texts)
    turn = Turn(**{"question": "Why?", "said": said, "is_done": True, **values})
    return pane(Talk(RUN, COLUMNS[: len(texts)], (turn,)), mark, is_busy)


def test_an_answer_in_markdown_is_formatted_unless_words_are_marked():
    assert "<strong>blue</strong>" in drawn("**blue**", "x") and "**blue**" not in drawn("**blue**", "x")
    marked = drawn("**blue**", "**red**", mark=True)
    assert "<mark class='differs'>**red**</mark>" in marked and "<strong>" not in marked


def test_further_columns_are_marked_against_the_base():
    html = drawn("a b", "a c", "a b", "a d", mark=True)
    assert re.findall(r"<mark class='differs'>(.*?)</mark>", html) == ["b", "c", "d"]


def test_thinking_is_folded_and_not_marked():
    for mark in (True, False):
        html = drawn("<think>\nHm <b>.\n</think>\n\nBlue.", "Red.", mark=mark)
        fold = re.search(r"<details class='thinking'.*?</details>", html)[0]
        assert "<summary data-keep='thinking-0-0'>Thinking</summary>" in fold and "Hm &lt;b&gt;." in fold
        assert "<details" not in html.replace(fold, "") and "think&gt;" not in html


@pytest.mark.parametrize("mark", [True, False])
def test_hostile_text_is_text_wherever_it_comes_from(mark):
    html = drawn(HOSTILE, HOSTILE, mark=mark, question=HOSTILE, expected=HOSTILE, kept=frozenset({0}))
    assert not re.search(r"<(script|img|a|iframe|svg)\b|\bsrc=|\bhref=", html)
    assert html.count("&lt;script&gt;") >= 4
    quoted = drawn("x", "y", question="' onclick='alert(1)")
    assert " onclick='" not in quoted


def test_the_measures_stand_under_each_answer():
    line = measures(Said("", 1200, 0.214, 34.4, is_truncated=True, ended=True))
    for words in ("first token after 0.21 s", "34 tokens/s", "1,200 tokens", "truncated at 1,200 tokens"):
        assert words in line
    assert "first token" not in measures(Said()) and "truncated" not in measures(WHOLE)
    assert drawn("a", "b").count("class='small measures'") == 2 and "measures" not in drawn("a", "b", is_done=False)


def test_only_whole_answers_are_kept_and_every_one_can_be_corrected():
    assert re.findall(r"data-pick='(.*?)'", drawn("a", "b")) == [
        *("retry:0", "edit:0", "keep:0:0", "correct:0:0", "keep:0:1", "correct:0:1")
    ]
    for other in (drawn("a", " "), drawn("a", "b", kept=frozenset({1}))):
        assert "keep:0:0" in other and "keep:0:1" not in other and "correct:0:1" in other
    assert "data-pick='keep" not in drawn("a", "b", is_stopped=True)
    assert "correct:0:0" not in drawn("a", "b", corrected=frozenset({0}))
    assert "data-pick" not in drawn("a", "b", is_busy=True)


def test_a_question_is_asked_again_with_the_seed_that_its_button_says():
    assert ">Retry with seed 10</button>" in drawn("a", "b", seed=9)
    assert ">Retry, greedy</button>" in drawn("a", "b", is_greedy=True)


def test_the_expected_answer_has_a_column_or_a_row_of_its_own():
    assert "sides of-3'" in drawn("a", "b", expected="c") and "sides of-4'" in drawn("a", "b", "c", "d", expected="e")
    assert "sides heads of-3'" in drawn("a", "b", expected="c") and "of-2'" in drawn("a", "b")


def test_before_the_first_question_it_says_what_the_columns_are():
    html = pane(Talk(RUN, COLUMNS), True)
    assert [*re.findall("<h3>(.*?)</h3>", html)] == ["Base", "Tuned", "Step 40", "Run 4"]
    sentences = ("model before training", "model after training", "checkpoint of this run", "model of another run")
    assert [html.count(f"{each}.</p>") for each in sentences] == [1, 1, 1, 1]


def test_a_waiting_column_shows_dots_until_its_first_word():
    turn = Turn("Why?", said=(replace(WHOLE, text="So"), Said()))
    html = pane(Talk(RUN, COLUMNS[:2], (turn,)), True, is_busy=True)
    assert html.count("class='waiting'") == 1


def test_the_checks_are_one_line_that_opens():
    checks = (Check("same seed 7", True, "It is <7>."), Check("changed nothing", True, "No.", "Look.", warns=True))
    html = integrity_line(Integrity(checks))
    assert "<summary>Same seed 7 · changed nothing</summary>" in html and "It is &lt;7&gt;." in html
    assert "<li class='warning'><b>Changed nothing.</b> No. Look.</li>" in html
    assert integrity_line(None) == ""


def test_the_line_says_how_the_answers_were_made():
    made = Answering((), True, Choice("batched", "both in one <batch>"))
    assert "Both in one &lt;batch&gt;" in facts(made) and "stopped" not in facts(made)
    assert "no chat template" in facts(replace(made, continues_text=True)) and "template" not in facts(made)
    other = facts(replace(made, is_same_tokens=False), is_stopped=True)
    assert "stopped" in other and "bases differ" in other
