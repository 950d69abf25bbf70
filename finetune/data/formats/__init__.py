"""What a row can look like: one format per file, found by being there.

    format              what a format is, and its fields
    openai_preference   OpenAI's preference pairs: input, preferred_output, non_preferred_output
    preference          prompt, chosen, rejected
    pairwise            prompt, two answers, and which is better
    ranked              prompt, several answers with scores
    rated               prompt, completion, label (thumbs up or down)
    completion_log      request, response
    chat                messages with role and content
    segments            a text in parts, each trained on or not
    sharegpt            conversations with from and value
    message_tree        messages with replies
    conversation        conversations with other keys
    reasoning           question, reasoning, answer
    alpaca              instruction, input, output
    function_calls      query, tools, calls
    multiple_choice     question, choices, answer
    question_answer     question, answer
    prompt_completion   prompt, completion
    translation         the same text in two languages
    summarization       texts and their summaries
    classification      texts and their labels
    text_to_text        texts and what they become
    written_text        conversations written out as one text
    plain_text          a column of text
    prompts             questions without answers

What they share:

    mapping             columns and roles that a person assigned
    contents            what columns hold
    answer              an answer as text
    request             the question, its context, and the turns before it
    turns               the turns of a conversation, read and checked
    blocks              the content of a turn: a text, parts or blocks of several kinds, or an object
    layouts             layouts of a conversation other than a list of turns
    turn_mask           a loss mask beside a conversation
    switches            which answers are trained on
    tools               tools and tool calls
    sides               one side of an exchange: a text, turns, or a transcript
    written             text that is already written out for a model, turned back into turns

How to add one:

1. Add a file here with one subclass of ``Format``: ``name``, ``title``, the ``kind`` of example (``data/kinds.py``),
   its ``fields`` (each a ``FormatField`` with the usual column names), what it ``holds``, and its ``order``.
2. Write ``example(row, columns)``: the example that a row gives, with TRL's columns; ``RowError`` says why it gives
   none. Detection tries it on a sample of rows, so nothing else needs to recognize the format.
3. Override ``find`` or ``guess`` if names alone do not identify the columns, and ``plain`` if a large table should be
   read fast.
4. Add ``tests/data/formats/test_NAME.py``, its place in the order of ``test_format.py``, and, if a method reads its
   kind, rows of it to ``ROWS`` in ``tests/data/test_truth.py``. Run ``python -m tests.docs --write`` for the README.

The page's mapping form, the command line and the recipe then offer it.
"""

import sys

from finetune.data.formats.format import Format, FormatField, Plain, Recognition, RowError
from finetune.registry import discover

FORMATS: dict[str, Format] = {cls.name: cls() for cls in discover(sys.modules[__name__], Format)}

__all__ = ["FORMATS", "Format", "FormatField", "Plain", "Recognition", "RowError"]
