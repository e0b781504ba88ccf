#!/usr/bin/env python3
"""What README shows can be typed, links between documents lead somewhere, files and commands that documents
name are there."""
import functools
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PATIENCE_S, PROGRAM_S, wait_until  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
EXPECTED = {"check": (0, 3)}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def documents():
    found = []
    for folder, folders, names in os.walk("."):
        folders[:] = [f for f in folders if f not in ("build", ".git")]
        found += [os.path.join(folder, name) for name in names if name.endswith(".md")]
    return sorted(found)


def check_links():
    for path in documents():
        targets = re.findall(r"\]\(([^)\s]+)\)", read(path))
        broken = [t for t in targets if not re.match(r"[a-z]+:|#", t) and not os.path.exists(
            os.path.join(os.path.dirname(path), t.split("#")[0]))]
        check(not broken, f"{path}: {len(targets)} links", "\n".join(broken))


def check_paths():
    """Files of the tree set in `code`: `urls/list.h`; not those with a place holder."""
    tops = "|".join(name for name in sorted(os.listdir(".")) if os.path.isdir(name) and name[0] != ".")
    for path in documents():
        named = re.findall(rf"`((?:{tops})/[\w./-]+)`", read(path))
        gone = sorted({name for name in named if not os.path.exists(name) and not name.startswith("build/")})
        check(not gone, f"{path}: {len(named)} files named", gone)


@functools.lru_cache(None)
def help_of(*words):
    done = subprocess.run([f"{BUILD}/blindlist", *words, "--help"], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S)
    return done.stdout if done.returncode == 0 else ""


def check_commands():
    """Each `blindlist COMMAND ... --option ...`, in code or on an indented line, is one that there is."""
    for path in documents():
        text = read(path)
        shown = re.findall(r"(?:`|^    (?:\$ )?)(?:build/)?blindlist ([a-z][^`\n]*)", text, re.MULTILINE)
        wrong = []
        for line in shown:
            words = re.match(r"[a-z]+(?: [a-z]+)?", line).group(0).split()
            about = help_of(*words[:1])
            if f"  {' '.join(words)} " in about.split("\ncommands:\n")[-1]:
                about = help_of(*words)
            lacking = [option for option in re.findall(r" --([a-z-]+)", line) if f"--{option}" not in about]
            if not about or lacking:
                wrong.append(f"{line}: {lacking or 'no such command'}")
        check(not wrong, f"{path}: {len(shown)} commands named", "\n".join(wrong))


def shown_commands():
    """Indented lines of README that call what was built, and those set in running text."""
    text = read("README.md")
    lines = [line.strip() for line in re.findall(r"^    (build/\S.*)$", text, re.MULTILINE)]
    return lines + re.findall(r"`(build/[^`]*)`", text)


def wait_for_address(log):
    match = wait_until(lambda: re.search(r"listening address=(\S+)", read(log)))
    return match and match.group(1)


def start(words, work):
    """The server, its address or None, its log."""
    path = f"{work}/{time.monotonic_ns()}.log"
    with open(path, "w") as log:
        server = subprocess.Popen(words + ["--listen", "127.0.0.1:0"], cwd=work, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=log)
    return server, wait_for_address(path), read(path)


def check_readme():
    top = os.getcwd()
    with tempfile.TemporaryDirectory() as work:
        os.symlink(BUILD, f"{work}/build")
        os.symlink(f"{top}/testvectors", f"{work}/testvectors")
        with open(f"{work}/my-list.txt", "w") as file:
            file.write("example.com/a\nnot a host\n")
        for name, first in (("lists.json", "useCase"), ("server.json", "data")):
            shown = re.search(rf'^    (\{{"{first}".*\}})$', read("README.md"), re.MULTILINE)
            with open(f"{work}/{name}", "w") as file:
                file.write(shown.group(1) if shown else "")
        server = None
        address = None
        try:
            for line in shown_commands():
                words = shlex.split(line)
                if words[0].endswith("-server") and words[1] != "state" and "--check-config" not in words:
                    started, at, log = start(words, work)
                    check(at is not None, line, log)
                    if server is None:
                        server, address = started, at
                    else:  # another way to start it: what follows asks the first one
                        started.terminate()
                        check(started.wait(PATIENCE_S) == 0, f"{line}: ends with 0")
                    continue
                done = subprocess.run(line.replace("127.0.0.1:8080", address or ""), shell=True, cwd=work, text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      timeout=PROGRAM_S)
                allowed = EXPECTED.get(words[1], (0,))
                check(done.returncode in allowed, line, f"exit code {done.returncode}\n{done.stdout}")
            check(os.path.exists(f"{work}/dropped.txt") and "not a host" in read(f"{work}/dropped.txt"),
                  "the dropped entry is in dropped.txt")
            if server:
                server.send_signal(signal.SIGHUP)
                server.send_signal(signal.SIGTERM)
                check(server.wait(PATIENCE_S) == 0, "the server ends with 0")
        finally:
            if server and server.poll() is None:
                server.kill()


check_links()
check_paths()
check_commands()
check_readme()
sys.exit(finish())
