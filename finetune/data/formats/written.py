"""Text that is already written out for a model, turned back into the turns of a conversation.

The markers of well-known chat templates, and the names of speakers in transcripts. Training on such a text as it is
would give it a second beginning, and train the user's words. Each text is read in linear time.
"""

import re
from dataclasses import dataclass

from finetune.data.formats.turns import CALL, SPEAKERS

JOINED = "joined"
"""What belongs to the turn before it: Alpaca's input."""
NAMES = {name: role for name, role in SPEAKERS.items() if role != CALL} | {"moss": "assistant"}
SECTIONS = {
    **NAMES, "instruction": "user", "question": "user", "input": JOINED, "context": JOINED, "response": "assistant",
    "answer": "assistant", "output": "assistant",
}  # fmt: skip
BRACKETS = {"[inst]": "user", "[/inst]": "assistant", "[system_prompt]": "system", "[/system_prompt]": JOINED}
VICUNA = {"USER": "user", "ASSISTANT": "assistant", "SYSTEM": "system", "FUNCTION RESPONSE": "tool"}
SPOKEN = {
    **dict.fromkeys(("human", "user"), "user"), "system": "system",
    **dict.fromkeys(("assistant", "ai", "ai assistant", "bot", "chatbot", "gpt", "chatgpt"), "assistant"),
}  # fmt: skip
TOKENS = (
    "</s>", "<s>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>",
    "<|begin_of_text|>", "<end_of_turn>", "<turn|>", "<eos>", "<bos>", "<eoh>", "<eom>", "<|end_of_turn|>",
    "<|END_OF_TURN_TOKEN|>", "<BOS_TOKEN>", "<EOS_TOKEN>", "<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>",
    "[gMASK]", "<sop>", "<|return|>",
)  # fmt: skip
"""Tokens at which a text or a turn begins or ends."""
FIRST, LAST = ({token[place] for token in TOKENS} for place in (0, -1))
ALPACA = "Below is an instruction"
"""How the text before the first turn begins in Alpaca's template; it says nothing about the row."""
SYSTEM_START, SYSTEM_END = "<<SYS>>", "<</SYS>>"


@dataclass(frozen=True)
class Dialect:
    """One way of writing a conversation as a text."""

    marker: re.Pattern
    """What begins a turn, with the speaker as its group."""
    names: dict[str, str]
    """Speakers -> their role."""
    sign: str = ""
    """Characters that every text in it has: looking for them is faster than the expression."""
    must_begin: bool = False
    """True if the text must begin with a marker; else what comes before the first is the system prompt."""

    def markers(self, text: str) -> list[re.Match]:
        """What begins the turns in ``text``."""
        return list(self.marker.finditer(text)) if self.sign in text else []

    def role(self, name: str) -> str:
        return self.names.get(name) or self.names[name.lower()]


def _dialect(marker: str, names: dict[str, str] = NAMES, flags: int = re.IGNORECASE, **options) -> Dialect:
    listed = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return Dialect(re.compile(marker.replace("NAME", f"({listed})"), flags), names, **options)


TRANSCRIPT = _dialect(r"^[ \t]{0,3}\*{0,2}NAME\*{0,2}:\*{0,2}", SPOKEN, re.IGNORECASE | re.MULTILINE, must_begin=True)
"""``Human: …`` and ``Assistant: …`` at the beginning of lines, as in Anthropic's hh-rlhf."""
DIALECTS = (
    _dialect(r"<\|im_start\|>NAME\b(?:<\|im_sep\|>)?"),  # ChatML (OpenAI, 2023), Qwen, Phi-4
    _dialect(r"<\|(?:start_header_id|header_start|start_of_role)\|>NAME<\|[a-z_]{1,20}\|>"),  # Llama 3 and 4, Granite
    _dialect(r"(?:<start_of_turn>|<\|turn>)NAME\b"),  # Gemma
    _dialect(r"<[|｜]NAME[|｜]>:?"),  # Phi-3, Zephyr, GLM, DeepSeek, Open Assistant, MOSS
    _dialect(r"<\|START_OF_TURN_TOKEN\|><\|NAME_TOKEN\|>"),  # Command R
    _dialect("NAME", BRACKETS),  # Llama 2, Mistral
    _dialect(r"(?<!#)###[ \t]?NAME[ \t]?(?::|(?=\n))", SECTIONS, sign="###"),  # Guanaco, Alpaca
    _dialect("GPT4 Correct NAME:", sign="GPT4"),  # OpenChat
    _dialect(r"(?<![^\s>])NAME:", VICUNA, 0, sign="USER:"),  # Vicuna, glaive
    TRANSCRIPT,
)
"""The likeliest first: a text is read in the first that gives an exchange."""


