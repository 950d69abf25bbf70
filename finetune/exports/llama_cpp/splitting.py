"""How a byte-level tokenizer splits a text before it merges, by llama.cpp's name for it (``tokenizer.ggml.pre``).

The split itself is compared: an expression that llama.cpp's source names as the origin of its own (``src/llama-vocab.cpp``).
Where it is another one, the tokens of a test text tell, as in llama.cpp's converter: one hash for each known tokenizer
(``get_vocab_base_pre`` in ``conversion/base.py``, MIT).
"""

import json
from hashlib import sha256

CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CASED = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+", rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*")
REST_OF_CASED = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"

EXPRESSIONS = {
    (rf"{CONTRACTIONS}|{WORDS}|\p{{N}}|{REST}", False): "qwen2",
    (rf"{CONTRACTIONS}|{WORDS}|\p{{N}}{{1,3}}|{REST}", True): "llama-bpe",
    (rf"{CONTRACTIONS}|{WORDS}|\p{{N}}{{1,3}}|{REST}", False): "dbrx",
    (rf"{CASED[0]}|{CASED[1]}|\p{{N}}|{REST_OF_CASED}", True): "tekken",
    (
        rf"{CASED[0]}{CONTRACTIONS}?|{CASED[1]}{CONTRACTIONS}?|\p{{N}}{{1,3}}|{REST_OF_CASED}",
        False,
    ): "gpt-4o",
}
"""By the expression, and whether a word that is a token stays whole (``ignore_merges``)."""

TEST_TEXT = (
    "\n \n\n \n\n\n \t \t\t \t\n  \n   \n    \n     \n🚀 (normal) 😶\u200d🌫️ (multiple emojis concatenated) ✅ 🦙🦙 3 33 333 "
    "3333 33333 333333 3333333 33333333 3.3 3..3 3...3 កាន់តែពិសេសអាច😁 ?我想在apple工作1314151天～ ------======= нещо на "
    "Български ''''''```````\"\"\"\"......!!!!!!?????? I've been 'told he's there, 'RE you sure? 'M not sure I'll make "
    "it, 'D you like some tea? We'Ve a'lL"
)
"""The converter's."""
HASHES = {
    "0ef9807a4087ebef797fc749390439009c3b9eda9ad1a097abbe738f486c01e5": "llama-bpe",
    "d353350c764d8c3b39c763113960e4fb4919bea5fbf208a0e3b22e8469dc7406": "llama4",
    "e636dc30a262dcc0d8c323492e32ae2b70728f4df7dfe9737d9f920a282b8aea": "qwen2",
    "d4540891389ea895b53b399da6ac824becc30f2fba0e9ddbb98f92e55ca0e97c": "qwen2",
    "b3f499bb4255f8ca19fccd664443283318f2fd2414d5e0b040fbdd0cc195d6c5": "deepseek-r1-qwen",
    "855059429035d75a914d1eda9f10a876752e281a054a7a3d421ef0533e5b6249": "smollm",
    "63b97e4253352e6f357cc59ea5b583e3a680eaeaf2632188c2b952de2588485e": "tekken",
    "ccc2ef013c104be7bae2965776d611e1d7a8a2a9c547dd93a682c9a9fc80352e": "gpt-4o",
    "a8594e3edff7c29c003940395316294b2c623e09894deebbc65f33f1515df79e": "dbrx",
    "3ce83efda5659b07b1ad37ca97ca5797ea4285d9b9ab0dc679e4a720c9da7454": "gpt-2",
    "35d91631860c815f952d711435f48d356ebac988362536bed955d43bfa436e34": "starcoder",
    "9d032fcbd5501f4a38150912590928bfb36091efb5df11b8e2124b0390e3fb1e": "falcon3",
}
"""Of the tokenizers of the families that are written here."""


def splitting(tokenizer) -> str:
    """llama.cpp's name for how ``tokenizer`` splits a text; empty if it has none that is known."""
    given = json.loads(tokenizer.backend_tokenizer.to_str())
    return _by_rule(given["pre_tokenizer"], bool(given["model"].get("ignore_merges"))) or _by_hash(tokenizer)


def _by_rule(given: dict | None, ignores_merges: bool) -> str:
    parts = given["pretokenizers"] if given and given["type"] == "Sequence" else [given]
    *first, last = [part or {} for part in parts]
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space"):
        return ""
    if last.get("use_regex", True):  # the expression of GPT-2
        if not first:
            return "" if ignores_merges else "gpt-2"
        is_digits = [(part.get("type"), part.get("individual_digits")) for part in first] == [("Digits", True)]
        return "smollm" if is_digits and not ignores_merges else ""
    if len(first) != 1 or (first[0].get("type"), first[0].get("behavior")) != ("Split", "Isolated"):
        return ""
    if first[0].get("invert"):
        return ""
    return EXPRESSIONS.get((first[0]["pattern"].get("Regex"), ignores_merges), "")


def _by_hash(tokenizer) -> str:
    return HASHES.get(sha256(str(tokenizer.encode(TEST_TEXT)).encode()).hexdigest(), "")
