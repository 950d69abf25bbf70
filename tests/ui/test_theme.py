import re

from finetune.ui.theme import HEAD, HEAD_JS, THEME


def test_nothing_is_loaded_from_another_host():
    stylesheets = THEME._stylesheets
    assert stylesheets == [] and not re.search(r"https?://", HEAD + HEAD_JS)


def test_arrow_keys_move_between_tabs():
    assert "ArrowRight" in HEAD and "[role=tab]" in HEAD
