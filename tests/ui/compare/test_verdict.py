from finetune.evaluation.scores import Confusion, Memorized
from finetune.ui.compare import verdict
from tests.evaluation.figures import part, score, scores

HOSTILE = "<img src=x onerror=alert(1)>"


def test_the_verdict_comes_first_in_sentences():
    shown = verdict.card(scores(still=58))
    assert shown.startswith("<section class='verdict care'") and "<h3>Use it with care: " in shown
    assert "It forgot: of 100 general questions" in shown and "Better than the base" in shown


def test_each_value_has_its_interval_and_each_metric_its_outcome():
    shown = verdict.tables(scores())
    assert "<b>60 %</b> <span class='small'>(56–64 %)</span>" in shown and "+20 points" in shown
    assert "data-label='Outcome'>better</td>" in shown and ">decides<" in shown
    assert "50 held-out rows of pirate-voice.jsonl" in shown and "judged by chrF because" in shown
    assert shown.count("<details>") == 2 and "General questions" in shown


def test_what_is_no_difference_is_none_and_what_may_be_chance_is_unclear():
    equal = part("asked", score(), score("truncated", 0.0, 0.0, 1.0, width=0))
    shown = verdict.tables(scores(asked=equal))
    assert "data-label='Difference'>none</td>" in shown and "data-label='Outcome'>the same</td>" in shown
    assert "no clear difference" in verdict.tables(scores(asked=part("asked", score(p=0.2))))
    assert "−9.65 nats" in verdict.tables(scores(asked=part("asked", score("loss", 10.55, 0.9))))


def test_labels_have_a_confusion_matrix_of_each_model():
    matrix = Confusion(labels=("yes", HOSTILE), base=((1, 2, 3), (4, 5, 6)), tuned=((7, 0, 0), (0, 8, 0)))
    found = part("asked", score("label")).model_copy(update={"confusion": matrix})
    shown = verdict.tables(scores(asked=found))
    assert shown.count("Confusion matrix of ") == 2 and "another answer" in shown and HOSTILE not in shown
    assert "class='hit' data-label='yes'>7</td>" in shown


def test_several_scored_runs_stand_side_by_side():
    found = [(f"run 1 “{HOSTILE}”", scores()), ("run 2 “b”", scores(still=58))]
    shown = verdict.overview(found)
    assert "Use it with care" in shown and "58 %" in shown and HOSTILE not in shown and shown.count("<tr>") == 3
    assert verdict.overview(found[:1]) == ""


def test_what_was_memorized_is_a_note():
    leak = Memorized(rows=4, verbatim=0, base_verbatim=0, secrets=1, completed=("training row 2: e-mail address",))
    assert "<li>It completes 1 of 1 secret-looking text of its data" in verdict.card(scores(memorized=leak))
