import io
import json
import sys

import pytest

from finetune.terminal import Guarded, guarded, plain, plain_json, plain_line

OBEYED = ("\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x90", "\x08", "\x7f", "\0", "\r", "\u202e", "\u2066", "\u200f",
          "\u2028", "\u200b", "\ufeff", "\ud800", "\U000e0041", "\x85", "\x1bc", "\x0b", "\x0c")  # fmt: skip


@pytest.mark.threat("S13")
@pytest.mark.parametrize("text", OBEYED, ids=ascii)
def test_what_a_terminal_obeys_is_shown(text):
    for shown in (plain(f"a{text}b"), plain_line(f"a{text}b")):
        assert shown.startswith("a\\") and shown.endswith("b") and shown.isprintable()
    as_json = plain_json(json.dumps({"a": text}, ensure_ascii=False))
    assert as_json.isprintable() and json.loads(as_json) == {"a": text}


def test_other_text_stays():
    text = "Größe: 3 × 5 “ja” – 日本語, 👩‍🚀 \t end\nnext"
    assert plain(text) == text and plain_json(json.dumps(text, ensure_ascii=False)) == json.dumps(
        text, ensure_ascii=False
    )
    assert plain_line("one\ntwo\tthree") == "one\\ntwo three"


@pytest.mark.threat("S13", "T33")
def test_all_that_a_process_prints_is_plain_and_without_secrets(monkeypatch, capsys):
    monkeypatch.setenv("MY_TOKEN", "correct-horse-battery")
    out, err = sys.stdout, sys.stderr
    with guarded():
        print("a\x1b[2Jb", "correct-horse-battery")
        print("50 %\r100 %", "hf_0123456789abcdef", file=sys.stderr)
        sys.stderr.writelines(["\u202e", "\n"])
    assert (sys.stdout, sys.stderr) == (out, err)
    assert capsys.readouterr() == ("a\\x1b[2Jb [hidden]\n", "50 %\r100 % [hidden]\n\\u202e\n")


def test_a_guarded_stream_is_else_the_stream_itself():
    stream = io.StringIO()
    assert Guarded(stream).write("a\x1b") == 2 and Guarded(stream).getvalue() == "a\\x1b"
    assert Guarded(sys.__stdout__).encoding == sys.__stdout__.encoding
