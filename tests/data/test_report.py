import json

import pytest

from finetune.data.dataset import Dataset
from finetune.data.formats.turns import exchange
from finetune.data.report import advice, check, counted
from finetune.data.table import Rejected
from finetune.data.tokens import Piece
from finetune.errors import DataError

LENGTH = 10


def pieces(example):
    """A word is a token, the answer is learnt, and ten tokens fit."""
    if "chosen" in example:
        return tuple(cut(example["prompt"], example[part], part) for part in ("chosen", "rejected"))
    if "text" in example:
        return (cut([], [{"content": example["text"]}]),)
    *before, answer = example["messages"]
    if answer["content"] == "refuse":
        raise DataError("The template refuses it.")
    return (cut(before, [answer]),)


def cut(before, answers, name=""):
    asked, answered = (" ".join(turn["content"] for turn in turns).split() for turns in (before, answers))
    flags = [False] * len(asked) + [True] * len(answered)
    return Piece(tuple(range(len(flags)))[:LENGTH], tuple(flags[:LENGTH]), len(flags), name)


def chats(*pairs, **values):
    examples = [exchange(question, answer) for question, answer in pairs]
    rows = values.pop("rows", list(range(1, len(pairs) + 1)))
    total = values.pop("total_rows", len(examples))
    return Dataset("chat", "chat", "Chat", "", 1.0, {}, examples=examples, rows=rows, total_rows=total, **values)


def many(count):
    return [(f"q{n}", f"a{n}") for n in range(count)]


def messages(report, severity=None):
    return [finding.message for finding in report.findings if severity in (None, finding.severity)]


def test_a_clean_file_has_nothing_to_say():
    report = check(chats(*many(200)), pieces)
    assert (report.rows, report.kept, report.tokens, report.trained_tokens) == (200, 200, 400, 200)
    assert (report.longest, report.p99_length) == (2, 2)
    assert report.findings == []


def test_every_row_is_accounted_for():
    long = "w " * 20
    pairs = [*many(3), ("q", long), (long, "a"), ("q", "refuse")]
    rejected = [Rejected(3, "It is odd.", 9)]
    report = check(chats(*pairs, rows=[1, 2, 4, 5, 6, 7], rejected=rejected, total_rows=7), pieces)
    assert report.kept == 4
    assert [bad.row for bad in report.rejected] == [3, 7]
    assert report.truncated == [5, 6]
    assert report.nothing_to_learn == [6]
    assert report.rows == report.kept + len(report.rejected) + len(report.nothing_to_learn)
    assert (report.tokens, report.trained_tokens) == (3 * 2 + 10, 3 + 9)
    assert "2 rows are left out; the first is row 3 (line 9): It is odd." in messages(report)
    assert "1 row has nothing to learn at this length: the answer lies behind the cut." in messages(report)
    assert "2 rows are longer than the length allows and cut off at the end; 99 % fit in 21 tokens." in messages(report)


def test_a_few_cut_rows_are_no_warning():
    report = check(chats(*many(300), ("q", "w " * 20)), pieces)
    assert [finding.severity for finding in report.findings] == ["info"]
    assert messages(report)[0].startswith(
        "1 row is longer than the length allows and cut off at the end; the longest has 21"
    )
    assert report.p99_length == 2


@pytest.mark.parametrize("count, severity", [(9, "problem"), (10, "warning"), (99, "warning"), (200, None)])
def test_too_few_rows_are_told(count, severity):
    report = check(chats(*many(count)), pieces)
    assert [finding.severity for finding in report.findings] == ([severity] if severity else [])
    if severity == "warning":
        assert "Prefer prompting" in report.findings[0].message


def test_repeated_rows_are_told():
    report = check(chats(*many(200), ("q1", "a1"), ("q1", "a1")), pieces)
    assert messages(report, "info") == ["2 rows repeat an earlier one."]
    assert report.findings[0].rows == (201, 202)
    assert messages(check(chats(*many(100) * 2), pieces), "warning") == ["100 rows repeat an earlier one."]


def pairs(*answers):
    examples = [
        {
            "prompt": [{"role": "user", "content": f"q {n}"}],
            "chosen": [{"role": "assistant", "content": chosen}],
            "rejected": [{"role": "assistant", "content": rejected}],
        }
        for n, (chosen, rejected) in enumerate(answers)
    ]
    rows = list(range(1, len(examples) + 1))
    return Dataset("preference", "preference", "Pairs", "", 1.0, {}, examples=examples, rows=rows, total_rows=len(rows))


def test_pairs_of_equal_answers_are_told():
    report = check(pairs(*[("a b", "c")] * 150, ("same", "same")), pieces)
    told = "1 row has the same chosen and rejected answer, so there is nothing to prefer."
    assert told in messages(report, "warning")
    assert report.tokens == 150 * (4 + 3) + 6
    assert "DPO" in report.advice


def test_a_pair_learns_only_if_both_answers_are_within_the_length():
    assert check(pairs(("a", "w " * 20)), pieces).kept == 1
    report = check(pairs(("a", "")), pieces)
    assert report.nothing_to_learn == [1] and report.kept == 0


def test_a_model_that_refuses_every_row_is_told_as_an_error():
    with pytest.raises(DataError, match="The template refuses it"):
        check(chats(("q", "refuse"), ("r", "refuse")), pieces)


def test_the_gravest_comes_first():
    report = check(chats(*[("q", "a")] * 5, ("w " * 20, "a")), pieces)
    assert [finding.severity for finding in report.findings] == ["problem", "warning", "warning", "warning"]


def test_the_dictionary_is_json_with_the_names_of_the_command_line():
    report = check(chats(("q", "a"), rejected=[Rejected(2, "It is odd.", 3)], total_rows=2), pieces).to_dict()
    assert json.loads(json.dumps(report)) == report
    assert report["rejected"] == [{"row": 2, "reason": "It is odd."}]
    assert {"format", "rows", "kept", "rejected", "truncated", "tokens", "findings", "advice"} <= report.keys()
    assert set(report["findings"][0]) == {"severity", "message", "rows"}


@pytest.mark.parametrize(
    "kind, count, words",
    [
        ("preference", 500, "DPO"),
        ("text", 500, "style"),
        ("chat", 40, "40 rows: LoRA"),
        ("chat", 500, "500 rows of answers: SFT"),
        ("chat", 20_000, "SFT of all weights"),
    ],
)
def test_advice_follows_the_kind_and_the_number(kind, count, words):
    assert words in advice(kind, count)
    assert counted(1) == "1 row" and counted(1319) == "1,319 rows"
