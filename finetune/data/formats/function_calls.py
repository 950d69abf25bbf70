"""Function calls: a request, the functions, and the calls that answer it, as in xLAM."""

from finetune.data.formats.chat import with_real_tools
from finetune.data.formats.format import SYSTEM, TOOLS, Format, FormatField, RowError, cell, system_prompt, text
from finetune.data.formats.tools import parsed, read_calls, read_tools
from finetune.data.formats.turns import with_system


class FunctionCalls(Format):
    """Columns ``query``, ``tools`` and ``answers``, a list of ``{"name": …, "arguments": {…}}``."""

    name = "function_calls"
    title = "Requests and function calls"
    kind = "chat"
    order = 44
    fields = (
        FormatField("query", "What is asked for.", ("query", "question", "prompt", "instruction", "input", "request")),
        FormatField(
            "calls",
            "The calls to train on: a list of names with arguments.",
            (
                "answers", "answer", "calls", "tool_calls", "function_calls", "function_call", "expected_calls",
                "output", "completion", "response", "target", "ground_truth",
            ),
        ),
        TOOLS,
        SYSTEM,
    )  # fmt: skip
    holds = "requests and the function calls that answer them"

    def find(self, columns, rows, mapped):
        found = with_real_tools(super().find(columns, rows, mapped), rows, mapped)
        return found if "tools" in found else {}

    def example(self, row, columns, system=None, roles=None):
        asked, calls = text(row, columns["query"]), parsed(cell(row, columns["calls"]))
        if not isinstance(calls, (list, dict)) or not calls:
            raise RowError(f'Column "{columns["calls"]}" holds no function calls.')
        answer = {"role": "assistant", "content": "", "tool_calls": read_calls(calls, f'Column "{columns["calls"]}"')}
        turns = with_system([{"role": "user", "content": asked}, answer], system_prompt(row, columns, system))
        tools = read_tools(cell(row, columns["tools"]), columns["tools"]) if "tools" in columns else []
        return {"messages": turns, "tools": tools} if tools else {"messages": turns}
