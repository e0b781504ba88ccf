"""A lists.json of a test's own, and what `blindlist update` makes of it. tests/tap.py says how to reach this file."""
import http.server
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time

from patience import PROGRAM_S
from served import working_folder

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"
TEST_ROW = "www.apple.com/url-filter-test"


def environment():
    """Without proxies: the test's web servers are on this machine."""
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


class Done:
    """A program that has ended: its exit code, output, seconds (all, and of the processor) and peak memory in MB."""

    def __init__(self, words, timeout=PROGRAM_S):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            started = time.monotonic()
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment())
            pid = 0
            while pid == 0:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid == 0 and time.monotonic() > started + timeout:
                    process.kill()
                time.sleep(0 if pid else 0.003)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.seconds = time.monotonic() - started
            self.busy_seconds = usage.ru_utime + usage.ru_stime
            self.megabytes = usage.ru_maxrss / 1024
            self.code = process.returncode
            out.seek(0)
            err.seek(0)
            self.out = out.read().decode("utf-8", "replace")
            self.err = err.read().decode("utf-8", "replace")
        self.json = json.loads(self.out) if self.code == 0 and self.out.startswith("{") else {}

    def __str__(self):
        return f"exit code {self.code} after {self.seconds:.1f} s, {self.megabytes:.0f} MB\n{self.out}{self.err}"


class Workplace:
    """A folder with lists, a lists.json and a data folder. remove() takes it away."""

    def __init__(self, name):
        self.folder = working_folder(name)
        self.data = f"{self.folder}/data"
        self.home = f"{self.data}/{USE_CASE}"

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, content):
        """Bytes, text, or what becomes JSON. The path."""
        path = f"{self.folder}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not isinstance(content, (bytes, str)):
            content = json.dumps(content)
        # At once: an update may be reading it.
        with open(f"{path}.new", "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.replace(f"{path}.new", path)
        return path

    def lists(self, *sources, **output):
        return self.write("lists.json", {"useCase": USE_CASE, "sources": sources, "output": output})

    def words(self, path, *options):
        return [f"{BUILD}/blindlist", "update", path, "--data", self.data, *options]

    def update(self, path, *options, timeout=PROGRAM_S):
        return Done(self.words(path, "--json", *options), timeout)

    def in_force(self):
        link = f"{self.home}/current"
        return os.readlink(link) if os.path.islink(link) else None

    def versions(self):
        """Names of the versions on disk."""
        return sorted(n for n in os.listdir(self.home) if len(n) == 16) if os.path.isdir(self.home) else []

    def unfinished(self):
        """What an update left half-done."""
        return [f"{at}/{name}" for at, folders, files in os.walk(self.data) for name in folders + files
                if name.endswith(".tmp")]

    def published(self, name):
        """A file of the version in force."""
        with open(f"{self.home}/current/{name}", encoding="utf-8") as file:
            return file.read()

    def rows(self):
        """Without the row with which devices test."""
        return [row for row in self.published("rows.txt").split() if row != TEST_ROW]


def certificate(folder, name, address="IP:127.0.0.1"):
    """Of a server that nobody signed for but itself, as folder/name.pem. A file that has its key, too."""
    path = f"{folder}/{name}"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName={address}", "-keyout", f"{path}.key", "-out", f"{path}.pem"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(f"{path}.pem", encoding="ascii") as file, open(f"{path}.key", "a", encoding="ascii") as both:
        both.write(file.read())
    return f"{path}.key"


class Site(http.server.ThreadingHTTPServer):
    """A web server on this machine until the test ends, over TLS when `certificate` is a file."""

    daemon_threads = True
    request_queue_size = 64  # more at once, and a connection takes a second

    def __init__(self, handler, certificate=None):
        super().__init__(("127.0.0.1", 0), handler)
        self.certificate = certificate
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # a client that goes away is part of the tests

    def source(self, path, **more):
        """For a lists.json, by the same name."""
        scheme = "http" if self.certificate is None else "https"
        return {"id": path.strip("/"), "url": f"{scheme}://127.0.0.1:{self.server_port}{path}",
                "allowHttp": True, "retries": 0, **more}
