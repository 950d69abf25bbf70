"""A tokenizer as the keys of GGUF: tokens, their kinds, merges or scores, special tokens, chat template.

Two kinds are known: byte-level BPE (``gpt2``) and the BPE of SentencePiece, which falls back to bytes (``llama``). What
is read is the tokenizer that trained, as the library ``tokenizers`` describes it.
"""

import json
import re
from collections.abc import Sequence

from finetune.errors import RunError
from finetune.exports.llama_cpp.splitting import splitting
from finetune.models.turn_end import turn_end

SPACE = "▁"
"""How SentencePiece writes a space."""
BYTE = re.compile(r"<0x[0-9A-F]{2}>")
MARKED = re.compile(r"<\|.*\|>|<unused\d+>|<pad>|<mask>", re.DOTALL)
"""Added tokens that are no text, whatever their tokenizer says: as ``does_token_look_special`` of the converter."""
ADDED_SCORE = -1000.0
NO_MERGE = "Ā Ā"
"""Of two zero bytes, to no token: they stay as they are. llama.cpp reads no BPE without a merge."""
GENERATION = re.compile(r"\{%(-?)\s*(end)?generation\s*(-?)%\}")
STRIPPED_BY_NAME = ("</s>", "<unk>", "<s>", "<|endoftext|>")
"""Tokens that a model must have if it is called Phi-3: llama.cpp then lets special tokens swallow spaces."""


def add_vocabulary(writer, tokenizer, size: int) -> None:
    """Write ``tokenizer`` to a ``GGUFWriter``, padded to the ``size`` of the embedding.

    ``RunError`` if llama.cpp has no such tokenizer.
    """
    kind, given = require_known(tokenizer), json.loads(tokenizer.backend_tokenizer.to_str())
    tokens, kinds = _tokens(tokenizer, size, kind)
    writer.add_tokenizer_model(kind)
    if kind == "gpt2":
        writer.add_tokenizer_pre(splitting(tokenizer))
    else:
        writer.add_tokenizer_pre("default")
        writer.add_token_scores(_scores(given["model"], tokens, kinds))
        writer.add_add_space_prefix(_prefixes(given, tokenizer))
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    if kind == "gpt2":
        writer.add_token_merges([" ".join(pair) for pair in _merges(given["model"])] or [NO_MERGE])
    _add_special(writer, tokenizer)
    if tokenizer.chat_template:
        writer.add_chat_template(without_marks(tokenizer.chat_template))


