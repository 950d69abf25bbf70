"""A question as a model is asked it: everywhere the same messages, so that it is asked what it was taught."""

from collections.abc import Iterable

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
    example = {"messages": [*found, {"role": "user", "content": question}]}
    for fix in recipe.data.fixes:
        example = fix.on_example(example)
    return example["messages"]
