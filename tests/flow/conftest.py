"""An app and a browser for the tests of each file, and visits that end with their test."""

import pytest

from tests.browser import Visit, app


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with app(tmp_path_factory.mktemp("flow")) as address:
        yield address


@pytest.fixture
def visit(browser, address):
    """A function that begins a visit; all visits end with the test."""
    visits = []

    def begin(**options):
        visits.append(Visit(browser, address, **options))
        return visits[-1]

    yield begin
    for each in visits:
        each.close()


@pytest.fixture
def client(address):
    """A program that calls the page; the runs it started are stopped at the end."""
    from gradio_client import Client

    client = Client(address, verbose=False)
    client.started = []
    yield client
    for run_id in client.started:
        if client.predict(run_id, api_name="/status")["state"] in ("queued", "preparing", "running"):
            client.predict(run_id, api_name="/stop")
