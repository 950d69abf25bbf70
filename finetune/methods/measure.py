"""What a method measures beside the loss, and how to read it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """One measure that a method reports in training and at evaluations."""

    name: str
    """Its key in ``Stepped.metrics`` and ``Evaluated.metrics``."""
    title: str
    """What it is, as the caption of its chart."""
    short: str
    """The same in a few words, as the head of a column."""
    sentence: str
    """How to read it, as a sentence; ``{last}`` stands for the newest value on held-out rows."""
    unit: Literal["share", "number"] = "number"
    """A ``share`` lies between 0 and 1 and is shown in percent."""
    better: Literal["higher", "lower"] = "higher"
    """Which way is better."""


REWARD_ACCURACY = Measure(
    "accuracy",
    "Reward accuracy: how often it prefers the chosen answer",
    "reward accuracy",
    "On held-out pairs it prefers the chosen answer {last} of the time; a coin would get 50 %.",
    unit="share",
)
REWARD_MARGIN = Measure(
    "margin",
    "Reward margin: how clearly it prefers the better answers",
    "reward margin",
    "Above zero, the better answers have gained on the worse ones since training began.",
)
"""Of answers that are compared with the base by their log-probabilities (Rafailov et al. 2023, §4)."""

REWARD = Measure(
    "reward",
    "Reward: what its answers earn",
    "reward",
    "Its answers to held-out prompts earn {last} on average.",
)
KL = Measure(
    "kl",
    "KL divergence: how far it has moved from the base",
    "KL",
    "Far above 10 nats, answers have little to do with the base's any more.",
    better="lower",
)
LENGTH = Measure("length", "Length of its answers, in tokens", "answer length", "Its answers have {last} tokens.")
NO_SPREAD = Measure(
    "no_spread",
    "Groups without spread: all answers to a prompt earn the same",
    "groups without spread",
    "From such a group nothing can be learned: its prompt is too easy or too hard.",
    unit="share",
    better="lower",
)
CLIPPED = Measure(
    "clipped",
    "Truncated answers: those that reach the maximum length",
    "truncated answers",
    "{last} of its answers reach the maximum length and are truncated.",
    unit="share",
    better="lower",
)
"""Of answers that the model writes while it trains (Shao et al. 2024)."""
PAIR_ACCURACY = Measure(
    "pair_accuracy",
    "Pair accuracy: how often the better answer scores higher",
    "pair accuracy",
    "On held-out pairs the better answer scores higher {last} of the time; a coin would get 50 %.",
    unit="share",
)
SCORE_MARGIN = Measure(
    "score_margin",
    "Score margin: by how much the better answer scores higher",
    "score margin",
    "Above zero, better answers score higher than worse ones.",
)
"""Of a model that rates answers (Ouyang et al. 2022, §3.5)."""
LIKELIHOOD_MARGIN = Measure(
    "likelihood_margin",
    "Margin: how much likelier it finds the better answers",
    "likelihood margin",
    "Above zero, it finds the better answers likelier than the worse ones.",
)
"""The difference of their log-probabilities, times β: of methods that do not compare with the base."""
LOG_ODDS = Measure(
    "log_odds",
    "Log odds ratio of the better over the worse answers",
    "log odds ratio",
    "Above zero, the odds of the better answers are higher than those of the worse ones.",
)
"""Hong et al. 2024, eq. 4 and 5."""
PERPLEXITY = Measure(
    "perplexity",
    "Perplexity on held-out rows",
    "perplexity",
    "It is as unsure of the next token as among {last} equally likely ones; lower is better.",
    better="lower",
)
"""e to the cross-entropy per token (Jelinek et al. 1977)."""
AGREEMENT = Measure(
    "agreement",
    "Agreement: how often teacher and model find the same token the likeliest",
    "agreement",
    "On held-out rows it agrees with its teacher on {last} of the tokens.",
    unit="share",
)


def derived(name: str, known: Mapping[str, Measure]) -> Measure:
    """The measure called ``name``, of those ``known`` or made from its name.

    ``reward/number`` is a part of the measure ``reward``, and read as that.
    """
    if name in known:
        return known[name]
    whole, _, part = name.partition("/")
    words = (part or whole).replace("_", " ")
    if part and whole in known:
        return replace(
            known[whole],
            name=name,
            title=f"{known[whole].short.capitalize()} for {words}",
            short=f"{known[whole].short} for {words}",
            sentence="",
        )
    return Measure(name, words.capitalize(), words, "")
