"""A browser, driven over the WebDriver protocol (https://www.w3.org/TR/webdriver2/): what the tests need of it."""

import base64
import http.client
import json
import socket
import subprocess
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # what the protocol calls the reference to one


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Browser:
    """Chromium without a window, through chromedriver."""

    def __init__(self, arguments: list[str]):
        self.port = free_port()
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.session = ""
        try:
            self._wait_for_driver()
            options = {"args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", *arguments]}
            capabilities = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            started = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
            self.session = f"/session/{started['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _wait_for_driver(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                self._ask("GET", "/status")
                return
            except OSError:
                if time.monotonic() > deadline or self.driver.poll() is not None:
                    raise
                time.sleep(0.05)

    def _ask(self, method: str, path: str, body: dict | None = None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, None if body is None else json.dumps(body))
        value = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(f"{method} {path}: {value['error']}: {value['message']}")
        return value

    def _command(self, method: str, path: str, body: dict | None = None):
        return self._ask(method, self.session + path, body)

    def close(self) -> None:
        try:
            if self.session:
                self._command("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()

    def open(self, address: str) -> None:
        self._command("POST", "/url", {"url": address})

    def _find(self, selector: str) -> str:
        found = self._command("POST", "/element", {"using": "css selector", "value": selector})
        return f"/element/{found[ELEMENT]}"

    def click(self, selector: str) -> None:
        self._command("POST", self._find(selector) + "/click", {})

    def type(self, selector: str, text: str) -> None:
        """Into a field; for a file's, its path."""
        self._command("POST", self._find(selector) + "/value", {"text": text})

    def run(self, script: str, *arguments):
        return self._command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def run_async(self, script: str, *arguments):
        """The script calls its last argument with the result."""
        return self._command("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def devtools(self, command: str, **parameters):
        return self._command("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def text(self, selector: str) -> str:
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def wait(self, condition: str, *arguments, seconds: float = 30):
        """Waits until an expression of JavaScript is true, and gives its value."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(f"return {condition}", *arguments)):
            if time.monotonic() > deadline:
                status = self.run("return [...document.querySelectorAll('[role=status], [role=alert]')].map(e => e.textContent)")
                raise TimeoutError(f"{condition} was not true in {seconds} s; the page says {status}")
            time.sleep(0.05)
        return value

    def screenshot(self, path: str) -> None:
        with open(path, "wb") as file:
            file.write(base64.b64decode(self._command("GET", "/screenshot")))

    def complaints(self) -> list[str]:
        """What the browser's console has had to say since it was last asked."""
        entries = self._command("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]
