"""Alpaca: an instruction, an optional input for it, and the output; or a list of inputs and outputs."""

from finetune.data.formats.format import (
    SYSTEM,
    Format,
    FormatField,
    RowError,
    cell,
    optional_text,
    plain_exchange,
    system_prompt,
    text,
)
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import exchange

NO_INPUT = "<noinput>"
"""What generated Alpaca rows contain if there is no input."""


class Alpaca(Format):
    """Columns ``instruction``, ``input`` and ``output``, or ``instances: [{"input": …, "output": …}, …]``."""

    name = "alpaca"
    title = "Alpaca instructions"
    kind = "chat"
    order = 40
    fields = (
        FormatField("instruction", "What is asked for.", ("instruction",)),
        FormatField("input", "The input of the instruction, appended to it.", ("input", "context"), required=False),
        FormatField("output", "The answer to train on.", ("output", "response"), required=False),
        FormatField(
            "instances",
            "A list of inputs and outputs for one instruction, instead of the two.",
            ("instances",),
            required=False,
        ),
        SYSTEM,
    )
    holds = "an instruction and its output"

    def missing(self, columns):
        return super().missing(columns) or ([] if "output" in columns or "instances" in columns else ["output"])

    def plain(self, columns, system=None):
        return plain_exchange(columns, "instruction", "output", system)

    def example(self, row, columns, system=None, roles=None):
        return self.examples(row, columns, system)[0]

    def examples(self, row, columns, system=None, roles=None):
        asked = text(row, columns["instruction"])
        system = system_prompt(row, columns, system)
        if "instances" not in columns:
            return [self._example(asked, row, columns.get("input"), columns.get("output", "output"), system)]
        instances = parsed(cell(row, columns["instances"]))
        if not isinstance(instances, list) or not instances or not all(isinstance(item, dict) for item in instances):
            raise RowError(f'Column "{columns["instances"]}" holds no list of inputs and outputs.')
        return [self._example(asked, instance, "input", "output", system) for instance in instances]

    def _example(
        self, instruction: str, values: dict, input_column: str | None, output_column: str, system: str | None
    ) -> dict:
        asked = about(instruction, optional_text(values, input_column))
        return exchange(asked, text(values, output_column), system)


def about(instruction: str, given: str) -> str:
    """The instruction with its input below it, if there is one."""
    return instruction if given.strip().lower() in ("", NO_INPUT) else f"{instruction}\n\n{given}"
