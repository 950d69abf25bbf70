import json
import time

import pytest
from pydantic import ValidationError

from finetune.data.fixes import FIXES
from finetune.data.fixes.mask import Mask
from finetune.data.table import Table
from tests.rows import read


def masked(values, **settings):
    table = Table("JSONL")
    table.add(values)
    return Mask(**settings).on_table(table).rows[0]


def test_secrets_are_masked_wherever_they_are():
    turns = [{"role": "user", "content": "I am a@example.com"}, {"role": "assistant", "content": "Hello."}]
    assert masked({"messages": turns, "meta": {"tags": ["call 415-555-0123", 7]}}) == {
        "messages": [{"role": "user", "content": "I am [e-mail]"}, {"role": "assistant", "content": "Hello."}],
        "meta": {"tags": ["call [phone]", 7]},
    }


def test_a_card_written_as_a_number_is_masked_and_other_values_stay():
    values = {"card": 4111111111111111, "amount": 4111111111111112, "ok": True, "nothing": None, "share": 0.5}
    assert masked(values) == {**values, "card": "[card]"}


def test_only_the_kinds_asked_for():
    assert masked({"a": "a@example.com 123-45-6789"}, kinds=("ssn",)) == {"a": "a@example.com [SSN]"}


def test_json_in_a_text_is_masked_within_and_stays_json():
    turns = [
        {"role": "user", "content": "Mail:\nanna@example.com\tor call\t415-555-0123, “bitte”"},
        {"role": "assistant", "content": 'It is {"card": 4111111111111111}.'},
    ]
    for ascii_only in (True, False):
        written = json.dumps(turns, ensure_ascii=ascii_only)
        found = masked({"messages": written})["messages"]
        assert json.loads(found)[0]["content"] == "Mail:\n[e-mail]\tor call\t[phone], “bitte”"
        assert found.isascii() == ascii_only and "4111" not in found


def test_keys_of_objects_are_masked_and_none_takes_anothers_place():
    people = {"anna@example.com": 1, "[e-mail]": 2, "ben@example.com": {"to": "c@example.com"}, "d": 4}
    wanted = {"[e-mail] 2": 1, "[e-mail]": 2, "[e-mail] 3": {"to": "[e-mail]"}, "d": 4}
    assert masked({"people": people})["people"] == wanted == masked({"people": wanted})["people"]
    assert json.loads(masked({"people": json.dumps(people)})["people"]) == wanted
    assert masked({"anna@example.com": "x"}) == {"anna@example.com": "x"}, "a column keeps its name"


def test_many_keys_that_become_the_same_do_not_take_long():
    people = {f"a{number}@example.com": number for number in range(20_000)}
    started = time.perf_counter()
    assert len(masked({"people": people})["people"]) == 20_000
    assert time.perf_counter() - started < 5


def test_some_kind_has_to_be_named():
    with pytest.raises(ValidationError):
        Mask(kinds=())


def test_what_is_around_a_secret_in_json_keeps_its_spelling():
    answer = '{"card":4111111111111111,  "mail": "a@example.com", "share": 1.50,\n "big": 4111111111111112, "n": 1e3}'
    assert masked({"a": answer})["a"] == (
        '{"card":"[card]",  "mail": "[e-mail]", "share": 1.50,\n "big": 4111111111111112, "n": 1e3}'
    )
    call = json.dumps([{"name": "send", "arguments": json.dumps({"to": "a@example.com", "note": "\u00fc"})}])
    assert json.loads(json.loads(masked({"a": call})["a"])[0]["arguments"]) == {"to": "[e-mail]", "note": "ü"}
    assert masked({"a": '{"a": "b" and a@example.com'})["a"] == '{"a": "b" and [e-mail]'


def test_a_masked_conversation_in_a_text_is_still_one():
    talk = [{"role": "user", "content": "Write to:\nanna@example.com"}, {"role": "assistant", "content": "I\twill."}]
    dataset = read([{"messages": json.dumps(talk)}] * 3, Mask())
    assert [example["messages"][0]["content"] for example in dataset.examples] == ["Write to:\n[e-mail]"] * 3


def test_a_table_without_secrets_is_the_same_table():
    table = Table("JSONL")
    table.add({"a": "b", "c": ["d", {"e": 1}]})
    assert Mask().on_table(table) is table


def test_it_applies_everywhere():
    assert FIXES["mask"].everywhere and not FIXES["drop"].everywhere


def test_the_words_name_the_kinds():
    assert Mask(kinds=("key", "e-mail", "iban")).words == "Each key, e-mail address and IBAN became a placeholder."
    assert Mask(kinds=("key",)).words == "Each key became a placeholder."
