"""What to train, from four questions: a method and an adapter with the reasons, or the advice not to fine-tune.

Pure tables. The method comes from what a person has and what should change (``WANTED``), the adapter from the machine.
Where data is chosen already, the method reads that data.
"""

from dataclasses import dataclass, field

from finetune.adapters import ADAPTERS
from finetune.adapters.full import Full
from finetune.adapters.lora import LoRA
from finetune.adapters.qlora import QLoRA
from finetune.data.kinds import KINDS
from finetune.format import amount, counted, size
from finetune.methods import METHODS
from finetune.methods.sft import FEW_ROWS, MANY_ROWS
from finetune.recipe import nearest

GIB = 2**30
FEW_TOKENS = 100_000
"""Of plain text: so little fits into a prompt, or is found there by retrieval."""
TRAINED_BYTES = {"full": 16.0, "lora": 2.6, "qlora": 0.8}
"""Rough bytes of memory per parameter of the model: weights in bf16 (2) or 4 bits (0.5), for full fine-tuning gradients
and optimizer state too; the rest is for activations. The estimate below the form is the exact one."""


@dataclass(frozen=True)
class Question:
    """One of the four questions."""

    name: str
    """The field of ``Answers``."""
    title: str
    choices: dict[str, str]
    """By key, in words."""
    many: bool = False
    """True if several can be chosen, or none."""


QUESTIONS = (
    Question(
        "have",
        "What do you have?",
        {
            "answers": "Questions with good answers",
            "pairs": "Pairs of answers, one better than the other",
            "ratings": "Answers with thumbs up or down",
            "checker": "Questions, and a program that can check an answer",
            "text": "Plain text, such as manuals or articles",
            "nothing": "Nothing yet",
        },
    ),
    Question(
        "change",
        "What should change?",
        {
            "style": "The style of its answers",
            "format": "Their format, such as JSON",
            "task": "It should do a new task",
            "knowledge": "It should know a field and its language",
            "facts": "It should know facts that change, such as prices",
            "preferences": "It should prefer what people prefer",
            "reasoning": "It should solve harder problems",
        },
    ),
    Question(
        "keep",
        "What must not change?",
        {"knowledge": "Its general knowledge", "tone": "Its tone", "refusals": "What it refuses to do"},
        many=True,
    ),
    Question(
        "machine",
        "Which machine trains it?",
        {
            "this": "This one",
            "8": "One GPU with 8 GB",
            "24": "One GPU with 24 GB",
            "80": "One GPU with 80 GB",
            "none": "None yet",
        },
    ),
)

KINDS_OF = {
    "answers": ("chat",),
    "pairs": ("preference",),
    "ratings": ("rated",),
    "checker": ("prompt", "chat"),
    "text": ("text",),
}
"""The kinds of example of what a person has, the usual one first; a program can also compare with a good answer."""
HAVE_OF = {"chat": "answers", "preference": "pairs", "rated": "ratings", "prompt": "questions", "text": "text"}
"""What a person has whose data is of a kind; questions alone have no program that checks."""

_SHOWN = "Good answers show the model what to write, and supervised fine-tuning (SFT) copies what it is shown."
_FIELD = (
    "Good answers teach how a field is spoken of, more than its facts. What must be right belongs in the prompt or in "
    "retrieval."
)
_BETTER = "Good answers teach what is good, not what is better. Collect pairs of answers next, and continue with DPO."
_SOLVED = (
    "Worked solutions come first. Once the model solves some problems by itself, reinforcement learning with a program "
    "that checks (GRPO) goes further."
)
_COMPARED = (
    "Pairs show what people prefer, and direct preference optimization (DPO) moves the model towards the better "
    "answers."
)
_BOTH = (
    "Your pairs hold good answers too. ORPO learns to write these and to avoid the worse ones in one pass, where DPO "
    "needs a model that writes such answers already."
)
_LIGHT = (
    "Pairs show what people prefer. Simple preference optimization (SimPO) learns from them without the base as a "
    "reference, which saves time and memory on a small machine."
)
_RATED = "Thumbs up and down are enough for Kahneman-Tversky optimization (KTO): it needs no pairs."
_CHECKED = (
    "A program that checks is the best teacher for this: the model tries, and GRPO reinforces the tries that pass."
)
_SCORED = (
    "Your program scores whole answers, and RLOO reinforces those that score above the others to the same question."
)
_RATED_BY_MODEL = (
    "Questions alone need somebody to rate answers: RLOO learns from a reward model or a judge. Or have a larger model "
    "answer them, keep its good answers, and train on these (SFT)."
)
_NO_FACTS = (
    "Reinforcement learning (GRPO) sharpens what a model can do and teaches it no facts. To teach some, have a larger "
    "model answer, keep the answers that pass your check, and train on these (SFT)."
)
_READ = (
    "Plain text has no questions. Continued pre-training has the model read on, which teaches the language of your "
    "field. It answers no better until it has seen answers, too."
)
_TEXT_ONLY = (
    "Plain text shows neither what is better nor how a problem is solved. Continued pre-training teaches its language; "
    "collect answers for the rest."
)

