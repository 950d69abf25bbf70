"""Alpaca: an instruction, an optional input for it, and the output; or a list of inputs and outputs."""

from dataclasses import replace

from finetune.data.formats.answer import answer
from finetune.data.formats.format import (
    SYSTEM,
    Format,
    FormatField,
    RowError,
    cell,
    plain_exchange,
    system_prompt,
    text,
)
from finetune.data.formats.request import CONTEXT, HISTORY, about, context, earlier, exchange_after, without_echo
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import exchange


class Alpaca(Format):
    """Columns ``instruction``, ``input`` and ``output``, or ``instances: [{"input": …, "output": …}, …]``."""

    name = "alpaca"
    title = "Alpaca instructions"
    kind = "chat"
    order = 40
    fields = (
        FormatField("instruction", "What is asked for.", ("instruction",)),
        replace(CONTEXT, name="input", help="The input of the instruction, put below it."),
        FormatField("output", "The answer to train on.", ("output", "response"), required=False),
        FormatField(
            "instances",
            "A list of inputs and outputs for one instruction, instead of the two.",
            ("instances",),
            required=False,
        ),
        HISTORY,
        SYSTEM,
    )
    holds = "an instruction and its output"

    def find(self, columns, rows, mapped):
        return without_echo(super().find(columns, rows, mapped), rows, mapped, "instruction", "input")

    def missing(self, columns):
        return super().missing(columns) or ([] if "output" in columns or "instances" in columns else ["output"])

    def plain(self, columns, system=None):
        return plain_exchange(columns, "instruction", "output", system)

    def example(self, row, columns, system=None, roles=None):
        return self.examples(row, columns, system)[0]

    def examples(self, row, columns, system=None, roles=None):
        asked = text(row, columns["instruction"])
        system, before = system_prompt(row, columns, system), earlier(row, columns, roles)
        if "instances" not in columns:
            answered = answer(row, columns.get("output", "output"))
            return [exchange_after(before, about(asked, context(row, columns, "input")), answered, system)]
        instances = parsed(cell(row, columns["instances"]))
        if not isinstance(instances, list) or not instances or not all(isinstance(item, dict) for item in instances):
            raise RowError(f'Column "{columns["instances"]}" holds no list of inputs and outputs.')
        given = {"input": "input"}
        return [
            exchange(about(asked, context(instance, given, "input")), answer(instance, "output"), system)
            for instance in instances
        ]
