#!/usr/bin/env python3
"""A model hub on this machine for tests: the hub's protocol, with faults where they are asked for.

    tests/hub/server.py FOLDER [--tls CERTIFICATE.pem]

Prints {"hub": PORT, "cdn": PORT} and serves until its standard input closes. The hub answers at 127.0.0.1 and
sends large files to the CDN at localhost, another host. FOLDER holds

    ORG/REPO/refs.json     {"main": COMMIT, ...}
    ORG/REPO/COMMIT/FILE   what a commit holds
    ORG/REPO/token         where it exists, the token that may read the repository
    faults.json            a list of faults (see Fault), read anew for each request
    requests.jsonl         what was asked, one line each, written by the server
"""
import hashlib
import http.server
import json
import os
import pathlib
import re
import ssl
import sys
import threading
import time
import urllib.parse

LARGE = (".safetensors", ".pt", ".pth", ".bin")  # kept as git-lfs objects, on the CDN
HEX40 = re.compile(r"[0-9a-f]{40}")


class Fault(dict):
    """What goes wrong with the requests whose "METHOD path" matches `on` (a regular expression) at `at`
    ("hub", "cdn" or, left out, both), `times` times (left out: always).

    status N, headers {name: value or null for none}, location URL: another answer
    garbage TEXT: instead of any answer
    hang SECONDS: before the answer
    cut N: nothing from byte N of the file on is sent; stall N: the same, but the connection stays open
    slow SECONDS: a pause after each 64 KiB
    flip N: byte N of the file is another; more N: N bytes too many
    no_ranges: the whole file whatever was asked; wrong_range: another part than was asked
    no_length: no Content-Length; drip SECONDS: a pause after each 512 bytes
    """

    def applies(self, server, request):
        if self.get("at", server) != server or not re.search(self["on"], request):
            return False
        key = json.dumps(self, sort_keys=True)
        Fault.seen[key] = Fault.seen.get(key, 0) + 1
        return Fault.seen[key] <= self.get("times", 1 << 30)

    seen = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    @property
    def folder(self):
        return self.server.folder

    def answer(self):
        self.close_connection = True
        with self.server.lock:
            with open(self.folder / "requests.jsonl", "a", encoding="utf-8") as log:
                line = {"server": self.server.name, "method": self.command, "path": self.path,
                        "token": self.headers.get("Authorization"), "range": self.headers.get("Range")}
                log.write(json.dumps(line) + "\n")
            self.fault = self.find_fault()
        time.sleep(self.fault.get("hang", 0))
        if "garbage" in self.fault:
            self.wfile.write(self.fault["garbage"].encode("latin-1"))
        elif "location" in self.fault:
            self.reply(self.fault.get("status", 302), {"Location": self.fault["location"]})
        elif "status" in self.fault:
            self.reply(self.fault["status"], {})
        elif self.server.name == "cdn":
            self.send_file(self.folder / urllib.parse.unquote(self.path.split("?")[0]).lstrip("/"), {})
        else:
            self.answer_as_hub()

    def find_fault(self):
        faults = self.folder / "faults.json"
        if faults.exists():
            for fault in map(Fault, json.loads(faults.read_text())):
                if fault.applies(self.server.name, f"{self.command} {self.path}"):
                    return fault
        return Fault()

    def answer_as_hub(self):
        path = urllib.parse.urlsplit(self.path).path
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/([^/]+)", path):
            return self.send_listing(match[1], urllib.parse.unquote(match[2]))
        if match := re.fullmatch(r"/api/resolve-cache/models/([^/]+/[^/]+)/([0-9a-f]{40})/(.+)", path):
            file = self.folder / match[1] / match[2] / urllib.parse.unquote(match[3])
            return self.send_file(file, {"X-Repo-Commit": match[2], "ETag": f'"{git_sha1(file)}"'})
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self.resolve(match[1], urllib.parse.unquote(match[2]), urllib.parse.unquote(match[3]))
        return self.reply(404, {})

    def find_commit(self, repo, revision):
        """The folder of a commit, or nothing once an error was sent."""
        folder = self.folder / repo
        if not (folder / "refs.json").exists():  # as the hub says it: it does not tell what is private
            return self.reply(401, {"X-Error-Code": "RepoNotFound"})
        token = folder / "token"
        if token.exists() and self.headers.get("Authorization") != "Bearer " + token.read_text():
            return self.reply(401 if "Authorization" not in self.headers else 403, {"X-Error-Code": "GatedRepo"})
        commit = json.loads((folder / "refs.json").read_text()).get(revision, revision)
        if not HEX40.fullmatch(commit) or not (folder / commit).exists():
            return self.reply(404, {"X-Error-Code": "RevisionNotFound"})
        return folder / commit

    def send_listing(self, repo, revision):
        if commit := self.find_commit(repo, revision):
            names = sorted(str(path.relative_to(commit)) for path in commit.rglob("*") if path.is_file())
            listing = {"id": repo, "sha": commit.name, "siblings": [{"rfilename": name} for name in names]}
            self.reply(200, {"Content-Type": "application/json"}, json.dumps(listing).encode())

    def resolve(self, repo, revision, name):
        if not (commit := self.find_commit(repo, revision)):
            return
        file = commit / name
        headers = {"X-Repo-Commit": commit.name}
        if not file.is_file():
            return self.reply(404, {**headers, "X-Error-Code": "EntryNotFound"})
        headers["X-Linked-Size"] = str(file.stat().st_size)
        inner = urllib.parse.quote(f"{repo}/{commit.name}/{name}")
        if name.endswith(LARGE):
            headers["X-Linked-Etag"] = f'"{hashlib.sha256(file.read_bytes()).hexdigest()}"'
            scheme = "https" if self.server.tls else "http"
            headers["Location"] = f"{scheme}://localhost:{self.server.cdn_port}/{inner}?Expires=1&Signature=x"
            self.reply(302, headers)
        else:
            headers["X-Linked-Etag"] = f'"{git_sha1(file)}"'
            headers["Location"] = f"/api/resolve-cache/models/{inner}?etag=x"
            self.reply(307, headers)

    def send_file(self, path, headers):
        if not path.is_file():
            return self.reply(404, {})
        data = path.read_bytes()
        if "flip" in self.fault:
            at = self.fault["flip"]
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        data += bytes(self.fault.get("more", 0))
        begin = 0
        status = 200
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted and "no_ranges" not in self.fault:
            begin = int(wanted[1])
            if begin >= len(data):
                return self.reply(416, {"Content-Range": f"bytes */{len(data)}"})
            if "wrong_range" in self.fault:
                begin = 0
            status = 206
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        self.reply(status, {"Accept-Ranges": "bytes", **headers}, data[begin:], begin)

    def reply(self, status, headers, body=b"", begin=0):
        headers = {"Content-Length": str(len(body)), "Connection": "close", **headers, **self.fault.get("headers", {})}
        if "no_length" in self.fault:
            del headers["Content-Length"]
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD" or not body:
            return
        end = min(len(body), max(0, self.fault.get("cut", self.fault.get("stall", 1 << 60)) - begin))
        piece = 512 if "drip" in self.fault else 1 << 16
        for at in range(0, end, piece):
            self.wfile.write(body[at:min(end, at + piece)])
            self.wfile.flush()
            time.sleep(self.fault.get("slow", self.fault.get("drip", 0)))
        if "stall" in self.fault:
            time.sleep(60)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, name, host, folder, tls):
        super().__init__((host, 0), Handler)
        self.name = name
        self.folder = folder
        self.tls = tls
        self.lock = threading.Lock()
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):  # clients that go away are what is tested
        pass


def git_sha1(path):
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def start(folder, tls=None):
    """The hub and its CDN, serving in threads of this process."""
    folder = pathlib.Path(folder)
    cdn = Server("cdn", "localhost", folder, tls)
    hub = Server("hub", "127.0.0.1", folder, tls)
    hub.cdn_port = cdn.server_address[1]
    return hub, cdn


if __name__ == "__main__":
    hub, cdn = start(sys.argv[1], sys.argv[3] if len(sys.argv) == 4 else None)
    print(json.dumps({"hub": hub.server_address[1], "cdn": cdn.server_address[1]}), flush=True)
    sys.stdin.read()
    os._exit(0)
