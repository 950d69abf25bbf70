from types import SimpleNamespace

from finetune.data.report import Finding, Report
from finetune.data.table import Rejected
from finetune.ui.findings import found


def checked(report, kind="chat", note=""):
    dataset = SimpleNamespace(kind=kind, title="Chat messages", reason="Because.")
    return SimpleNamespace(dataset=dataset, report=report, note=note)


def test_the_counts_are_said_in_words():
    html = found(
        "tickets",
        checked(Report("chat", 1204, kept=1200, tokens=11240, trained_tokens=4000, truncated=[3])),
        512,
        "Ten rows.",
    )
    for words in (
        "1,200 conversations, ready to train",
        "1,200 kept",
        "1 cut at 512 tokens",
        "11,240 tokens, 4,000 learnt",
    ):
        assert words in html
    assert "“tickets” is read as Chat messages. Because. Ten rows." in html


def test_one_of_a_kind_is_singular():
    assert "1 pair of answers, ready to train" in found(
        "tickets", checked(Report("pairs", 1, kept=1), "preference"), 512, ""
    )


def test_rejected_rows_are_listed_with_their_reasons_and_cut_at_fifty():
    report = Report("chat", 61, kept=1, rejected=[Rejected(n, "It is <empty>.") for n in range(1, 61)])
    html = found("tickets", checked(report), 512, "")
    assert "60 rows could not be used" in html and "Row 7: It is &lt;empty&gt;." in html and "And 10 more." in html


def test_findings_name_their_rows_and_advice_follows():
    report = Report("chat", 9, kept=9, findings=[Finding("warning", "Rows repeat.", (2, 5))], advice="Look at them.")
    html = found("tickets", checked(report), 512, "")
    assert "<li class='warning'>Rows repeat." in html and "Rows 2, 5." in html and "Look at them." in html


def test_nothing_to_train_on_is_said_first():
    html = found("tickets", checked(Report("chat", 2, nothing_to_learn=[1, 2])), 16, "")
    assert "Nothing here can be trained on" in html and "2 with nothing to learn" in html
