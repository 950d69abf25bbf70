from finetune.evaluation import votes
from finetune.evaluation.rounds import Round, chain
from finetune.evaluation.tally import tally
from finetune.ui.compare import result
from tests.blind import drawn, judge


def found(run, whole):
    return tally(whole, votes.read(run))


def test_names_are_revealed_with_the_verdict_the_bar_and_who_won(workspace, write_run):
    run = write_run("pirate <voice>")
    whole = drawn(run, 9, same=("question 8?",))
    judge(run, "ann", ["tuned"] * 5 + ["base", "tie", "bad"], name="Ann <3")
    judge(run, "bob", ["tuned"] * 3)
    html = result.result(whole, found(run, whole), chain(workspace, run))
    assert "No clear preference: tuned in 5 of 6" in html
    assert "<span class='tuned' style='flex-grow:5'>" in html and "Neither 2" in html
    assert "Left out: 1 question with two equal answers." in html
    assert html.count("<td data-label='Preferred'>Tuned</td>") == 5 and "Both bad</td>" in html
    assert "<td data-label='Tuned' class=chosen>Arr, question 0?</td>" in html
    assert "<b>Ann &lt;3</b>: tuned in 5 of 6 (83 %), 1 tie, 1 both bad" in html
    assert "Round 1: pirate &lt;voice&gt;, <b>83 % of 6 questions</b>" in html


def test_the_rounds_stand_one_after_the_other(write_run):
    rounds = [Round(write_run(), name, None) for name in ("pirate voice", "round 2")]
    html = result.chain(rounds)
    assert html.index("Round 1: pirate voice") < html.index("Round 2: round 2") and "no votes" in html


def test_invited_voters_see_neither_rounds_nor_what_an_owner_can_do(write_run):
    run = write_run()
    whole = drawn(run, 3)
    judge(run, "ann", ["tuned"] * 3)
    html = result.result(whole, found(run, whole), None)
    assert "Base is the model before its training" in html
    assert "Rounds" not in html and "again" not in html and "pirate" not in html
    assert "Too few to tell: tuned preferred in 3 of 3." in html and "Voter by voter" not in html


def test_without_votes_there_is_no_bar(write_run):
    run = write_run()
    assert result.bar(found(run, drawn(run, 3))) == ""


def test_a_long_answer_is_folded_after_its_beginning(write_run):
    folded = result._text("<" + "x" * 500)
    assert folded.startswith("<details><summary>&lt;xxx") and folded.count("x") == 500
