"""The real page in a real browser: an app in a process of its own, and Chromium to look at it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from finetune.paths import PROJECT

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--no-first-run")  # fmt: skip
LONGEST_OUTPUT = 20_000
"""Characters of what the app printed that are shown if a test fails: the last ones."""
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def app(home: Path, script: str | Path = "app.py", options: tuple[str, ...] = (), **environment: str):
    """The address of a running app with the workspace ``home``; it has ended when the block is left."""
    port = free_port()
    if "PYTEST_XDIST_WORKER" in os.environ:  # as ``tests/conftest.py`` does for the tests' own process
        environment.setdefault("OMP_NUM_THREADS", "1")
    # A file takes whatever is printed; a pipe that nobody reads would stop the program once it is full.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            [sys.executable, str(script), "--no-browser", "--port", str(port), *options],
            cwd=PROJECT,
            env={**os.environ, "FINETUNE_HOME": str(home), "PYTHONUNBUFFERED": "1", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for_port(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            output.seek(0)
            print(output.read()[-LONGEST_OUTPUT:])


def wait_for_port(port: int, process: subprocess.Popen, seconds: float = 120) -> None:
    """Return once something listens on ``port``; raise if the process ends before or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"The app ended with code {process.returncode}.")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"Nothing listens on port {port} after {seconds} s.")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def chromium():
    """A headless Chromium: the one that ``$FINETUNE_BROWSER`` names, the system's, or Playwright's own."""
    from playwright.sync_api import sync_playwright

    system = os.environ.get("FINETUNE_BROWSER") or next(
        (path for path in ("/usr/bin/chromium", "/usr/bin/google-chrome") if Path(path).exists()), None
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system, args=list(CHROMIUM))
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One visitor's page, with the errors in its console, and which other hosts were asked for something."""

    def __init__(self, browser, address: str, size=DESKTOP, scheme="light"):
        self.address = address
        self.context = browser.new_context(viewport=size, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._note)

    def _note(self, request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def open(self, tab: str = "data"):
        """The page, opened at ``tab`` and ready to use."""
        self.page.goto(f"{self.address}/?tab={tab}")
        self.page.wait_for_selector(f"#tab-{tab}-button[aria-selected=true]")
        self.page.wait_for_selector(f"#tab-{tab} .lead")
        return self.page

    def sign_in(self, name: str, password: str, tab: str = "data"):
        """The page, opened at ``tab`` after signing in."""
        self.page.goto(f"{self.address}/?tab={tab}")
        self.page.fill("input[name=name]", name)
        self.page.fill("input[name=password]", password)
        self.page.click("button")
        self.page.wait_for_selector(f"#tab-{tab}-button[aria-selected=true]")
        self.page.wait_for_selector(".person")
        return self.page

    def load_again(self, tab: str) -> None:
        """Reload the page at ``tab``; that this aborts its open requests is no error."""
        errors = list(self.errors)
        self.page.goto(f"{self.address}/?tab={tab}")
        self.errors[:] = errors

    def go(self, tab: str) -> None:
        """Click on ``tab`` and wait until it is there."""
        self.page.click(f"#tab-{tab}-button")
        self.page.wait_for_selector(f"#tab-{tab} .lead")

    def close(self) -> None:
        self.context.close()
