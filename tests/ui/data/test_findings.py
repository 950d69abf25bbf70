from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from finetune.data.checks import Finding
from finetune.data.counts import Counts
from finetune.data.detected import Detected
from finetune.data.fixes import offering
from finetune.data.fixes.drop import Drop
from finetune.data.mix import Portion
from finetune.data.readers.archive import ChoiceError
from finetune.data.readers.encoding import EncodingError
from finetune.data.readers.guess import Guess
from finetune.data.report import Report
from finetune.data.settings import DataSettings
from finetune.data.table import Rejected, Table
from finetune.errors import DataError
from finetune.ui.data.findings import rejected_file, suggestion, summary
from finetune.ui.data.mixture import Mixture

SETTINGS = DataSettings(path="tickets.csv")
TABLE = Table("CSV", ("a",), rows=[{"a": "x"}], numbers=[7], lines=[None])


DETECTED = Detected(
    "chat", "Chat messages", "chat", {"messages": "turns"}, ("id", "<b>"), 0.996, "Because.", ("Read with care.",)
)


def checked(report, kind="chat", confidence=0.996, mixture=Mixture()):
    detected = replace(DETECTED, kind=kind, confidence=confidence)
    dataset = SimpleNamespace(kind=kind, table=TABLE, notes=list(detected.notes), detected=detected)
    return SimpleNamespace(dataset=dataset, report=report, note="", mixture=mixture)


def html_of(report, kind="chat", length=512, held_out="", settings=SETTINGS, **options):
    return summary("tickets", checked(report, kind, **options), length, settings, held_out)


def test_the_counts_are_shown_in_words():
    report = Report(DETECTED, 1204, kept=1200, counts=Counts(1200, 40, 11240, 4000, 20), truncated=[3])
    html = html_of(report, held_out="Ten rows.")
    for words in (
        "1,200 conversations, ready to train",
        "1,200 kept",
        "1 truncated at 512 tokens",
        "11,240 tokens, 4,000 trained",
    ):
        assert words in html
    assert "“tickets”: detected as <b>Chat messages</b> (99\u00a0% confidence). Because. Ten rows." in html
    assert "Read with care." in html


def test_confidence_is_a_figure_and_never_100_percent_unless_a_person_chose_the_format():
    report = Report(DETECTED, 12, kept=12)
    assert "(38\u00a0% confidence). Because." in html_of(report, confidence=0.388)
    assert "(99\u00a0% confidence)" in html_of(report, confidence=1.0)
    html = html_of(report, settings=SETTINGS.changed(format="chat"), confidence=1.0)
    assert "read as <b>Chat messages</b>, as you chose." in html
    assert "confidence" not in html and "Because" not in html


def test_every_column_is_accounted_for():
    html = html_of(Report(DETECTED, 12, kept=12))
    assert "Columns: messages = “turns”. <b>Not used:</b> id, &lt;b&gt;." in html


def test_a_person_is_asked_where_it_is_not_certain_what_the_rows_mean():
    report = Report(DETECTED, 12, kept=12)
    asked = html_of(report, confidence=0.6)
    assert "Is this what you mean?" in asked and "data-pick='format:chat'" in asked
    chosen = html_of(report, confidence=0.6, settings=SETTINGS.changed(format="chat"))
    assert "Is this what you mean?" not in chosen + html_of(report)


def test_rows_that_are_mixed_in_are_counted_apart():
    mixture = Mixture(own=12, portions=(Portion("other.csv", [{"text": "x"}] * 1500, 1500),))
    assert "12 texts and 1,500 mixed in, ready to train" in html_of(
        Report(DETECTED, 12, kept=12), "text", mixture=mixture
    )


def test_one_of_a_kind_is_singular():
    assert "1 pair of answers, ready to train" in html_of(Report(DETECTED, 1, kept=1), "preference")


def test_rejected_rows_are_listed_with_their_reasons_up_to_fifty():
    report = Report(DETECTED, 61, kept=1, rejected=[Rejected(n, "It is <empty>.") for n in range(1, 61)])
    html = html_of(report)
    assert "60 rejected rows, and why" in html and "Row 7: It is &lt;empty&gt;." in html and "And 10 more." in html
    assert html.count("data-pick='row:") == 1 and "data-pick='row:7'" in html


def test_the_list_of_rejected_rows_is_a_table(tmp_path):
    report = Report(DETECTED, 2, kept=1, rejected=[Rejected(2, 'It says "no".', 3)])
    written = Path(rejected_file(tmp_path, "../my tickets", report)).read_text(encoding="utf-8-sig")
    assert written.splitlines()[1].startswith('"2","3",') and '""no""' in written


def test_findings_name_their_rows_and_advice_follows():
    report = Report(DETECTED, 9, kept=9, findings=[Finding("warning", "Rows repeat.", (2, 5))], advice="Look at them.")
    html = html_of(report)
    assert "<li class='warning'>Rows repeat." in html and "Rows 2, 5." in html and "Look at them." in html
    assert "<button" not in html


def test_what_can_be_fixed_has_a_button_that_says_about_what():
    fix = Finding("warning", "Rows repeat.", (2,), fix=Drop(rows="2"), button="Drop it", code="twice")
    length = Finding("warning", "2 rows are truncated.", (3,), length=640, button="Use 640 tokens", code="cut")
    html = html_of(Report(DETECTED, 9, kept=9, findings=[fix, length]))
    assert "data-pick='fix:twice' aria-label='Drop it: Rows repeat.'" in html
    assert "data-pick='length:640'" in html


def test_fixes_are_listed_and_can_be_undone():
    html = html_of(Report(DETECTED, 9, kept=8), settings=SETTINGS.changed(fixes=(Drop(rows="2"), Drop(rows="5-6"))))
    assert "Row 2 was left out." in html and "data-pick='undo:1'" in html and "the file stays as it is" in html


def test_another_encoding_is_offered_with_what_it_gives():
    error = EncodingError("It is not UTF-8.", "Choose.", [Guess("cp1252", "caf<é>"), Guess("cp1250", "caf<e>")])
    shown = suggestion(error)
    assert shown.index("data-pick='encoding:cp1252'") < shown.index("data-pick='encoding:cp1250'")
    assert "caf&lt;é&gt;" in shown and "Western European (Windows): cp1252" in shown
    assert suggestion(DataError("Anything else.")) == ""
    assert "data-pick='offer:join'" in suggestion(offering(DataError("Two in a row."), "join"))


def test_each_file_of_an_archive_is_offered():
    shown = suggestion(ChoiceError("It has several files.", "Choose one.", ("a.jsonl", "b<.csv")))
    assert "data-pick='sheet:a.jsonl'" in shown and "Read b&lt;.csv" in shown


def test_nothing_to_train_on_is_shown_first():
    html = html_of(Report(DETECTED, 2, nothing_to_train_on=[1, 2]), length=16)
    assert "Nothing here can be trained on" in html and "2 without trained tokens" in html
