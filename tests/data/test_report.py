import csv
import io
import json
import time

import pytest

from finetune.data.dataset import Dataset
from finetune.data.fixes.deduplicate import Deduplicate
from finetune.data.fixes.drop import Drop
from finetune.data.formats.turns import exchange
from finetune.data.report import Report, check
from finetune.data.table import Rejected
from finetune.data.tokens import TokenSequence
from finetune.errors import DataError
from tests.rows import LENGTH, clean, pair, read, report_on, sequences

LONG = "w " * (2 * LENGTH)


def chats(*pairs, **values):
    examples = [exchange(question, answer) for question, answer in pairs]
    rows = values.pop("rows", list(range(1, len(pairs) + 1)))
    total = values.pop("total_rows", len(examples))
    return Dataset("chat", "chat", "Chat", "", 1.0, {}, examples=examples, rows=rows, total_rows=total, **values)


def many(count):
    return [(f"q{n}", f"a{n} because of {n}") for n in range(count)]


def mixed():
    """Rows of every fate, and how many of each."""
    pairs = [*many(130), ("q", LONG), (LONG, "a"), ("q", "refuse"), many(1)[0], ("Q0!", "A0 because of 0")]
    rejected = [Rejected(3, "It is odd.", 9), Rejected(4, "You left it out.", 10)]
    return chats(*pairs, rows=[1, 2, *range(5, 138)], rejected=rejected, total_rows=137)


def counts(report):
    return {stage.name: stage.count for stage in report.stages}


def test_a_clean_file_has_no_findings():
    report = report_on(chats(*many(200)))
    assert (report.rows, report.kept, report.counts.tokens, report.counts.trained) == (200, 200, 1000, 800)
    assert (report.longest, report.p99_length, report.sampled_from) == (5, 5, 0)
    assert report.findings == []


def test_every_row_is_accounted_for():
    report = report_on(mixed(), held_out=chats(many(2)[1], ("Q1!", "a1 because of 1")))
    assert report.kept == 133
    assert [(bad.row, bad.line) for bad in report.rejected] == [(3, 9), (4, 10), (135, None)]
    assert (report.truncated, report.nothing_to_train_on) == ([133, 134], [134])
    assert report.rows == report.kept + len(report.rejected) + len(report.nothing_to_train_on)
    assert (report.counts.tokens, report.counts.trained) == (132 * 5 + LENGTH, 132 * 4 + LENGTH - 1)


def test_rejected_rows_are_a_table():
    written = report_on(mixed()).rejected_csv().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(written)))
    assert [(row["row"], row["line"]) for row in rows] == [("3", "9"), ("4", "10"), ("135", "")]
    assert rows[0]["reason"] == "It is odd." and list(rows[0]) == ["row", "line", "reason"]
    several = (
        Report("chat", 2, rejected=[Rejected(2, 'It says "no", twice.', 3, file="b.csv")])
        .rejected_csv()
        .decode("utf-8-sig")
    )
    assert list(csv.reader(io.StringIO(several)))[1] == ["2", "3", 'It says "no", twice.', "b.csv"]


def test_fixed_rows_are_left_out_and_not_reported_again():
    rows = clean(200) + clean(2)
    report = report_on(read(rows, Drop(rows="7"), Deduplicate()))
    assert counts(report)["left_out"] == 3 and counts(report)["rejected"] == 0 and report.kept == 199
    assert report.findings == []


def test_a_pair_is_kept_only_if_both_answers_are_within_the_length():
    report = report_on(read([pair("Why?", "Because.", LONG), pair(LONG, "Because.", "Why not?")]))
    assert (report.kept, report.nothing_to_train_on, report.truncated) == (1, [2], [1, 2])


def test_a_model_that_refuses_every_row_is_an_error():
    with pytest.raises(DataError, match="The template refuses it"):
        check(chats(("q", "refuse"), ("r", "refuse")), sequences)


def test_the_most_severe_comes_first():
    report = report_on(chats(*[("q", "a")] * 4, (LONG, "a")))
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=("problem", "warning", "info").index) and severities[0] == "problem"
    assert len(set(severities)) > 1


def test_a_large_dataset_is_estimated_from_a_spread_sample():
    asked = []

    def counted(example):
        asked.append(example)
        return sequences(example)

    pairs = [(LONG, "a") if n % 4 == 0 else ("q", LONG) if n % 4 == 1 else pair for n, pair in enumerate(many(1000))]
    report = check(chats(*pairs), counted, length=LENGTH, budget=100)
    assert len(asked) == report.sampled_from == 100
    assert asked[-1] != exchange(*pairs[99])
    stages = {stage.name: stage for stage in report.stages}
    assert sum(stage.count for stage in report.stages if stage.removed) + report.kept == 1000
    assert stages["kept"].estimated and "estimated from 100 rows" in stages["truncated"].words
    assert report.counts.tokens == 10 * sum(
        len(sequence.ids) for each in asked for sequence in sequences(each) if sequence.has_trained_tokens
    )
    messages = {finding.code: finding.message for finding in report.findings}
    assert messages["truncated"].startswith("About ") and sum(count for *_, count in report.token_histogram) == 1000
    assert not stages["duplicates"].estimated