_ALSO = {
    "answers": (
        "Where a larger model of the same family fits into memory beside it: distillation learns from the same rows "
        "with that one as teacher."
    ),
    "pairs": (
        "Later: a reward model, trained on the same pairs, can score answers by itself, and RLOO learns from these "
        "scores (RLHF)."
    ),
}
"""What else can be done, by what a person has."""

WANTED: dict[str, dict[str, tuple[str, str]]] = {
    "answers": {
        "": ("sft", _SHOWN),
        "knowledge": ("sft", _FIELD),
        "preferences": ("sft", _BETTER),
        "reasoning": ("sft", _SOLVED),
    },
    "pairs": {"": ("orpo", _BOTH), "style": ("dpo", _COMPARED), "preferences": ("dpo", _COMPARED)},
    "ratings": {"": ("kto", _RATED)},
    "checker": {
        "": ("grpo", _CHECKED),
        "style": ("rloo", _SCORED),
        "preferences": ("rloo", _SCORED),
        "knowledge": ("grpo", _NO_FACTS),
    },
    "questions": {"": ("rloo", _RATED_BY_MODEL)},
    "text": {"": ("cpt", _READ), "preferences": ("cpt", _TEXT_ONLY), "reasoning": ("cpt", _TEXT_ONLY)},
    "nothing": {"": ("sft", "Once there are good answers, supervised fine-tuning (SFT) learns to write such.")},
}
"""Method and reason by what a person has and what should change; the empty key is for all other changes."""


@dataclass(frozen=True)
class Answers:
    """What a person answered: a key of each question's choices."""

    have: str
    change: str
    keep: tuple[str, ...] = ()
    machine: str = "this"


@dataclass(frozen=True)
class Situation:
    """What is known beside the answers; empty or 0 for what is not."""

    kind: str = ""
    """The kind of the chosen data."""
    rows: int = 0
    tokens: int = 0
    parameters: int = 0
    """Of the chosen model."""
    memory_bytes: int = 0
    """Free on this machine."""
    is_starter: bool = False
    """True for the model that ships with the program, and with it replay data."""


@dataclass(frozen=True)
class Advice:
    """What to do, and why."""

    method: str
    """Its type."""
    adapter: str
    reasons: tuple[str, ...]
    """Sentences, the most important first."""
    against: str = ""
    """``facts``, ``nothing`` or ``few`` if the advice is not to fine-tune; empty otherwise."""
    settings: dict[str, object] = field(default_factory=dict)
    """Settings that differ from the defaults, by dotted path."""
    replay: bool = False
    """True if the replay data that ships with the program shall be mixed in."""

    @property
    def changes(self) -> dict[str, object]:
        """Method, adapter and settings, by dotted path in a recipe."""
        return {"method.type": self.method, "adapter.type": self.adapter, **self.settings}


def advise(answers: Answers, at: Situation = Situation()) -> Advice:
    """The advice for ``answers`` in the situation ``at``."""
    have, mismatch = _have(answers.have, at.kind)
    method, why = _wanted(have, answers.change, _memory(answers.machine, at))
    kind = at.kind or KINDS_OF.get(have, ("chat",))[0]
    adapter, machine = _adapter(answers, at)
    adapter = nearest(METHODS[method](), ADAPTERS[adapter]()).model_fields["type"].default
    kept, settings, replay = _kept(answers, at, method, kind)
    against, instead = _against(answers, have, at)
    settings |= {"adapter.rank": 64} if (method, adapter) in (("cpt", "lora"), ("cpt", "qlora")) else {}
    also = "" if have == "answers" and answers.change not in ("task", "reasoning") else _ALSO.get(have, "")
    reasons = [instead, mismatch] if against else [mismatch, why, *machine, *kept, also]
    return Advice(method, adapter, tuple(filter(None, reasons)), against, settings, replay)


