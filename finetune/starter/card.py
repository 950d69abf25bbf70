"""The model card: what the starter is, what it is not, and its measured figures."""

from __future__ import annotations

from pathlib import Path

from finetune.starter.measure import Figures

_CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [tiny, from-scratch, demo]
---
# Starter

A real language model, but a very small one: {parameters:,} parameters, Qwen2 architecture, trained from random weights
on two processor cores. It exists so that Finetune Studio can show fine-tuning at once, with no download and no graphics
card.

**What it is.** A chat model for one small closed world: {kinds} kinds of question about animals, food, colours,
countries, days, small sums, opposites, moods and reviews; finding names and codes in a text; three-sentence stories;
follow-up questions with "it"; system prompts that ask for short or polite answers.

**What it is not.** It knows nothing else. It was never shown the internet, a book or a person's writing; every sentence
it learnt from was made by the script in `finetune/starter/`. It speaks simple English only. Its facts are those of a
children's book. Do not use it for advice of any kind. It has a context of 2,048 tokens, but it was trained on talks of
a few hundred at most.

## Measured

{questions:,} held-out questions: combinations of question, names and wording that training never used. Greedy answers,
judged by the rules in `finetune/starter/judge.py`; an answer that does not end its turn counts as wrong.

**{right:.1%} right. {ended:.1%} end their turn.**

| kind of question | right |
|---|---|
{table}

## Rebuild

`python -m finetune.starter` trains the tokenizer and the model from nothing and measures them;
`python -m finetune.starter --measure` only measures. The data is generated from a seed, fresh at each step. The weights
here were trained in five legs (`--weights`, `--peak`), about 13 million tokens in all, and the mix of questions moved
towards the hard ones from leg to leg; one run of the command gives a sibling of this model, not the same bytes.
Licence: Apache 2.0, as the project.
"""


def write_card(directory: Path, figures: Figures, parameters: int) -> None:
    """Writes README.md with these figures."""
    table = "\n".join(f"| {name.replace('_', ' ')} | {share:.0%} |" for name, share in figures.kinds.items())
    text = _CARD.format(
        parameters=parameters,
        kinds=len(figures.kinds),
        questions=figures.questions,
        right=figures.right,
        ended=figures.ended,
        table=table,
    )
    (directory / "README.md").write_text(text, encoding="utf-8")
