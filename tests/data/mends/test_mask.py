from finetune.data.mends import MENDS
from finetune.data.mends.mask import Mask
from finetune.data.table import Table


def masked(values, **settings):
    table = Table("JSONL")
    table.add(values)
    return Mask(**settings).on_table(table).rows[0]


def test_placeholders_are_put_wherever_they_stand():
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


def test_a_table_without_secrets_is_the_same_table():
    table = Table("JSONL")
    table.add({"a": "b", "c": ["d", {"e": 1}]})
    assert Mask().on_table(table) is table


def test_of_all_mends_it_alone_is_made_everywhere():
    assert [name for name, mend in MENDS.items() if mend.everywhere] == ["mask"]


def test_the_words_name_the_kinds():
    assert Mask(kinds=("key", "e-mail", "iban")).words == "Each key, e-mail address and IBAN became a placeholder."
    assert Mask(kinds=("key",)).words == "Each key became a placeholder."
