"""What a method measures beside the loss, and how to read it."""

from dataclasses import dataclass
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
