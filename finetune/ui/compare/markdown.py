"""Markdown of a model as HTML that fetches nothing: links and images are text with their address, HTML is text."""

from collections.abc import Callable
from functools import cache, lru_cache
from html import escape

LONGEST = 20_000
"""Characters that are read as Markdown; a longer text is shown as it was written."""
RECENT = 200
"""Texts whose HTML is kept: a conversation is redrawn many times a second while its last answer grows."""
DEEPEST = 100
"""Blocks within blocks; the reader leaves out what is deeper."""


@lru_cache(RECENT)
def html(text: str) -> str:
    """``text`` as HTML."""
    return _reader().render(text) if len(text) <= LONGEST else f"<pre>{escape(text)}</pre>"


@cache
def _reader():
    """CommonMark with tables and strikethrough, without what would hide a part of the text."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True, "maxNesting": DEEPEST})
    # A reference definition shows nothing itself.
    reader.enable(["table", "strikethrough"]).disable("reference")
    for kind, rule in RULES.items():
        reader.add_render_rule(kind, rule)
    return reader


def _link_open(renderer, tokens, at, options, env) -> str:
    """Nothing; the address is kept until the link is closed."""
    token = tokens[at]
    env.setdefault("open", []).append("" if token.info == "auto" else token.attrs.get("href", ""))
    return ""


def _link_close(renderer, tokens, at, options, env) -> str:
    address = env["open"].pop()
    return f" ({escape(address)})" if address else ""


def _image(renderer, tokens, at, options, env) -> str:
    token = tokens[at]
    return f"{escape(token.content)} ({escape(token.attrs.get('src', ''))})"


def _code(renderer, tokens, at, options, env) -> str:
    return f"<pre><code>{escape(tokens[at].content)}</code></pre>\n"


def _constant(words: str) -> Callable:
    return lambda renderer, tokens, at, options, env: words


RULES: dict[str, Callable] = {
    "link_open": _link_open,
    "link_close": _link_close,
    "image": _image,
    "fence": _code,
    "code_block": _code,
    # The page has an outline of its own.
    "heading_open": _constant("<p class='heading'>"),
    "heading_close": _constant("</p>\n"),
}
"""How each kind of token is written, where it is not as CommonMark has it."""
