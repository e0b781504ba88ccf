#!/usr/bin/env python3
"""What docs/FAQ.md shows is what its commands print, and what docs/IOS.md tells to type can be typed. Prints TAP."""
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import Server  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import environment  # noqa: E402

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
ENDS_WITH = {"https://bad.example/page": 3}  # the last word of a command: its exit code, else 0


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def prepare(work):
    os.symlink(BUILD, f"{work}/build")
    os.symlink(os.path.abspath("testvectors"), f"{work}/testvectors")


def run(line, work):
    """The exit code, and what it printed, on standard output first."""
    done = subprocess.run(line, shell=True, cwd=work, env={**environment(), "PYTHONDONTWRITEBYTECODE": "1"}, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=PROGRAM_S)
    return done.returncode, done.stdout + done.stderr


def check_faq():
    """Indented lines: `$ command`, then what it prints, and its exit code when that is not 0."""
    text = read("docs/FAQ.md")
    shown = re.findall(r"^    \$ (.*)\n((?:    (?!\$ ).*\n)*)", text, re.M)
    with tempfile.TemporaryDirectory() as work:
        prepare(work)
        for line, wanted in shown:
            code, printed = run(line, work)
            printed += f"exit code {code}\n" if code else ""
            check(printed == re.sub("^    ", "", wanted, flags=re.M), f"FAQ: {line[:90]}", printed)
    asked = re.findall(r"^### .*\n\n((?:(?!^#).*\n?)*)", text, re.M)
    without = [answer[:60] for answer in asked if "    $ " not in answer]
    check(len(asked) >= 15 and not without, f"{len(asked)} questions, a command in each answer", without)
    check(len(shown) == text.count("    $ "), "all of them were run")


def check_ios():
    lines = re.findall(r"^    (\S.*)$", read("docs/IOS.md"), re.M)
    server = None
    address = ""
    with tempfile.TemporaryDirectory() as work:
        prepare(work)
        try:
            for line in lines:
                words = shlex.split(line)
                if words[0] == "build/blindlist-server":
                    server = Server(f"{work}/data", auth=None)
                    address = f"127.0.0.1:{server.port}"
                    check(words[1:] == ["--data", "data", "--listen", "127.0.0.1:8080"], line)
                    continue
                code, printed = run(line.replace("127.0.0.1:8080", address), work)
                check(code == ENDS_WITH.get(words[-1], 0), f"IOS: {line[:90]}", f"exit code {code}\n{printed}")
                if " doctor --development" in line:
                    named = "info-plist" if "--info-plist" in words else "test-row"
                    check(re.search(r"^\d+ checks: \d+ passed, 0 failed", printed, re.M) and
                          re.search(f"^pass +{named} ", printed, re.M), "the doctor finds nothing", printed)
        finally:
            check(server is not None and server.end() == 0, "the server ends with 0")
            Server.end_all()


check_faq()
check_ios()
sys.exit(finish())
