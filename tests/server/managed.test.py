#!/usr/bin/env python3
"""A server under a service manager, played by this test: the socket it is given, what it tells, and a restart in which
a request waits. Prints TAP."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PATIENCE_S  # noqa: E402
from served import PROGRAM, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import BUILD, Done  # noqa: E402


class Manager:
    """Holds the address open, and hears what the service says."""

    def __init__(self, folder):
        self.data = f"{folder}/data"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.messages = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path = f"{folder}/notify"
        self.messages.bind(self.path)
        self.messages.settimeout(PATIENCE_S)

    def start(self, *options):
        """As systemd does: the socket is number 3, and the number of the process is its own."""
        with open(f"{self.data}.log", "ab") as log:
            return subprocess.Popen(
                ["sh", "-c", f"exec 3<&{self.listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"", "sh", PROGRAM,
                 "--data", self.data, "--auth", "none", "--listen", f"127.0.0.1:{self.port}", *options],
                pass_fds=[self.listener.fileno()], stdin=subprocess.DEVNULL, stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": "1000000"})

    def hears(self, what):
        """What it says before that does not matter."""
        try:
            while self.messages.recv(256) != what:
                continue
            return True
        except TimeoutError:
            return False

    def log(self):
        with open(f"{self.data}.log", encoding="utf-8") as log:
            return log.read()


def test_journal(folder, data):
    """Standard error is the journal when JOURNAL_STREAM says so of this very file."""
    for name, pattern in (("journal", rf"^<3>{data}-none: "), ("elsewhere", rf"^20\S*Z error {data}-none: ")):
        with open(f"{folder}/{name}", "wb") as out:
            info = os.stat(f"{folder}/journal")
            process = subprocess.Popen([PROGRAM, "--data", f"{data}-none", "--auth", "none", "--listen", "127.0.0.1:0"],
                                       stdin=subprocess.DEVNULL, stderr=out,
                                       env={**os.environ, "JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}"})
            process.wait(PATIENCE_S)
        with open(f"{folder}/{name}", encoding="utf-8") as text:
            said = text.read()
        check(re.search(pattern, said, re.MULTILINE) and process.returncode == 1, f"a failed start as {name} has it", said)


def main():
    folder = working_folder("managed")
    manager = Manager(folder)
    process = None
    try:
        with open(f"{folder}/list", "w", encoding="utf-8") as file:
            file.write("blocked.example\n")
        Done([f"{BUILD}/blindlist", "compile", f"{folder}/list", "--use-case", "one.example", "--out", manager.data])
        process = manager.start()
        check(manager.hears(b"READY=1"), "it says when it serves", manager.log())
        check(manager.hears(b"WATCHDOG=1") and manager.hears(b"WATCHDOG=1"), "and that all is well, again and again")
        process.send_signal(signal.SIGTERM)
        check(manager.hears(b"STOPPING=1") and process.wait(PATIENCE_S) == 0, "and when it ends", manager.log())
        waiting = socket.create_connection(("127.0.0.1", manager.port), timeout=PATIENCE_S)
        waiting.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        process = manager.start()
        check(b" 200 " in waiting.recv(4096), "what came between two processes is answered by the second", manager.log())
        check(manager.hears(b"READY=1"), "which says that it serves")
        process.terminate()
        process.wait(PATIENCE_S)
        process = manager.start("--listen", "127.0.0.1:0")
        check(manager.hears(b"READY=1"), "a socket for another address is left alone", manager.log())
        test_journal(folder, manager.data)
    finally:
        if process is not None:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


main()
sys.exit(finish())
