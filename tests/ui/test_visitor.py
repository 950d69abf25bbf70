from types import SimpleNamespace

from gradio.context import LocalContext

from finetune.door.visitor import NOBODY, Visitor
from finetune.ui.visitor import current


def test_the_visitor_is_that_of_the_event():
    assert current() is None
    ada = Visitor("ada", "ada", "member")
    for scope, expected in (({"state": {"visitor": ada}}, ada), ({}, NOBODY)):
        token = LocalContext.request.set(SimpleNamespace(request=SimpleNamespace(scope=scope)))
        assert current() is expected
        LocalContext.request.reset(token)
