"""A headless browser, driven through chromedriver's own protocol: JSON over a local port, and no library."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def is_there():
    return bool(shutil.which("chromedriver") and (shutil.which("chromium") or shutil.which("google-chrome")))


#: tests that drive a browser, and are left out where there is none
MARKS = [pytest.mark.browser, pytest.mark.skipif(not is_there(), reason="no chromium and chromedriver here")]


def in_browser(test):
    """A single test of them."""
    for mark in MARKS:
        test = mark(test)
    return test


class Browser:
    """A window of a browser: `open` a file, `run` a script in it, `click` what a selector finds."""

    def __init__(self, root):
        self.root = root

    def open(self, path):
        self.ask("POST", "/url", {"url": Path(path).as_uri()})

    def run(self, script, *args):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(args)})

    def wait(self, condition, seconds=5):
        """Until an expression holds in the page; its value at the end."""
        look = (
            f"const done = arguments[0], end = Date.now() + {1000 * seconds};"
            f"(function look() {{ const value = {condition};"
            " value || Date.now() > end ? done(value) : setTimeout(look, 20); })();"
        )
        return self.ask("POST", "/execute/async", {"script": look, "args": []})

    def click(self, selector):
        self.ask("POST", f"/element/{next(iter(self.find(selector).values()))}/click", {})

    def press(self, selector, keys):
        """Keys as a reader presses them, on what a selector finds."""
        self.ask("POST", f"/element/{next(iter(self.find(selector).values()))}/value", {"text": keys})

    def find(self, selector):
        return self.ask("POST", "/element", {"using": "css selector", "value": selector})

    def enter(self, selector):
        """From here on all is asked of the page in a frame, until `leave`."""
        self.ask("POST", "/frame", {"id": self.find(selector)})

    def leave(self):
        self.ask("POST", "/frame", {"id": None})

    def control(self, command, **parameters):
        """A command of the browser's own protocol."""
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def messages(self):
        """What the page complained of, such as scripts that it may not run."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.root}{path}", data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from error


@contextlib.contextmanager
def browser(folder, *, width=1200, height=900):
    """A browser whose profile lies in `folder`; ended with the block."""
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        port = next(line.split()[-1].rstrip(".") for line in driver.stdout if "started successfully on port" in line)
        flags = [*FLAGS, f"--user-data-dir={folder}", f"--window-size={width},{height}"]
        options = {"goog:chromeOptions": {"args": flags}, "goog:loggingPrefs": {"browser": "ALL"}}
        root = f"http://127.0.0.1:{port}/session"
        session = Browser(root).ask("POST", "", {"capabilities": {"alwaysMatch": options}})["sessionId"]
        window = Browser(f"{root}/{session}")
        yield window
        window.ask("DELETE", "")
    finally:
        driver.kill()
        driver.wait()
        driver.stdout.close()
