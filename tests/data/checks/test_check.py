from array import array

import pytest

from finetune.data.checks import CHECKS
from finetune.data.checks.check import (
    Check,
    Evidence,
    Finding,
    counted_rows,
    look,
    most_severe_first,
    severity_of,
    spread,
    without,
)
from finetune.data.dataset import Dataset
from finetune.data.loading import read
from finetune.data.settings import DataSettings
from finetune.format import counted
from finetune.paths import ASSETS
from tests.rows import clean, finding, report_on
from tests.rows import read as read_rows

USER, ANSWER = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
CALL = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "add"}}]}


def test_every_check_is_found_and_listed_in_its_order():
    assert len(CHECKS) >= 14 and all(issubclass(check, Check) for check in CHECKS)
    assert [check.order for check in CHECKS] == sorted(check.order for check in CHECKS)


def test_the_most_severe_finding_is_first_and_the_order_else_stays():
    found = [Finding(severity, str(n)) for n, severity in enumerate(("info", "problem", "warning", "info", "problem"))]
    assert [finding.message for finding in most_severe_first(found)] == ["1", "4", "2", "0", "3"]


def test_clean_rows_give_no_finding():
    assert report_on(read_rows(clean(300)), held_out=read_rows(clean(330)[300:])).findings == []


SAMPLES = [
    ("pirate-voice", []),
    ("ticket-json", []),
    ("short-and-kind", ["near-duplicates", "length-bias"]),  # its better answers are short by design, and two are alike
]


@pytest.mark.parametrize("name, wanted", SAMPLES, ids=[name for name, _ in SAMPLES])
def test_the_shipped_samples_give_only_true_findings(name, wanted):
    path = ASSETS / "samples" / f"{name}.jsonl"
    settings = DataSettings(path=path.name)
    held_out = read(path.with_name(f"{name}.held-out.jsonl"), settings)
    report = report_on(read(path, settings), length=1000, held_out=held_out)
    assert [
        (each.code, each.severity) for each in report.findings if each.code not in ("truncated", "nothing-to-learn")
    ] == [(code, "info") for code in wanted]


@pytest.mark.parametrize(
    "example, text, answers, turns",
    [
        ({"messages": [{"role": "system", "content": "s"}, USER, ANSWER]}, "s\nq\na", ["a"], 2),
        ({"messages": [USER, CALL, {"role": "tool", "content": "4"}, ANSWER]}, None, ["a"], 4),
        (
            {"prompt": [USER], "chosen": [ANSWER], "rejected": [{"role": "assistant", "content": "b"}]},
            "q\na\nb",
            ["a"],
            2,
        ),
        ({"prompt": [USER], "completion": [ANSWER], "label": True}, "q\na", ["a"], 2),
        ({"prompt": [USER], "completion": [ANSWER], "label": False}, "q\na", [], 2),
        ({"prompt": [USER], "answer": "4"}, "q", [], 1),
        ({"text": "t"}, "t", [], 0),
    ],
)
def test_an_example_is_seen_with_its_text_and_the_answers_to_imitate(example, text, answers, turns):
    seen = look(3, 7, example)
    assert (seen.position, seen.row, seen.answers, seen.turns) == (3, 7, answers, turns)
    assert seen.text == text or (text is None and "add" in seen.text)


def test_a_sample_is_evenly_spaced_and_extrapolated():
    assert spread(5, 10) == range(5)
    assert list(spread(10, 5)) == [0, 2, 4, 6, 8]
    evidence = Evidence(Dataset("chat", "chat", "", "", 1.0, {}, examples=[{}] * 10), sample=array("I", [0, 5]))
    assert evidence.is_sampled and evidence.estimated(1) == 5
    assert evidence.counted_rows(1, "is", "are") == "About 5 rows are"


def test_rows_are_counted_in_words():
    assert (counted_rows(1, "has", "have"), counted_rows(1200, "has", "have")) == ("1 row has", "1,200 rows have")
    assert counted(2, "pair of answers", "pairs of answers") == "2 pairs of answers"
    assert (severity_of(1, 2), severity_of(2, 3)) == ("warning", "problem")


def test_leaving_rows_out_is_one_button():
    button = without([5, 3, 4, 3])
    assert (button["rows"], button["fix"].rows, button["button"]) == ((3, 4, 5), "3-5", "Leave them out")
    assert without([2])["button"] == "Leave it out"
    assert Finding("info", "Look.", **button).fix is button["fix"]


def test_a_code_is_unique_in_a_report():
    messy = clean(30) + clean(30) + [{"prompt": "a@example.com", "completion": "N/A"}] * 3
    codes = [each.code for each in report_on(read_rows(messy)).findings]
    assert all(codes) and len(codes) == len(set(codes)) > 3
    assert finding(messy, "none") is None
