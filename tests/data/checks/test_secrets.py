import json

import pytest

from finetune.data.fixes.mask import Mask
from tests.rows import clean, finding

TOKEN = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"


def saying(*texts):
    rows = clean(100 + len(texts))
    return rows[:100] + [{**row, "prompt": f"{row['prompt']} {text}"} for row, text in zip(rows[100:], texts)]


def test_keys_are_a_problem_that_one_click_masks():
    rows = saying(f"My token is {TOKEN}.", "It is 4111 1111 1111 1111.", f"Again {TOKEN}.")
    found = finding(rows, "secrets")
    assert (found.severity, found.rows, found.fix) == ("problem", (101, 102, 103), Mask(kinds=("key", "card")))
    assert found.message.startswith(
        "Possible secrets: Hugging Face token (hf_a…) in 2 rows, card number (4111…) in 1 row."
    )
    assert TOKEN not in found.message
    assert finding(rows, "secrets", found.fix) is None


def test_personal_data_is_a_warning_that_one_click_masks():
    rows = saying("Write to anna.berg@example.com.", "Call +44 20 7946 0958.")
    found = finding(rows, "personal-data")
    assert (found.severity, found.rows) == ("warning", (101, 102))
    assert (
        "Possible personal data: e-mail address (anna…) in 1 row, phone number (+44…) in 1 row." in found.message
        and "anna.berg" not in found.message
    )
    assert finding(rows, "personal-data", found.fix) is None
    assert finding(rows, "secrets") is None


def test_a_row_is_counted_once():
    assert "(anna…) in 1 row." in finding(saying("anna@example.com, anna@example.com"), "personal-data").message


def test_clean_rows_hold_none():
    assert finding(clean(100), "secrets") is None and finding(clean(100), "personal-data") is None


def test_a_secret_after_a_line_feed_in_a_call_is_found_and_masked():
    body = f"Call\n415-555-0123 and\n{TOKEN}"
    arguments = {"body": body, "card": 4111111111111111, "anna@example.com": True}
    for written in (arguments, json.dumps(arguments)):
        calls = [{"type": "function", "function": {"name": "send", "arguments": written}}]
        talk = [{"role": "user", "content": "Send it."}, {"role": "assistant", "content": "", "tool_calls": calls}]
        tools = [{"type": "function", "function": {"name": "send"}}]
        rows = [{"messages": talk, "tools": tools}] * 3
        found = finding(rows, "secrets")
        assert "Hugging Face token (hf_a…) in 3 rows, card number (4111…) in 3 rows." in found.message
        assert finding(rows, "secrets", found.fix) is None
        personal = finding(rows, "personal-data")
        assert "phone number (415-…) in 3 rows" in personal.message and "e-mail address (anna…)" in personal.message
        assert finding(rows, "personal-data", personal.fix) is None


@pytest.mark.parametrize("written", [list, json.dumps])
def test_a_secret_in_a_tool_definition_is_found_and_masked(written):
    parameters = {"type": "object", "properties": {"to": {"type": "string", "default": "anna.berg@example.com"}}}
    tool = {"name": "send", "description": f"Call it with {TOKEN}", "parameters": parameters}
    talk = [{"role": "user", "content": "Send it."}, {"role": "assistant", "content": "It is on its way to you. " * 9}]
    rows = [{"messages": talk, "tools": written([{"type": "function", "function": tool}])}] * 3
    found = finding(rows, "secrets")
    assert (found.severity, found.rows) == ("problem", (1, 2, 3))
    assert "Hugging Face token (hf_a…) in 3 rows." in found.message
    assert finding(rows, "secrets", found.fix) is None
    personal = finding(rows, "personal-data")
    assert "e-mail address (anna…) in 3 rows" in personal.message
    assert finding(rows, "personal-data", personal.fix) is None