def test_progress_is_reported():
    shares = []
    report_on(chats(*many(1200)), progress=shares.append)
    assert shares == [0, 500 / 1200, 1000 / 1200]


def test_duplicates_and_secrets_are_found_in_all_rows_despite_sampling():
    pairs = [*many(1000), many(1)[0], ("mail to anna@example.com", "I will do it at once.")]
    report = report_on(chats(*pairs), budget=50)
    rows = {finding.code: finding.rows for finding in report.findings}
    assert rows["duplicates"] == (1001,) and rows["personal-data"] == (1002,)
    assert report.kept == 1002


def test_turns_are_counted_without_the_system_prompt():
    dataset = chats(*many(3))
    dataset.examples[0]["messages"].insert(0, {"role": "system", "content": "Be kind."})
    dataset.examples[1]["messages"] += exchange("And?", "Then.")["messages"]
    assert report_on(dataset).turn_histogram == [(2, 2, 2), (3, 3, 0), (4, 4, 1)]
    assert report_on(read([{"text": f"Once there was a lamp {n}."} for n in range(9)])).turn_histogram == []


def test_the_dictionary_is_json_with_the_names_of_the_command_line():
    rows = [*clean(3), clean(1)[0], {"prompt": "Why?", "completion": ""}, {"prompt": "Why?", "completion": LONG}]
    report = report_on(read(rows)).to_dict()
    assert json.loads(json.dumps(report)) == report
    assert report["rejected"][0]["row"] == 5 and set(report["rejected"][0]) == {"row", "line", "reason"}
    assert {
        "format", "rows", "kept", "rejected", "truncated", "nothing_to_learn", "tokens", "trained_tokens", "longest",
        "title", "kind", "columns", "unused", "confidence", "is_sure", "reason", "notes",
        "p99_length", "findings", "advice", "stages", "token_histogram", "turn_histogram", "sampled_from",
    } == report.keys()  # fmt: skip
    found = {finding["code"]: finding for finding in report["findings"]}
    assert {"code", "severity", "message", "rows"} == set(found["size"])
    assert found["duplicates"]["fix"] == {"type": "deduplicate", "near": False}
    assert found["truncated"]["length"] == 128


def test_advice_is_the_methods_own_for_the_rows_that_are_kept():
    rows = [{**row, "completion": ("refund", "other")[n % 2]} for n, row in enumerate(clean(60))]
    dataset = read(rows)
    report = check(dataset, sequences, LENGTH, advise=lambda *facts: str(facts))
    assert report.advice == str(("chat", 60, 2))
    assert check(dataset, sequences, LENGTH).advice == ""


def test_checking_a_row_is_fast():
    """Ten times what it takes, so that it fails for a change of kind and not for a busy machine."""
    dataset = chats(
        *((f"Why is it that {row['prompt']} {n}", row["completion"] * 4) for n, row in enumerate(clean(800) * 25))
    )
    started = time.perf_counter()
    report_on(dataset, budget=100)
    assert (time.perf_counter() - started) / len(dataset.examples) < 200e-6


def test_every_piece_of_a_long_text_is_a_training_row(tiny_model):
    from transformers import AutoTokenizer

    from finetune.data.pieces import cutting
    from finetune.data.settings import DataSettings
    from finetune.methods.sft import SFT

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    dataset = read([{"text": f"So {n} it is. " * 20} for n in range(12)])
    made = cutting(SFT().sequences, DataSettings(path="a", split_long=True))
    report = check(dataset, lambda example: made(example, tokenizer, 50), 50)
    whole = check(dataset, lambda example: SFT().sequences(example, tokenizer, 5000), 5000)
    assert (report.kept, report.truncated, whole.truncated) == (12, [], [])
    assert report.counts.tokens == whole.counts.tokens and report.longest <= 50
    assert report.counts.rows == sum(len(made(example, tokenizer, 50)) for example in dataset.examples) > 60
    assert not [finding for finding in report.findings if finding.code == "truncated"]


def test_whole_prompts_are_kept_though_none_of_their_tokens_is_trained():
    prompts = [{"prompt": [{"role": "user", "content": text}]} for text in ["What is 2 + 2?"] * 11 + [LONG]]
    data = Dataset(
        "prompt", "prompts", "Prompts", "", 1.0, {}, examples=prompts, rows=list(range(1, 13)), total_rows=12
    )

    def tokens(example):
        words = example["prompt"][0]["content"].split()
        kept = words[:LENGTH]
        return (TokenSequence(tuple(range(len(kept))), (False,) * len(kept), len(words)),)

    report = check(data, tokens, length=LENGTH)
    assert (report.kept, report.nothing_to_train_on, report.truncated) == (11, [12], [12])
    assert (report.counts.rows, report.counts.tokens, report.counts.trained) == (11, 55, 0)
