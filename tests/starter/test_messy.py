"""The messy table has every fault that the checks find and clicks can fix, and is good once it is fixed."""

import csv
import io

import pytest

from finetune.data.loading import read
from finetune.data.report import check
from finetune.data.settings import DataSettings
from finetune.methods.sft import SFT
from finetune.models.tokenizer import load_tokenizer
from finetune.recipe import ModelSettings
from finetune.starter import SAMPLES_DIR
from finetune.starter.messy import COLUMNS, GOOD_ROWS, is_in_form, messy

PATH = SAMPLES_DIR / "messy-support.csv"
SETTINGS = DataSettings(path="messy-support.csv", columns={"prompt": "body", "completion": "reply"})
LENGTH = 1024


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from finetune.runs.workspace import Workspace

    return load_tokenizer(ModelSettings(), Workspace(tmp_path_factory.mktemp("workspace")))


def checked(settings, tokenizer):
    data = read(PATH, settings)
    return data, check(data, lambda example: SFT().sequences(example, tokenizer, LENGTH), LENGTH)


def apply_fixes(tokenizer):
    """The settings after every fix that is offered, as clicks would add them."""
    settings = SETTINGS
    for _ in range(30):
        offered = [found.fix for found in checked(settings, tokenizer)[1].findings if found.fix]
        if not offered:
            return settings
        settings = settings.changed(fixes=(*settings.fixes, offered[0]))
    raise AssertionError("there is always one more fix")


def test_it_is_separated_by_semicolons_and_most_rows_are_good():
    rows = list(csv.DictReader(io.StringIO(messy()), delimiter=";"))
    assert tuple(rows[0]) == COLUMNS and 240 <= len(rows) <= 280
    assert GOOD_ROWS <= sum(is_in_form(row["reply"]) for row in rows) < len(rows) - 15
    assert rows[0]["ticket"] == "00417"


def test_every_kind_of_fault_is_found(tokenizer):
    codes = {finding.code for finding in checked(SETTINGS, tokenizer)[1].findings}
    assert codes >= {
        "secrets", "personal-data", "nothing-to-learn", "truncated", "rejected", "boilerplate", "broken-letters",
        "html", "languages", "duplicates", "near-duplicates", "one-word-answers",
    }  # fmt: skip


def test_with_the_offered_fixes_it_has_no_findings_but_the_rejected_rows(tokenizer):
    settings = apply_fixes(tokenizer)
    data, report = checked(settings, tokenizer)
    replies = [example["messages"][-1]["content"] for example in data.examples]
    assert len(replies) == report.kept >= GOOD_ROWS
    assert sum(map(is_in_form, replies)) >= len(replies) - 1
    assert {finding.code for finding in report.findings} == {"rejected"}
    assert "4111" not in str(list(data.examples)) and "example.com" not in str(list(data.examples))


@pytest.mark.parametrize("reply", ["", "Dear customer, hello. Kind regards, Team Blue", "Done.", "Dear customer, "])
def test_the_form_is_told_from_what_is_not_it(reply):
    assert not is_in_form(reply)
