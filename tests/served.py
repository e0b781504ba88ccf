"""A blindlist-server of a test's own. tests/tap.py says how to reach this file."""
import os
import re
import signal
import subprocess
import tempfile
import time

from patience import PATIENCE_S, wait_until

PROGRAM = os.path.abspath(os.path.join(os.environ.get("BUILD", "build"), "blindlist-server"))


def working_folder(name):
    """In memory where the system has a place for that: a dataset is flushed dozens of times."""
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return tempfile.mkdtemp(prefix=f"blindlist-{name}-", dir=shm)


class Server:
    """Serves the folder `data` until end(); listens when made. What it says goes to a file beside `data`.
    `auth` is that option's value, None leaves it away."""

    running = []

    def __init__(self, data, *options, listen="127.0.0.1:0", auth="none", with_data=True):
        """with_data: the folder is named on the command line."""
        self.data = data
        self.log_path = f"{data}.{time.monotonic_ns()}.log"
        named = (["--data", data] if with_data else []) + (["--auth", auth] if auth else [])
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([PROGRAM, *named, "--listen", listen, *options],
                                            stdin=subprocess.DEVNULL, stderr=log)
        Server.running.append(self.process)
        if not self.wait_log("listening address="):
            raise RuntimeError("the server does not listen: " + self.log())
        self.port = int(re.search(r"listening address=127\.0\.0\.1:(\d+)", self.log()).group(1))
        admin = re.search(r"admin address=127\.0\.0\.1:(\d+)", self.log())
        self.admin_port = int(admin.group(1)) if admin else None

    def log(self):
        with open(self.log_path, encoding="utf-8") as log:
            return log.read()

    def wait_log(self, words, count=1, seconds=PATIENCE_S):
        """Whether the log holds the words so often before time is up or the server ends."""
        wait_until(lambda: self.log().count(words) >= count or self.process.poll() is not None, seconds)
        return self.log().count(words) >= count

    def wait_version(self, version):
        """Whether a dataset version that was not served before is in force: loaded, and the reload that did it is over."""
        self.wait_log(f"version={version} rows=")
        log = self.log()
        loaded = log.rfind(f"version={version} rows=")
        return loaded >= 0 and self.wait_log("reloaded use_cases", log.count("reloaded use_cases", 0, loaded) + 1)

    def end(self, how=signal.SIGTERM):
        """The exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)

    @classmethod
    def end_all(cls):
        """Kills what a failed test left behind."""
        for process in cls.running:
            if process.poll() is None:
                process.kill()
                process.wait()
