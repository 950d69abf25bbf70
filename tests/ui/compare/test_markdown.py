import re

import pytest

from finetune.ui.compare.markdown import LONGEST, html

HARMLESS = re.compile(
    r"</?(p|strong|em|s|code|pre|ul|ol|li|blockquote|table|thead|tbody|tr|th|td|br|hr)"
    r"( start=\"\d+\"| class='heading'| style=\"text-align:(left|center|right)\")?( /)?>"
)
"""Every tag that may be written, with every attribute."""
FORMS = {
    "# Title": "<p class='heading'>Title</p>",
    "**bold** and *slanted*": "<strong>bold</strong> and <em>slanted</em>",
    "- one\n- two": "<li>one</li>",
    "1. one": "<ol>",
    "```python\nx < 1\n```": "<pre><code>x &lt; 1\n</code></pre>",
    "|a|b|\n|-|-|\n|1|2|": "<td>2</td>",
    "one\ntwo": "one<br />\ntwo",
}
HOSTILE = {
    "<script>alert(1)</script>": "&lt;script&gt;",
    "<img src=x onerror=alert(1)>": "&lt;img",
    "![a picture](http://example.com/x.png)": "a picture (http://example.com/x.png)",
    "[a link](http://example.com/?a=1&b=2)": "a link (http://example.com/?a=1&amp;b=2)",
    '[**bold**](http://example.com "title")': "<strong>bold</strong> (http://example.com)",
    "[![inner](http://a/x.png)](http://b)": "inner (http://a/x.png) (http://b)",
    "[x](javascript:alert(1))": "[x](javascript:alert(1))",
    "<http://example.com>": "<p>http://example.com</p>",
    "http://example.com": "<p>http://example.com</p>",
    "[ref]: http://example.com 'shown'": "[ref]: http://example.com",
    "<!-- hidden -->": "&lt;!-- hidden --&gt;",
    "```'><script>\nx\n```": "<pre><code>x",
    '|<b onclick="x">|\n|-|': "&lt;b onclick=",
    "> " * 60 + "deep": "deep",
    "\u202ethgir ot tfel": "\u202ethgir ot tfel",
}


@pytest.mark.parametrize("text", FORMS)
def test_what_models_write_is_formatted(text):
    assert FORMS[text] in html(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_passes_that_the_browser_would_fetch_or_run(text):
    found = html(text)
    assert HOSTILE[text] in found
    assert HARMLESS.sub("", found).count("<") == 0


@pytest.mark.parametrize("piece", ["[", "![](", "*a _b ", "`", "<", "|a", "~~a", "\\", "- ", "[a](b", "&#x3c;"])
def test_any_text_is_harmless_and_soon_done(piece):
    assert HARMLESS.sub("", html(piece * (4000 // len(piece)))).count("<") == 0


def test_a_very_long_text_is_shown_as_it_was_written():
    assert html("<b>" * LONGEST).startswith("<pre>&lt;b&gt;")
