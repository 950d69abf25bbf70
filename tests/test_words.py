"""The field's words, not private ones: in what a person reads, and in docstrings and comments.

Only what can be told without false alarms is listed. A private word costs twice: an engineer cannot search for it, and
a newcomer learns a word that nobody else uses.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from finetune.data.fixes import FIXES
from finetune.data.settings import Mixed
from finetune.paths import ASSETS, PROJECT
from finetune.recipe import Recipe
from finetune.settings import fields
from tests import docs

INSTEAD = {
    r"\b(un)?learnt\b": "trained, learned",
    r"\btrained words\b|\bwords that are (trained|learned)\b|\b(likely|likeliest) words?\b": "tokens",
    r"\bkept for checking\b": "held-out",
    r"\brows (is|are|were) scored\b|\bwords? (\w+ ){0,4}scored\b|\bscored on\b": "evaluated",
    r"\bwords? of the vocabulary\b": "tokens",
    r"\bin tiles\b": "chunked cross-entropy",
    r"\b(many|small|large|steady|steadier|so many|these|each|the|how) corrections?\b(?! of)": "optimizer steps",
    r"\bby heart\b": "overfitting",
    r"\bno longer speak\b|\bbabbl": "degenerate output, repetition",
    r"\bloss jumps\b|\bblown up\b|\bbroken down\b|\blevel since\b": "loss spikes, diverged, plateau",
    r"\badd-ons?\b": "adapter",
    r"\bsqueezed\b|\bcompressed (model|weights?|base|to 4 bits)\b": "quantized",
    r"\bnumber format\b|\barithmetic in 16 bits\b": "mixed precision",
    r"\bparts of (a|the|each) batch\b|\bthis many parts\b": "micro-batches",
    r"\binstead of remember|\bremembers? in 8 bits\b": "activation checkpointing, optimizer state",
    r"\bblank (row|pair)s?\b": "padding row",
    r"\bbehind the cut\b|\bcut off\b|\brows? (is|are|was|were|come) cut\b|\bcut to length\b": "truncated",
    r"\bchances\b|\b(a|the|its) chance\b|\bluck\b|\bby lot\b": "seed, sampled, random (or, of a test: by chance)",
    r"\bboth sides\b|\bsides? of the split\b": "base and tuned; part of the split",
    r"\brehears": "memory profile, dry run",
    r"\bwant of memory\b": "out of memory",
    r"\bladder\b|\brungs?\b|\bgiven up for\b|\b(was|be) given up\b|\bremed(y|ies)\b": "fallbacks",
    r"\bshar(e|es|ed|ing)( \w+| a \w+| the \w+)? out\b|\ba copy each\b": "sharded (FSDP), replicated (DDP)",
    r"\btrain(s|ing)? together\b|\bwork together\b": "distributed training",
    r"\bgo(es|ne|ing)? on (from|with)\b|\bgo on so\b": "resumed, continued",
    r"\b(begin|begins|began|begun|beginning) anew\b": "restarts from step 0",
    r"\bleft (it )?so\b": "dismissed",
    r"\bin line\b(?!\s*[\d{])|\blined up\b|\bits turn comes\b": "queued",
    r"\bmend(s|ed|ing|able)?\b": "fix",
    r"\bgrav(ity|est)\b": "severity, most severe",
    r"\bglances?\b": "pre-filter, summary",
    r"\bruns? of (\w+ )?words\b": "5-gram shingles",
    r"\bbroken letters\b|\bhow letters are\b|\bletters of (a|the) file\b": "encoding",
    r"\binstruction (put before|for) every conversation\b": "system prompt",
    r"\bgeneral rows\b|\bagainst forgetting\b": "replay data, against catastrophic forgetting",
    r"\bpoisoned\b|\blost (its |the )?(graphics )?card\b|\bcard (was|is) lost\b": "CUDA context lost",
    r"\bgraphics cards\b|\bgraphics card\b(?! \(GPU\))|\b(NVIDIA|usual) cards?\b|\bon a card of\b": "GPU",
    r"\bchosen for (you|the person)\b|\bchoose for me\b": "automatic",
    r"\ballowance\b": "limits",
    r"\bputs? (a )?placeholders?\b": "mask",
    r"\bweights? moves?\b|\bweights that move\b": "trainable parameters",
    r"% sure\b|\bhow sure\b": "confidence",
    r"\bwhat is learned from\b|\bwhat is updated\b|\bwhat it learns from\b": "training method, trainable parameters",
    r"\bit is (looked|found out|told) whether\b|\bthat there are\b(?! no)": "a sentence with a subject",
    r"optimis|quantis|tokenis|normalis|regularis|memoris": "American spelling: optimizer, quantization",
}
"""What not to write (without regard to case) -> what the field says."""

PRIVATE = {re.compile(pattern, re.IGNORECASE): words for pattern, words in INSTEAD.items()}
STARTER = PROJECT / "finetune" / "starter"
"""Its sentences are those that the shipped model was trained on, word for word."""
FILES = [path for path in sorted((PROJECT / "finetune").rglob("*.py")) if STARTER not in path.parents]
DOCUMENTS = [
    PROJECT / "README.md",
    *(path for ending in ("md", "yaml", "txt") for path in sorted(ASSETS.rglob(f"*.{ending}"))),
    ASSETS / "benchmarks.json",
]
GROUPS = {**docs.GROUPS, "mix": Mixed, "recipe": Recipe, **{f"fix {name}": cls for name, cls in FIXES.items()}}


def name(path) -> str:
    return str(path.relative_to(PROJECT))


def private(text: str) -> list[str]:
    """Each private word of ``text`` with some of what stands around it, and what the field says instead."""
    text = " ".join(text.split())
    return [
        f"“{text[max(0, found.start() - 30) : found.end() + 30]}” ({words})"
        for pattern, words in PRIVATE.items()
        for found in pattern.finditer(text)
    ]


def literals(tree: ast.AST) -> Iterator[str]:
    """The texts in the code, docstrings left out; of an f-string its parts, with ``{}`` for each value."""
    told = {id(text) for text in docstrings(tree)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield from (text for part in node.values if not isinstance(part, ast.Constant) for text in literals(part))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (told | parts):
            yield node.value


def docstrings(tree: ast.AST) -> list[ast.Constant]:
    """Every text that stands alone as a statement: of modules, classes, functions and attributes."""
    alone = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    return [value for value in alone if isinstance(value, ast.Constant) and isinstance(value.value, str)]


def comments(source: str) -> Iterator[str]:
    """The comments of ``source``; those on lines of their own that follow each other are one text."""
    block = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            block.append(token.string.lstrip("# "))
        elif token.type != tokenize.NL and block:
            yield " ".join(block)
            block = []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_a_document_uses_the_fields_words(path):
    assert private(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("group", GROUPS)
def test_the_help_of_settings_uses_the_fields_words(group):
    assert [found for field in fields(GROUPS[group]) for found in private(field.help)] == []


@pytest.mark.parametrize("group", GROUPS)
def test_the_label_of_a_setting_spells_names_as_their_papers_do(group):
    names = {name.lower(): name for name in ("SFT", "DPO", "LoRA", "rsLoRA", "DoRA", "NEFTune", "KL", "PEFT")}
    words = [word for field in fields(GROUPS[group]) for word in field.label.split()]
    assert [word for word in words if names.get(word.lower(), word) != word] == []


@pytest.mark.parametrize("fix", FIXES)
def test_what_a_fix_says_of_itself_uses_the_fields_words(fix):
    assert private(FIXES[fix].__doc__) == []


@pytest.mark.parametrize("path", [PROJECT / "app.py", *FILES], ids=name)
def test_the_texts_of_a_file_use_the_fields_words(path):
    """Labels, messages, errors, the command line's help: whatever a person may get to read."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [found for text in literals(tree) for found in private(text)] == []


@pytest.mark.parametrize("path", [PROJECT / "app.py", *FILES], ids=name)
def test_docstrings_and_comments_use_the_fields_words(path):
    source = path.read_text(encoding="utf-8")
    texts = [*(text.value for text in docstrings(ast.parse(source))), *comments(source)]
    assert [found for text in texts for found in private(text)] == []


def test_a_private_word_is_found_wherever_it_is():
    source = '"""Mends."""\nx = 1  # an add-on\nsay(f"row {x} was mended", "in line")\nwrong(f"in line {x}")\n'
    tree = ast.parse(source)
    assert [text.value for text in docstrings(tree)] == ["Mends."] and list(comments(source)) == ["an add-on"]
    assert sorted(literals(tree)) == ["in line", "in line {}", "row {} was mended"]
    assert [len(private(text)) for text in ("Mends.", "an add-on", "row {} was mended", "in line")] == [1, 1, 1, 1]
    assert private("in line {}") == [] and private("a graphics card (GPU), in line 3") == []
