"""OpenAI's preference format: an input with messages and tools, a preferred and a non-preferred output."""

from finetune.data.formats.format import SYSTEM, Format, FormatField, RowError, cell, system_prompt
from finetune.data.formats.preference import as_pair
from finetune.data.formats.tools import parsed, read_tools
from finetune.data.formats.turns import read_turns, unweighted, with_system

OUTPUTS = ("preferred_output", "non_preferred_output")


class OpenAIPreference(Format):
    """Columns ``input: {"messages": […], "tools": […]}``, ``preferred_output`` and ``non_preferred_output``."""

    name = "openai_preference"
    title = "OpenAI preference pairs"
    kind = "preference"
    order = 5
    fields = (
        FormatField("input", "An object with the messages that both outputs reply to, and the tools.", ("input",)),
        FormatField("preferred_output", "The better answer, as a list of messages.", ("preferred_output",)),
        FormatField("non_preferred_output", "The worse answer, as a list of messages.", ("non_preferred_output",)),
        SYSTEM,
    )
    holds = "messages with a better and a worse output"

    def example(self, row, columns, system=None, roles=None):
        given = parsed(cell(row, columns["input"]))
        if not isinstance(given, dict) or "messages" not in given:
            raise RowError(f'Column "{columns["input"]}" does not hold an object with messages.')
        before = read_turns(given["messages"], columns["input"], roles=roles)
        answers = (read_turns(cell(row, columns[field]), columns[field], roles=roles) for field in OUTPUTS)
        before, chosen, rejected = (unweighted(turns) for turns in (before, *answers))
        pair = as_pair(before, chosen, rejected, tuple(columns[field] for field in OUTPUTS))
        pair["prompt"] = with_system(pair["prompt"], system_prompt(row, columns, system))
        tools = read_tools(given.get("tools"), columns["input"])
        return {**pair, "tools": tools} if tools else pair