def turns_of(text: str) -> list[dict] | None:
    """The turns of a conversation that ``text`` writes out, with ``role`` and ``content``; None if it writes none.

    A question and an answer are the least. Tokens at the beginnings and ends of turns are taken off, and an answer that
    is only begun (the generation prompt) is left out. In a transcript, user and assistant alternate: prose may well
    have a line that begins with "User:".
    """
    for dialect in DIALECTS:
        markers = dialect.markers(text)
        if dialect is TRANSCRIPT:
            after_blank = _after_blank_lines(text, markers)
            markers = after_blank if len(after_blank) > 1 else markers
        turns = _turns(text, markers, dialect) if len(markers) > 1 else []
        roles = [turn["role"] for turn in turns]
        if {"user", "assistant"} <= set(roles) and not (dialect is TRANSCRIPT and _repeats(roles)):
            return turns
    return None


def note_on(what: str, column: str) -> str:
    """That the ``what`` (texts, prompts) in ``column`` are turned back into turns."""
    return (
        f'The {what} in "{column}" are written out for a model. They are read as the turns they hold, and the model\'s '
        "own chat template writes them out again."
    )


class Written(str):
    """A column whose texts are written out for a model: none of them is prose, however it begins."""


def asked_of(text: str) -> list[dict] | None:
    """The turns of a prompt that ``text`` writes out up to the marker of its answer; None if it does not end so."""
    for dialect in DIALECTS:
        markers = dialect.markers(text)
        if len(markers) < 2 or dialect.role(markers[-1][1]) != "assistant" or bare(text[markers[-1].end() :]):
            continue
        turns = _turns(text, markers, dialect)
        if turns and turns[-1]["role"] == "user":
            return turns
    return None


def introduced(texts: list[str]) -> list[dict] | None:
    """Turns that each begin with the name of their speaker, such as ``User: …``; None if one of them does not."""
    markers = [TRANSCRIPT.marker.match(text) for text in texts]
    if not all(markers):
        return None
    return [
        {"role": TRANSCRIPT.role(marker[1]), "content": text[marker.end() :].strip()}
        for marker, text in zip(markers, texts)
    ]


def transcript(text: str) -> list[dict]:
    """The turns of a transcript whose speakers each follow a blank line, as in hh-rlhf; empty if it has fewer than two.

    It may end with the user, or with an answer that is only begun.
    """
    markers = _after_blank_lines(text, TRANSCRIPT.markers(text))
    return _turns(text, markers, TRANSCRIPT) or [] if len(markers) > 1 else []


def without_speaker(text: str, role: str) -> str:
    """``text`` without the name of a speaker of this role at its beginning, such as ``SYSTEM:`` in glaive's data."""
    marker = TRANSCRIPT.marker.match(text)
    return text[marker.end() :].lstrip() if marker and TRANSCRIPT.role(marker[1]) == role else text


def bare(text: str) -> str:
    """``text`` without white space and tokens of beginnings and ends around it."""
    start, end = 0, len(text)
    while start < end:
        before = start, end
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        if start < end and text[start] in FIRST:
            start += next((len(token) for token in TOKENS if text.startswith(token, start, end)), 0)
        if start < end and text[end - 1] in LAST:
            end -= next((len(token) for token in TOKENS if text.endswith(token, start, end)), 0)
        if (start, end) == before:
            break
    return text[start:end]


def _repeats(roles: list[str]) -> bool:
    return any(one == other for one, other in zip(roles, roles[1:]))


def _after_blank_lines(text: str, markers: list[re.Match]) -> list[re.Match]:
    """The markers at the beginning of ``text`` or after a blank line."""
    found, end = [], 0
    for marker in markers:
        between = text[end : marker.start()]
        gap = between[len(between.rstrip()) :]
        if "\n\n" in gap or "\n\r\n" in gap or not end and not between.strip():
            found.append(marker)
        end = marker.end()
    return found


def _turns(text: str, markers: list[re.Match], dialect: Dialect) -> list[dict]:
    """The text between the markers as turns; none if the text before the first does not belong to a conversation."""
    before = bare(text[: markers[0].start()])
    if before and dialect.must_begin:
        return []
    turns = [("system", [before])] if before and not before.startswith(ALPACA) else []
    ends = [*(marker.start() for marker in markers[1:]), len(text)]
    for marker, end in zip(markers, ends):
        role, content = dialect.role(marker[1]), bare(text[marker.end() : end])
        if role != JOINED:
            turns += _with_system(role, content)
        elif content and turns and turns[-1][0] == "user":
            turns[-1][1].append(content)
        elif content:
            turns.append(("user", [content]))
    if turns and turns[-1] == ("assistant", [""]):
        turns.pop()
    return [{"role": role, "content": "\n\n".join(parts)} for role, parts in turns]


def _with_system(role: str, content: str) -> list[tuple[str, list[str]]]:
    """The turn as its role and the parts of its text, with Llama 2's system prompt apart from the first question."""
    end = content.find(SYSTEM_END) if role == "user" and content.startswith(SYSTEM_START) else -1
    if end < 0:
        return [(role, [content])]
    system = content[len(SYSTEM_START) : end].strip()
    turns = [("system", [system])] if system else []
    return [*turns, (role, [content[end + len(SYSTEM_END) :].strip()])]
