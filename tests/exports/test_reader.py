"""What a parity check asks: every reader of the product gives it."""

import inspect

from finetune.exports.plain import Plain
from finetune.exports.reader import Reader

ASKED = ("prompt", "answer", "text")


def test_plain_transformers_is_a_reader():
    for name in ASKED:
        own, wanted = (inspect.signature(getattr(each, name)) for each in (Plain, Reader))
        assert list(own.parameters) == list(wanted.parameters)
    assert "opened_with" in inspect.signature(Plain).parameters
