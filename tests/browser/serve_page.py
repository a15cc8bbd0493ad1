#!/usr/bin/env python3
"""The page of `contentvec serve` in Chromium, with a file as its microphone; scripts/test-serve runs this.

    tests/browser/serve_page.py --program build/release/contentvec [--axe axe.min.js] [--pictures FOLDER]

What the page gives is compared with what the command line makes of the same samples, bit for bit. With axe-core the page
is held to the rules for accessibility, in light and dark.
"""

import argparse
import math
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

from webdriver import Browser

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIGS = f"synthetic:{ROOT}/tests/oracle-rvc/configs"
SPEECH = ROOT / "tests/data/audio/speech.flac"
PARTS = ["--model", f"{CONFIGS}/pipeline-hubert-v2.json", "--pitch-model", f"{CONFIGS}/tiny-rmvpe.json"]
TOKEN = "a-token-for-the-test"


def check(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)
    print(f"  {what}", flush=True)


def write_hum(path: Path, seconds: float, rate: int = 48000) -> None:
    """A voice of sorts: harmonics of a gliding pitch."""
    samples = []
    phase = 0.0
    for i in range(int(seconds * rate)):
        phase += (180 + 60 * math.sin(2 * math.pi * i / rate / 3)) / rate
        samples.append(sum(math.sin(2 * math.pi * h * phase) / h for h in range(1, 12)) * 6000)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(struct.pack(f"<{len(samples)}h", *map(int, samples)))


def stacks_of(pid: int) -> str:
    """What every thread of a process is doing: as the kernel says (somebody may have stopped it), and by gdb if it is here."""
    threads = sorted(Path(f"/proc/{pid}/task").glob("*"))
    said = [(thread / name, (thread / name).read_text()) for thread in threads for name in ("wchan", "syscall", "status")]
    told = "\n".join(f"{path}: {text}" for path, text in said)
    if shutil.which("gdb"):
        command = ["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all backtrace"]
        told += subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    return told


