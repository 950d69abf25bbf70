"""What stands in the environment opens nothing."""

import os
import subprocess
import sys

import httpx
import pytest

from finetune.paths import PROJECT
from tests.browser import app, free_port

OPENING = {
    "GRADIO_ALLOWED_PATHS": "/",
    "GRADIO_SHARE": "True",
    "GRADIO_MCP_SERVER": "True",
    "GRADIO_VIBE_MODE": "1",
    "GRADIO_DEBUG": "1",
    "GRADIO_RUN_HISTORY": "True",
    "GRADIO_WATCH_DIRS": str(PROJECT),
    "GRADIO_ANALYTICS_ENABLED": "True",
    "GRADIO_ROOT_PATH": "https://evil.example",
}


@pytest.mark.threat("S10", "T38", "T39", "T40")
def test_settings_of_gradio_in_the_environment_open_nothing(tmp_path):
    with app(tmp_path, **OPENING) as address:
        http = httpx.Client(base_url=address, timeout=60)
        config = http.get("/config").json()
        assert not config.get("vibe_mode") and not config.get("mcp_server") and not config.get("dev_mode")
        assert "evil.example" not in http.get("/").text and "evil.example" not in str(config.get("root"))
        for path in (
            f"/gradio_api/file={PROJECT}/app.py",
            "/gradio_api/vibe-code/",
            "/gradio_api/mcp/sse",
            "/monitoring",
        ):
            assert http.get(path).status_code == 404


@pytest.mark.threat("T38")
def test_an_address_in_the_environment_needs_a_password_too(tmp_path):
    given = {"GRADIO_SERVER_NAME": "0.0.0.0", "FINETUNE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "app.py", "--no-browser", "--port", str(free_port())],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if name != "SPACE_ID"} | given,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2 and "nobody would have to sign in" in done.stderr
    assert "--auth name:password" in done.stderr and "Traceback" not in done.stderr
