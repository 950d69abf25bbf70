"""What can be said of a run: a diagnosis with its figures, and the words that all rules share."""

from dataclasses import dataclass

TITLES = {
    "early": "Too early to say",
    "learning": "Learning",
    "plateau": "Plateau",
    "overfitting": "Overfitting",
    "unstable": "Unstable",
    "no_spread": "No spread",
    "no_preference": "No preference learned",
    "drifted": "Far from the base",
    "degenerate": "Degenerate output",
    "diverged": "Diverged",
}
"""What a diagnosis is called, by its code."""

EARLY_SHARE = 0.25
"""A plateau is one only after this share of the planned steps: during warm-up every curve is flat."""
FLAT_SHARE = 0.02
"""A held-out loss that has fallen by a smaller share of its start has not moved."""
HIGHER = "Try a learning rate three to ten times higher."
LOWER = "Start again with a learning rate three to ten times lower."


@dataclass(frozen=True)
class Diagnosis:
    """What can be said of a run's curve."""

    code: str
    """A key of ``TITLES``."""
    words: str
    """What is seen, as a sentence with its figures."""
    advice: str = ""
    """What to do about it; empty if nothing needs doing."""
    best_step: int | None = None
    """The step with the lowest held-out loss; None without one."""
    since: int | None = None
    """The step from which on it holds, where that can be said."""
    spikes: tuple[int, ...] = ()
    """The steps of loss spikes, to be warned of whatever the diagnosis."""

    @property
    def title(self) -> str:
        """The diagnosis in one or two words."""
        return TITLES[self.code]


def number(value: float) -> str:
    """A value with as many figures as say something."""
    if abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"