class Server:
    """The program, with one voice of a folder, and a token."""

    def __init__(self, program: str, folder: Path):
        self.program = program
        self.voice = folder / "voices/ada.safetensors"
        self.voice.parent.mkdir()
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        blend = [f"{CONFIGS}/tiny-v2-48k.json:{seed}" for seed in (1, 2)]
        subprocess.run([program, "-q", "blend", *blend, str(self.voice)], check=True, stdout=subprocess.DEVNULL)
        # A shell that starts this in its background has Ctrl-C ignored, which the program would take over.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [program, "serve", "--voices", str(self.voice.parent), "--port", "0", *PARTS],
            stdout=subprocess.PIPE, text=True,
            env={**os.environ, "CONTENTVEC_SERVE_TOKEN": TOKEN, "TMPDIR": str(self.temporary), "HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
        self.address, _, fragment = self.process.stdout.readline().strip().partition("#")
        check(fragment == f"token={TOKEN}", f"it serves at {self.address}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            print(stacks_of(self.process.pid), flush=True)
            raise
        check(status == 0, "it stops when it is told to")
        check(not list(self.temporary.iterdir()), "and leaves no file")


def log_in(browser: Browser, server: Server) -> None:
    print("The token")
    browser.open(server.address)
    browser.wait("document.getElementById('token-dialog').open")
    browser.type("#token", TOKEN)
    browser.click("#token-dialog button")
    browser.wait("document.body.dataset.ready")
    check(browser.text("#voice option") == "ada.safetensors", "is asked for, and then the voices are there")
    browser.complaints()  # of the answer 401
    browser.run("sessionStorage.clear()")
    browser.open("about:blank")
    browser.open(f"{server.address}#token={TOKEN}")
    browser.wait("document.body.dataset.ready")
    check(browser.run("return location.hash") == "", "is taken from the address, and out of it")


def converted_by_command(server: Server, recording: Path, seed: str, key: int, out: Path) -> bytes:
    subprocess.run(
        [server.program, "-q", "convert", str(recording), "--voice", str(server.voice), *PARTS,
         "--key", str(key), "--seed", seed, "--out", str(out)], check=True,
    )  # fmt: skip
    return out.read_bytes()


def convert(browser: Browser) -> None:
    results = browser.run("return document.querySelectorAll('#results li').length")
    browser.click("#convert")
    browser.wait("document.querySelectorAll('#results li').length > arguments[0]", results)
    check(browser.text("#status").startswith("Done"), f"a conversion is done: {browser.text('#status')}")


def test_a_file(browser: Browser, server: Server, folder: Path) -> None:
    print("A file that is picked")
    browser.type("#file", str(SPEECH))
    check(browser.text("#chosen-name") == "speech.flac", "is shown")
    browser.run("const key = document.getElementById('key'); key.value = 5;"
                "for (const kind of ['input', 'change']) key.dispatchEvent(new Event(kind, {bubbles: true}))")
    check(browser.text("output[for=key]") == "+5 semitones", "the key is shown")
    convert(browser)
    after = "document.querySelector('#results audio[aria-label=After]')"
    browser.run(f"{after}.muted = true; return {after}.play()")
    browser.wait(f"{after}.currentTime > 0.2")
    check(5 < browser.run(f"return {after}.duration") < 5.2, "the result plays, as long as the recording")
    before = "document.querySelector('#results audio[aria-label=Before]')"
    browser.run(f"{before}.muted = true; return {before}.play()")
    browser.wait(f"{before}.currentTime > 0.1")
    check(True, "and so does the recording")
    browser.click("#results a.button")
    download = folder / "downloads/speech.converted.wav"
    deadline = time.monotonic() + 10
    while not download.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    seed = re.search(r"seed (\d+)", browser.text("#results .note"))[1]
    expected = converted_by_command(server, SPEECH, seed, 5, folder / "expected.wav")
    check(download.read_bytes() == expected, "the download is what `contentvec convert` writes")


def test_a_drop(browser: Browser) -> None:
    print("A file that is dropped")
    browser.run(
        """const files = new DataTransfer();
        files.items.add(new File([new TextEncoder().encode(arguments[0])], "dropped.wav"));
        for (const kind of ["dragenter", "dragover", "drop"]) document.getElementById("drop").dispatchEvent(
          new DragEvent(kind, {dataTransfer: files, bubbles: true, cancelable: true}));""",
        "no audio at all",
    )
    check(browser.text("#chosen-name") == "dropped.wav", "is shown")
    browser.click("#convert")
    browser.wait("document.querySelector('#status.failed')")
    check("cannot read audio" in browser.text("#status"), f"what is wrong with it is said: {browser.text('#status')[:70]}")
    browser.click("#results button")
    check(browser.run("return document.querySelectorAll('#results li').length") == 0, "a result can be removed")


def test_a_recording(browser: Browser) -> None:
    print("A recording by the microphone")
    browser.run("""const create = URL.createObjectURL;
                URL.createObjectURL = (blob) => create(window.recorded = blob)""")
    browser.click("#record")
    browser.wait("/Stop \\([1-9]/.test(document.getElementById('record').textContent)")
    browser.click("#record")
    browser.wait("document.getElementById('chosen-audio').duration > 0.5")
    peak = browser.run_async(
        """const done = arguments[0];
        recorded.arrayBuffer().then((bytes) =>
          done(new Int16Array(bytes, 44).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)));"""
    )
    check(peak > 1000, f"has sound in it, up to {peak} of 32767")
    convert(browser)


def test_live(browser: Browser, server: Server) -> None:
    print("The live tab")
    browser.type("#tab-recording", "\ue014")  # the right arrow
    check(browser.run("return !document.getElementById('panel-live').hidden"), "is reached by the keyboard")
    browser.run(
        """window.blocks = {sent: [], received: []};
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) {
          if (data instanceof Float32Array) blocks.sent.push([...data]);
          send.call(this, data);
        };
        const add = (event) => event.data instanceof ArrayBuffer && blocks.received.push([...new Float32Array(event.data)]);
        const own = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
        Object.defineProperty(WebSocket.prototype, "onmessage", {set(handler) {
          own.set.call(this, (event) => { add(event); handler(event); });
        }});"""
    )
    browser.click("#live")
    browser.wait("Number(document.getElementById('blocks').textContent) >= 8")
    browser.wait("document.getElementById('pitch').textContent !== '–'")
    numbers = browser.run("return ['pitch', 'delay', 'load', 'lost'].map(id => document.getElementById(id).textContent)")
    check(browser.run("return document.getElementById('spoken').value") > 0.1, f"the voice is heard: {numbers}")


def test_live_blocks(browser: Browser, server: Server) -> None:
    browser.click("#live")
    check(browser.text("#live-status") == "Stopped.", "it stops")
    blocks = browser.run("return window.blocks")
    received = blocks["received"][:8]
    block = len(received[0])
    pack = lambda part: b"".join(struct.pack(f"<{len(samples)}f", *samples) for samples in part)
    expected = subprocess.run(
        [server.program, "-q", "live", "--voice", str(server.voice), *PARTS, "--key", "5", "--input", "-", "--output", "-",
         "--encoding", "float", "--rate", str(4 * block), "--block", "250"],
        input=pack(blocks["sent"][:8]), check=True, capture_output=True,
    ).stdout  # fmt: skip
    check(len(received) == 8, f"blocks of {block} samples came back")
    check(any(abs(x) > 0.01 for samples in received for x in samples), "with sound in them")
    check(pack(received) == expected[: 8 * 4 * block], "which are those of `contentvec live`")


def test_accessibility(browser: Browser, axe: str | None) -> None:
    if axe is None:
        return
    print("Accessibility (axe-core)")
    source = Path(axe).read_text()
    for scheme in ("light", "dark"):
        browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for tab in ("recording", "live"):  # with a result, and while it is running
            browser.click(f"#tab-{tab}")
            found = browser.run_async(
                source + ";axe.run().then(r => arguments[0](r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html))))"
            )
            check(found == [], f"{tab}, {scheme}: {found or 'nothing is wrong'}")


def take_pictures(browser: Browser, folder: str | None, name: str) -> None:
    if folder is None:
        return
    for scheme in ("light", "dark"):
        browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.screenshot(f"{folder}/{name}-{scheme}.png")
    browser.devtools("Emulation.setDeviceMetricsOverride", width=400, height=900, deviceScaleFactor=1, mobile=True)
    browser.screenshot(f"{folder}/{name}-narrow.png")
    browser.devtools("Emulation.clearDeviceMetricsOverride")


def test_page(browser: Browser, server: Server, folder: Path, options: argparse.Namespace) -> None:
    browser.devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder / "downloads"))
    log_in(browser, server)
    test_a_file(browser, server, folder)
    take_pictures(browser, options.pictures, "recording")
    test_a_drop(browser)
    test_a_recording(browser)
    test_live(browser, server)
    take_pictures(browser, options.pictures, "live")
    test_accessibility(browser, options.axe)
    test_live_blocks(browser, server)
    print("The page")
    loaded = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    check(all(name.startswith((server.address, "blob:")) for name in loaded), "takes nothing from elsewhere")
    complaints = browser.complaints()
    check(complaints == [], f"the browser complains of {complaints or 'nothing'}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--axe")
    parser.add_argument("--pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_hum(folder / "microphone.wav", 6)
        server = Server(str(Path(options.program).resolve()), folder)
        try:
            browser = Browser([
                "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={folder}/microphone.wav", "--window-size=1180,900",
                f"--user-data-dir={folder}/profile",
            ])  # fmt: skip
            try:
                test_page(browser, server, folder, options)
            finally:
                browser.close()
            server.stop()
        finally:
            server.process.kill()


if __name__ == "__main__":
    main()
    sys.exit(0)
