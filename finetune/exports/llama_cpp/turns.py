"""How a chat template writes turns: found by rendering conversations, and held against others.

Most templates write each turn with the same words before and after it. Those of ChatML, Llama 3, Gemma, Mistral and Phi
do, and so can be told to a program that has a template language of its own.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

SYSTEM, QUESTION, ANSWER, NEXT = "SYSTEMTEXT", "FIRSTQUESTION", "FIRSTANSWER", "NEXTQUESTION"
"""Contents that are found again in a rendered conversation."""


@dataclass(frozen=True)
class Turns:
    """The words around the turns of a conversation."""

    user: tuple[str, str]
    """Before and after a question."""
    assistant: tuple[str, str]
    """Before and after an answer."""
    opening: str
    """Before the answer that is asked for."""
    default: str = ""
    """At the beginning where there is no system prompt."""
    system: tuple[str, str] | None = None
    """Before and after the system prompt; None if the template takes none."""
    place: str = "turn"
    """Where the system prompt stands: in a ``turn`` of its own, or in the ``first`` or ``last`` question."""

    def text(self, messages: list[dict]) -> str:
        """The conversation up to the answer that is asked for."""
        asked = [n for n, message in enumerate(messages) if message["role"] == "user"]
        system = next((message["content"] for message in messages if message["role"] == "system"), None)
        inside = {"first": asked[0], "last": asked[-1]}.get(self.place) if system is not None else None
        found = self.default if system is None else ""
        for n, message in enumerate(messages):
            if message["role"] == "system":
                found += "".join(around(message["content"], self.system)) if self.place == "turn" else ""
            else:
                before, after = self.user if message["role"] == "user" else self.assistant
                within = "".join(around(system, self.system)) if n == inside else ""
                found += before + within + message["content"] + after
        return found + self.opening


def around(content: str, words: tuple[str, str]) -> tuple[str, str, str]:
    """``content`` between its two ``words``."""
    return words[0], content, words[1]


def turns(tokenizer) -> Turns | None:
    """The turns of the chat template of ``tokenizer``, without the token for the beginning of a text.

    None if there is no template, or if it writes any of several conversations differently.
    """
    if not tokenizer.chat_template:
        return None

    def render(messages: list[dict], asks: bool = True) -> str:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=asks)
        return text.removeprefix(tokenizer.bos_token or "")

    try:
        found = _plain(render)
        found = _with_system(render, found)
        same = all(found.text(each) == render(each) for each in _conversations(found.system is not None))
    except Exception:  # a template is a program, and may raise anything over a conversation that it does not expect
        return None
    return found if same else None


def _plain(render: Callable[..., str]) -> Turns:
    """The turns without a system prompt; ``ValueError`` if the template writes none such."""
    ask, answer, more = _user(QUESTION), {"role": "assistant", "content": ANSWER}, _user(NEXT)
    begin, asked = render([ask]).split(QUESTION)
    after_question = _shared(render([ask], asks=False).split(QUESTION)[1], asked)
    opening = _rest(asked, after_question)
    both = render([ask, answer, more])
    between, after = both.split(QUESTION)[1].split(ANSWER)
    before_answer = _rest(between, after_question)
    after_answer = _shared(render([ask, answer], asks=False).split(ANSWER)[1], after.split(NEXT)[0])
    before_question = _rest(after.split(NEXT)[0], after_answer)
    if not begin.endswith(before_question):
        raise ValueError("the first question is written otherwise")
    default = begin[: len(begin) - len(before_question)]
    return Turns((before_question, after_question), (before_answer, after_answer), opening, default)


def _with_system(render: Callable[..., str], found: Turns) -> Turns:
    """``found`` with how a system prompt is written, if the template takes one."""
    from jinja2 import TemplateError

    system, ask = {"role": "system", "content": SYSTEM}, _user(QUESTION)
    try:
        text = render([system, ask, {"role": "assistant", "content": ANSWER}, _user(NEXT)])
    except TemplateError:
        return found
    if SYSTEM not in text:
        return found
    before, after = text.split(SYSTEM)
    question = found.user[0]
    if QUESTION in before:
        return replace(found, place="last", system=(_rest(before.split(ANSWER)[1], found.assistant[1] + question),
                                                    after.split(NEXT)[0]))  # fmt: skip
    after = after.split(QUESTION)[0]
    if question and after.endswith(question):
        return replace(found, system=(before, after[: len(after) - len(question)]))
    return replace(found, place="first", system=(_rest(before, question), after))


def _conversations(has_system: bool) -> list[list[dict]]:
    """Conversations that must be written alike."""
    short = [_user("What is “2 + 3”?")]
    answered = [_user("Hello"), {"role": "assistant", "content": "Good day.\nHow are you?"}, _user("Fine, thanks.")]
    longer = [*answered, {"role": "assistant", "content": "Glad to hear: 好!"}, _user("Bye")]
    system = {"role": "system", "content": "Answer in\n\none word."}
    found = [short, answered, longer]
    return [*found, *([system, *each] for each in found)] if has_system else found


def _user(content: str) -> dict:
    return {"role": "user", "content": content}


def _rest(text: str, begin: str) -> str:
    if not text.startswith(begin):
        raise ValueError("a turn is written otherwise")
    return text[len(begin) :]


def _shared(last: str, another: str) -> str:
    """What follows a turn whether it is the ``last`` or ``another`` follows; a last one may end the text besides."""
    common = os.path.commonprefix([last, another])
    return common if common in (last, another) else common[: common.rfind("\n") + 1]
