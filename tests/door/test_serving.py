import urllib.request

import pytest

from finetune.door.serving import Serving
from finetune.errors import BusyError
from tests.door.requests import echo


def test_an_app_is_served_until_it_is_closed():
    serving = Serving(echo, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{serving.port}/"
    with urllib.request.urlopen(urllib.request.Request(url, data=b"hello"), timeout=20) as answer:
        assert answer.read() == b"hello" and "server" not in {name.lower() for name in answer.headers}
    serving.close()
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=5)


def test_a_port_that_is_taken_is_said():
    first = Serving(echo, "127.0.0.1", 0).start()
    try:
        with pytest.raises(BusyError, match="could not be served"):
            Serving(echo, "127.0.0.1", first.port).start()
    finally:
        first.close()