def require_known(tokenizer) -> str:
    """llama.cpp's name for the kind of ``tokenizer``: ``gpt2`` or ``llama``; ``RunError`` if it has no such kind."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    given = json.loads(backend.to_str()) if backend else {"model": {"type": "none in the library tokenizers"}}
    model, normalizers = given["model"], _parts(given.get("normalizer"), "normalizers")
    if model["type"] != "BPE":
        raise unknown(f"its tokenizer is of the kind {model['type']}")
    if model.get("byte_fallback"):
        if any(part["type"] not in ("Prepend", "Replace") for part in normalizers):
            raise unknown("its tokenizer changes texts before it splits them")
        return "llama"
    if any(part["type"] != "NFC" for part in normalizers):
        raise unknown("its tokenizer changes texts before it splits them")
    if not splitting(tokenizer):
        raise unknown("llama.cpp has no name for how its tokenizer splits a text")
    return "gpt2"


def unknown(why: str) -> RunError:
    """The error that says that a model cannot be written as GGUF, and ``why``."""
    return RunError(
        f"This model cannot be written as GGUF: {why}.",
        "Install llama.cpp and set LLAMA_CPP to its folder: its converter knows more models. Or export the merged "
        "model.",
    )


def begins_with_bos(tokenizer) -> bool:
    """True if a conversation begins with the token for the beginning of a text; without a template, if a text does."""
    if tokenizer.bos_token is None:
        return False
    if tokenizer.chat_template:
        asked = [{"role": "user", "content": "question"}]
        text = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        return text.startswith(tokenizer.bos_token)
    return tokenizer("text")["input_ids"][:1] == [tokenizer.bos_token_id]


def without_marks(template: str) -> str:
    """A chat template without the marks of what is trained, which only Transformers knows; spaces stay as they were."""
    return GENERATION.sub(lambda found: f"{{%{found[1]} {'endif' if found[2] else 'if true'} {found[3]}%}}", template)


def swallows(tokenizer) -> bool:
    """True if special tokens swallow the spaces after them, as those of Phi 3 do.

    ``RunError`` if llama.cpp cannot do the same.
    """
    template = tokenizer.chat_template or ""
    used = [token for token in tokenizer.added_tokens_decoder.values() if token.content in template]
    if any(token.lstrip for token in used):
        raise unknown("special tokens swallow the spaces before them")
    found = any(token.rstrip for token in used)
    if found and not all(token in tokenizer.get_vocab() for token in STRIPPED_BY_NAME):
        raise unknown("special tokens swallow the spaces after them")
    return found


def _tokens(tokenizer, size: int, kind: str) -> tuple[list[str], list[int]]:
    """The text and the kind of every token."""
    from gguf import TokenType

    vocabulary, added = tokenizer.get_vocab(), tokenizer.added_tokens_decoder
    if max(vocabulary.values()) >= size:
        raise unknown("its tokenizer has more tokens than its embedding")
    tokens, kinds = [f"[PAD{n}]" for n in range(size)], [TokenType.UNUSED] * size
    for token, n in vocabulary.items():
        tokens[n], kinds[n] = token, TokenType.NORMAL
        if n in added:
            is_control = added[n].special or bool(MARKED.fullmatch(token))
            kinds[n] = TokenType.CONTROL if is_control else TokenType.USER_DEFINED
            tokens[n] = token if is_control else token.replace(SPACE, " ")
        elif kind == "llama" and BYTE.fullmatch(token):
            kinds[n] = TokenType.BYTE
        if kind == "llama" and token == tokenizer.unk_token:
            kinds[n] = TokenType.UNKNOWN
    return tokens, kinds


def _merges(model: dict) -> list[tuple[str, str]]:
    return [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in model["merges"]]


def _scores(model: dict, tokens: Sequence[str], kinds: Sequence[int]) -> list[float]:
    """What SentencePiece merges by: the token of the earliest merge first."""
    from gguf import TokenType

    ranks: dict[str, int] = {}
    for rank, pair in enumerate(_merges(model)):
        ranks.setdefault("".join(pair), rank)
    added = (TokenType.CONTROL, TokenType.USER_DEFINED, TokenType.UNUSED)
    last = float(len(ranks))
    return [ADDED_SCORE if kind in added else -float(ranks.get(token, last)) for token, kind in zip(tokens, kinds)]


def _prefixes(given: dict, tokenizer) -> bool:
    """True if a space is written before a text, and after each special token.

    Where only the first text gets one, none does that stands after a template's first token.
    """
    parts = _parts(given.get("pre_tokenizer"), "pretokenizers")
    schemes = [part["prepend_scheme"] for part in parts if part["type"] == "Metaspace"]
    if any(part["type"] == "Prepend" for part in _parts(given.get("normalizer"), "normalizers")):
        return True
    return "always" in schemes or ("first" in schemes and not tokenizer.chat_template)


def _add_special(writer, tokenizer) -> None:
    ends = turn_end(tokenizer)
    if tokenizer.bos_token_id is not None:
        writer.add_bos_token_id(tokenizer.bos_token_id)
    if tokenizer.eos_token_id is not None:
        writer.add_eos_token_id(tokenizer.eos_token_id)
    if ends:
        writer.add_eot_token_id(ends[0])
    if tokenizer.unk_token_id is not None:
        writer.add_unk_token_id(tokenizer.unk_token_id)
    if tokenizer.pad_token_id is not None:
        writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(begins_with_bos(tokenizer))
    writer.add_add_eos_token(False)


def _parts(given: dict | None, name: str) -> list[dict]:
    if not given:
        return []
    return given[name] if given["type"] == "Sequence" else [given]