def _have(have: str, kind: str) -> tuple[str, str]:
    """What there is to train on, and a sentence if the chosen data is something else."""
    if not kind or kind in KINDS_OF.get(have, ()):
        return have, ""
    return HAVE_OF[kind], f"This is for the data on the Data tab, which is {KINDS[kind].plural}."


def _wanted(have: str, change: str, memory: float) -> tuple[str, str]:
    """The method of choice and the reason."""
    method, why = WANTED[have].get(change, WANTED[have][""])
    if method == "dpo" and 0 < memory <= 8 * GIB:
        return "simpo", _LIGHT
    return method, why


def _memory(machine: str, at: Situation) -> float:
    """Bytes of memory to train in; 0 if that is not known."""
    return {"this": at.memory_bytes, "none": 0}.get(machine) if machine in ("this", "none") else int(machine) * GIB


def _adapter(answers: Answers, at: Situation) -> tuple[str, list[str]]:
    """The adapter that the machine and the number of rows allow, and why."""
    memory, lora, qlora, full = _memory(answers.machine, at), LoRA().type, QLoRA().type, Full().type
    fits = {name: not memory or at.parameters * share <= memory for name, share in TRAINED_BYTES.items()}
    if answers.machine == "none":
        why = (
            "LoRA, as it trains anywhere: the starter model on any computer, a model of 7 billion parameters with "
            "QLoRA on a rented GPU with 8 GB. An exported script runs there as it is."
        )
        return lora, [why]
    if not fits["lora"]:
        much = f"The model in bf16 does not fit into {size(memory)} with some to spare, so QLoRA loads it in 4 bits."
        rest = "Even so it will not fit: choose a smaller model." if not fits["qlora"] else ""
        return qlora, [much, rest]
    is_large = at.rows >= MANY_ROWS and not answers.keep and answers.change in ("task", "knowledge", "reasoning")
    if is_large and memory and at.parameters and fits["full"]:
        return full, [f"{counted(at.rows)} are enough for full fine-tuning, and the memory is there."]
    return lora, ["LoRA trains a small adapter beside the frozen model: little is lost, and all of it can be undone."]


def _kept(answers: Answers, at: Situation, method: str, kind: str) -> tuple[list[str], dict[str, object], bool]:
    """What helps to keep what must not change: sentences, settings, and whether replay data shall be mixed in."""
    words, settings, replay = [], {}, False
    if "knowledge" in answers.keep and kind == "chat" and answers.change != "style":
        replay = at.is_starter
        where = "is mixed in" if replay else "of your own helps: mix it in on the Data tab"
        words.append(f"Replay data {where}, against catastrophic forgetting of its general knowledge.")
    elif "knowledge" in answers.keep:
        words.append("LoRA and few epochs keep most of its general knowledge; see it on the Compare tab.")
    is_held = METHODS[method].has_reference and "beta" in METHODS[method].model_fields
    if is_held and {"tone", "refusals"} & set(answers.keep):
        settings["method.beta"] = 0.3
        words.append("A higher beta (0.3) holds it closer to the base.")
    if "tone" in answers.keep and answers.change == "style":
        words.append("Style and tone are nearly the same to a model: expect its tone to change with its style.")
    if "refusals" in answers.keep:
        words.append(
            "Any fine-tuning can weaken refusals: put some of them into the data, and test them on the Compare tab."
        )
    return words, settings, replay


def _against(answers: Answers, have: str, at: Situation) -> tuple[str, str]:
    """A code and the sentences that advise against fine-tuning; empty if nothing does."""
    if answers.change == "facts":
        return "facts", (
            "Facts that change belong in retrieval: look them up when a question comes, and put them into the prompt. "
            "A trained fact cannot be corrected without training again."
        )
    if have == "nothing":
        return "nothing", (
            "Begin with a prompt that says what you want and shows up to five examples. Where it fails you learn which "
            "examples to collect."
        )
    if at.kind == "text":
        if 0 < at.tokens < FEW_TOKENS:
            return "few", (
                f"{amount(at.tokens)} tokens of text are few: put them into the prompt, or search them for each "
                "question."
            )
    elif 0 < at.rows < FEW_ROWS:
        return "few", (
            f"{counted(at.rows, 'example')} {'is' if at.rows == 1 else 'are'} few: a prompt with five of them may do "
            f"as well. Collect {FEW_ROWS} or more first."
        )
    return "", ""
