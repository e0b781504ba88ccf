"""deploy/run-local of a test's own: server, nginx and updater on free ports. tests/tap.py says how to reach this file."""
import os
import shutil
import signal
import socket
import subprocess

from patience import PATIENCE_S, wait_until
from updating import BUILD, Done, environment

MISSING = [name for name in ("nginx", "openssl", "curl")
           if shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin") is None]


claims = []


def free_port():
    """One that nobody gets until this test ends, also while nobody listens there: below those that the system hands out,
    and claimed, by a name that ends with this process, from other tests that look here."""
    for port in range(20000 + os.getpid() % 10000, 32000):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0blindlist-test-port-{port}")
            with socket.socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        claims.append(claim)
        return port
    raise RuntimeError("no port is free")


class Local:
    """Serves until end(). The list has bad0.example to bad9.example, unless one is given."""

    def __init__(self, folder, *options, lists=None):
        self.folder = folder
        self.port = free_port()
        self.data = f"{folder}/data"
        if lists is None:
            os.makedirs(f"{folder}/lists", exist_ok=True)
            with open(f"{folder}/lists/own.txt", "w", encoding="utf-8") as own:
                own.write("".join(f"bad{i}.example\n" for i in range(10)))
            lists = f"{folder}/lists/lists.json"
            with open(lists, "w", encoding="utf-8") as text:
                text.write('{"useCase": "local.url.filtering", "sources": [{"id": "own", "file": "own.txt"}]}')
        self.out_path = f"{folder}/out"
        with open(self.out_path, "wb") as out:
            self.process = subprocess.Popen(
                ["deploy/run-local", "--dir", folder, "--lists", lists, "--port", str(self.port), "--server-port", "0",
                 "--admin-port", "0", *options], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**environment(), "BUILD": BUILD})
        wait_until(lambda: "ready: " in self.out() or self.process.poll() is not None)
        if "ready: " not in self.out():
            self.end()
            raise RuntimeError("run-local is not ready: " + self.out())

    def out(self):
        with open(self.out_path, encoding="utf-8") as text:
            return text.read()

    def log(self, name="server.log"):
        with open(f"{self.folder}/{name}", encoding="utf-8") as text:
            return text.read()

    def url(self, host="service", path=""):
        return f"https://{host}.localhost:{self.port}{path}"

    @property
    def certificate(self):
        return f"{self.folder}/tls/fullchain.pem"

    def check(self, *words, host="service"):
        return Done([f"{BUILD}/blindlist", "check", "--server", self.url(host), "--cacert", self.certificate,
                     "--token-file", f"{self.folder}/user-token", *words])

    def check_as_relayed(self, *words):
        """Through the gateway, as devices do behind Apple's relay."""
        return self.check("--ohttp", self.url("gateway"), *words)

    def curl(self, url, *words):
        """What --write-out says goes to standard output, the body nowhere."""
        return Done(["curl", "--silent", "--show-error", "--http2", "--cacert", self.certificate, "--output", "/dev/null",
                     "--write-out", "%{http_version} %{http_code}", *words, url])

    def end(self, how=signal.SIGTERM):
        """The exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)
