import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from finetune.runs.links import link
from finetune.ui.shared import HEADERS, routes
from tests import scored


@pytest.fixture
def client(studio):
    return TestClient(Starlette(routes=routes(studio)))


def test_the_secret_opens_the_report_and_nothing_can_be_loaded_from_it(client, write_run):
    run = scored.evaluated(write_run())
    found = client.get(f"/report/{link(run, 'report')}?price=3.6")
    assert found.status_code == 200 and "<h1 dir='auto'>pirate voice</h1>" in found.text and "3.60 €" in found.text
    assert found.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "sandbox" in found.headers["content-security-policy"] and found.headers["cache-control"] == "no-store"
    assert all(found.headers[name] == text for name, text in HEADERS.items())
    assert "no price given" in client.get(f"/report/{link(run, 'report')}?price=<script>").text


def test_any_other_secret_gets_one_calm_sentence(client, write_run):
    run = write_run()
    for secret in ("unknown", link(run, "vote"), run.id, "%F0%9F%98%80", "a" * 5000):
        found = client.get(f"/report/{secret}")
        assert found.status_code == 404 and "There is no report at this address" in found.text
        assert run.id not in found.text and found.headers["cache-control"] == "no-store"


def test_a_link_ends_with_its_secret_and_with_its_run(client, workspace, write_run):
    run = write_run()
    address = f"/report/{link(run, 'report')}"
    assert client.get(address).status_code == 200
    (run.path / "links.json").unlink()
    assert client.get(address).status_code == 404


def test_gradio_serves_the_page_and_the_report_under_one_app(studio, write_run):
    with gr.Blocks() as blocks:
        gr.Markdown("The studio")
    app = gr.routes.App.create_app(blocks, app_kwargs={"routes": routes(studio)})
    together = TestClient(app)
    assert "<h1 dir='auto'>" in together.get(f"/report/{link(write_run(), 'report')}").text
    assert together.get("/report/unknown").status_code == 404 and together.get("/gradio_api/info").status_code == 200
    assert "no-store" not in together.get("/config").headers.get("cache-control", "")


def test_it_can_only_be_read(client, write_run):
    assert client.post(f"/report/{link(write_run(), 'report')}").status_code == 405
