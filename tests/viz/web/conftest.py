"""A real browser, Chromium of the system; and the app as a process of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
OPTIONS = (
    "--no-sandbox",  # containers run as root
    "--disable-dev-shm-usage",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window, with software rendering; skipped where none is installed."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        yield launched
        launched.close()


class Watched:
    """A page, and what it asked for and complained about."""

    def __init__(self, page):
        self.page = page
        self.requests, self.complaints = [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)

    def _said(self, message):
        # The driver of the graphics library reports that reading pixels is slow; nothing else may.
        if message.type in ("error", "warning") and "GL Driver Message" not in message.text:
            self.complaints.append(message.text)

    def picture(self, name):
        """Save a screenshot where LATTICE_GNN_SCREENSHOTS names a folder, to be looked at."""
        folder = os.environ.get("LATTICE_GNN_SCREENSHOTS")
        if folder:
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.fixture
def open_page(browser):
    """Open an address in a context of its own; with ``offline`` nothing but files can be loaded."""
    contexts = []

    def opened(address, *, offline=False, size=(1200, 900)):
        width, height = size
        context = browser.new_context(
            offline=offline, viewport={"width": width, "height": height}, accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(60_000)
        watched = Watched(context.new_page())
        watched.page.goto(address)
        return watched

    yield opened
    for context in contexts:
        context.close()


class Served:
    """The running app, and how to ask it without a browser."""

    def __init__(self, address):
        self.address = address
        self.port, self.token = re.fullmatch(r"http://127.0.0.1:(\d+)/#(\S+)", address).groups()

    def ask(self, path, body=None, *, method=None, **headers):
        """Send a request; return status, headers and body."""
        connection = HTTPConnection("127.0.0.1", int(self.port), timeout=60)
        content = json.dumps(body) if isinstance(body, dict) else body
        standard = {"Host": f"127.0.0.1:{self.port}", "Authorization": f"Bearer {self.token}"}
        method = method or ("GET" if body is None else "POST")
        sent = {k: v for k, v in (standard | headers).items() if v is not None}
        try:
            connection.request(method, path, content, sent)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def values(self, path, body=None, **options):
        """Send a request that must succeed, and return its JSON."""
        status, _, content = self.ask(path, body, **options)
        assert status == 200, content
        return json.loads(content)


@pytest.fixture(scope="session")
def served():
    """The app, started by its command; ended by an interrupt, which is no error."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "cli.start", "app", "--no-browser"]
    process = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    try:
        yield Served(line.split()[0])
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
