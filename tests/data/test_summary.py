import json
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from finetune.data import detection, near, store, summary
from finetune.data.checks.answers import is_boilerplate
from finetune.data.checks.broken_text import BrokenText
from finetune.data.checks.check import look
from finetune.data.formats.turns import exchange
from finetune.data.loading import read
from finetune.data.readers import lines
from finetune.data.report import check
from finetune.data.secrets import find
from finetune.data.settings import DataSettings
from finetune.data.summary import PREFILTER, summaries
from finetune.data.texts import LONG_CHARACTERS
from tests.rows import LENGTH, sequences

CALM = "The ship sails from the harbour at noon and comes back on Monday evening"
TURNS = '[{"role": "user", "content": "x"}]'
FINDS = [
    "sk-" + "a1B2" * 8, "hf_" + "abcd" * 6, "ghp_" + "a" * 36, "AKIAABCDEFGHIJKLMNOP", "AIza" + "b" * 35,
    "xoxb-1234567890-ab", "rk_live_" + "a" * 24, "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM",
    "-----BEGIN RSA PRIVATE KEY-----", "anna@example.com", "+44 20 7946 0958", "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00", "078-05-1120", "(212) 555-0123", "+٤٤٢٠٧٩٤٦٠٩٥٨",
    "+44\u00a020\u202f7946\u20110958", "IBANDE89370400440532013000", "é@ü.de",
    "CafÃ©", "itâ€™s", "\ufffd", "ðŸ˜€", "Ð¿Ñ", "<br>", "</ſpan>", "</lı>", "<BR />", "&nbsp;", "&#8217;", "&NBſP;",
    "as an AI language model", "As an artıfİcial ıntellİgence", "Lorem ipsum", "I cannot help", "İ can't aſſiſt",
    "I am unable to do", "todo", "TBD", "fıxme", "xxx",
    "n/a", "...", "#### 42", "#### $1,000.", "[", "{", TURNS,
]  # fmt: skip
"""What checks find, what only looks like it, and what makes a row no plain one."""

fragment = st.sampled_from([*FINDS, CALM, CALM.upper(), " ", "\n", "日本", "ſ", "K", "12345678", "yes"])
said = st.lists(fragment, min_size=1, max_size=4).map(" ".join) | st.sampled_from(
    [CALM, f"{CALM}\n", f" {CALM}", "yes", " "]
)
answer = st.one_of(said, said, said, st.none(), st.integers(0, 99), st.booleans())
rows = st.lists(st.fixed_dictionaries({"question": said, "answer": answer, "id": st.integers(0, 9)}), max_size=40)


@contextmanager
def large(one_by_one: bool = False):
    """Small files are treated like large ones; with ``one_by_one`` every example is a candidate."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (store, detection):
            patch.setattr(module, "MEMORY_BYTES", 0)
        for name, size in (("COLUMN_BYTES", 900), ("PART_BYTES", 500), ("BLOCK_BYTES", 500)):
            patch.setattr(lines, name, size)
        patch.setattr(summary, "BYTES", 400)
        if one_by_one:
            patch.setattr(summary, "KINDS", ())
        yield


def result_of(path: Path, **options) -> tuple:
    """All that a report says of a file."""
    data = read(path, DataSettings(path=path.name, **options), prefilter=PREFILTER)
    report = check(data, sequences, length=LENGTH)
    numbers = [number for each in summaries(data.examples, data.rows, data.kind) for number in each.fingerprints]
    assert numbers == list(map(near.fingerprint, data.examples))
    return report.to_dict(), [astuple(stage) for stage in report.stages], list(data.rows), list(data.examples)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=rows,
    names=st.sampled_from(
        [("question", "answer"), ("prompt", "completion"), ("instruction", "output"), ("id2", "text")]
    ),
    system=st.sampled_from([None, None, "Be kind.", "Write to anna@example.com."]),
    ascii_only=st.booleans(),
)
@example([{"question": TURNS, "answer": CALM, "id": 1}], ("prompt", "completion"), None, False)
@example([{"question": "Why?", "answer": f"{CALM}. #### 42", "id": 1}], ("question", "answer"), None, False)
def test_a_report_from_summaries_equals_the_report_on_each_example(tmp_path, rows, names, system, ascii_only):
    path = tmp_path / "rows.jsonl"
    calm = [{"question": f"{CALM}, {n}?", "answer": f"{CALM} for the {n}. time.", "id": n} for n in range(9)]
    written = [
        {names[0]: row["question"], names[1]: row["answer"], "id": row["id"]} for row in (*calm, *rows, *calm[:2])
    ]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in written))
    told_one_by_one, told_at_a_glance = [], []
    for found, one_by_one in ((told_one_by_one, True), (told_at_a_glance, False)):
        with large(one_by_one):
            found.append(result_of(path, system=system, format="text" if "text" in names else "auto"))
    assert told_at_a_glance == told_one_by_one


text = st.lists(fragment | st.text(max_size=3), max_size=5).map("".join)


@settings(max_examples=500, deadline=None)
@given(texts=st.lists(text, min_size=1, max_size=5))
def test_text_without_a_prefilter_match_has_no_finding(texts):
    finder = BrokenText()
    for text, is_signed in zip(texts, summary._matches(texts)):
        finder.see(look(0, 1, {"text": text}))
        if not is_signed:
            assert not find(text) and not (len(text) > LONG_CHARACTERS and is_boilerplate(text))
            assert not finder.broken and not finder.html
        finder = BrokenText()


def test_every_match_passes_the_prefilter_and_calm_text_does_not():
    assert all(summary._matches([f"{CALM} {each}" for each in FINDS[: FINDS.index("n/a")]]))
    assert summary._matches([CALM, f"{CALM}: 3 of 17, 日本", "\ud800"]) == [False, False, False]


def test_calm_rows_of_a_file_are_never_made(tmp_path):
    path = tmp_path / "rows.jsonl"
    examples = [{"question": f"Why {n}?", "answer": f"{CALM} {n}"} for n in range(50)]
    examples[20]["answer"] += " anna@example.com"
    path.write_text("\n".join(map(json.dumps, examples)))
    with large():
        data = read(path, DataSettings(path=path.name), prefilter=PREFILTER)
        found = list(summaries(data.examples, data.rows, data.kind))
    first, last = [1, 2, 3, 4], 50  # they tell the columns; it has no line feed
    assert [seen.row for each in found for seen in each.candidates] == [*first, 21, last]
    assert sum(each.others for each in found) == 44 and sum(each.turns[2] for each in found) == 50
    assert [number for each in found for number in each.fingerprints] == list(map(near.fingerprint, data.examples))
    assert [at for each in found for at in each.answer_positions] == [n for n in range(4, 49) if n != 20]
    said = [number for each in found for number in each.answer_hashes]
    assert said == [near.text_hash(f"{CALM} {n}") for n in range(4, 49) if n != 20]


def test_pairs_and_ratings_are_always_candidates():
    examples = [{**exchange("Why?", CALM), "n": n} for n in range(1200)]
    for kind, candidates in (("chat", 0), ("preference", 1200), ("rated", 1200)):
        found = list(summaries(examples, range(1, 1201), kind))
        assert sum(len(each.candidates) for each in found) == candidates
        assert [each.start for each in found] == [0, 500, 1000]
