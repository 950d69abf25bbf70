"""A question as a model is asked it: everywhere the same messages, so that it is asked what it was taught."""

from collections.abc import Iterable

from finetune.errors import ModelError, first_sentence
from finetune.recipe import Recipe


def messages(
    recipe: Recipe, question: str, history: Iterable[tuple[str, str]] = (), system: str | None = None
) -> list[dict]:
    """The conversation that ends with ``question``, after the questions and answers of ``history``.

    It begins with the ``system`` prompt, by default the recipe's, which every row was trained with; an empty one is
    left out. Fixes of every example apply to it as well.
    """
    system = recipe.data.system if system is None else system
    found = [{"role": "system", "content": system}] if system else []
    for asked, answer in history:
        found += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return with_fixes(recipe, [*found, {"role": "user", "content": question}])


def with_fixes(recipe: Recipe, messages: list[dict]) -> list[dict]:
    """``messages`` with the recipe's fixes of every example, which its rows were trained with."""
    example = {"messages": messages}
    for fix in recipe.data.fixes:
        example = fix.on_example(example)
    return example["messages"]


def prompt_tokens(tokenizer, messages: list[dict]) -> list[int]:
    """The tokens before the answer to ``messages``: by the chat template, up to the start of the answer.

    Without a chat template there are no turns: the model continues the text, in which question and answers stand one
    after the other, and which begins as a row of plain text does. ``ModelError`` if the template refuses the messages,
    or if there is no template and so no place for a system prompt.
    """
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        if messages[0]["role"] == "system":
            raise ModelError(
                "This model has no chat template: it continues a text, and knows no system prompt.",
                "Leave the system prompt empty.",
            )
        return text_tokens(tokenizer, "".join(message["content"] for message in messages))
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    except TemplateError as error:
        raise ModelError(f"The model's chat template refuses this conversation: {first_sentence(error)}.") from None
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def text_tokens(tokenizer, text: str) -> list[int]:
    """The tokens of ``text`` that is continued: it begins as a row of plain text does, and does not end as one."""
    ids = list(tokenizer(text)["input_ids"])
    return ids[:-1] if ids[-1:] == [tokenizer.eos_token_id] else ids
