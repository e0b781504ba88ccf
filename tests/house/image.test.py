#!/usr/bin/env python3
"""The Dockerfile, as far as that can be told without an engine: what it installs suffices for the
programs, it does not run as root, and its health check tells a server from none."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import Server  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD)


def run(*words, **more):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=PROGRAM_S, **more)


def instructions():
    with open("Dockerfile", encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("#"))
    return [line.split(None, 1) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def packages_that_hold_libraries():
    """The packages from which the programs load libraries here, or None where dpkg cannot tell."""
    names = set()
    for program in ("blindlist", "blindlist-server"):
        for path in re.findall(r"=> (/\S+)", run("ldd", f"{BUILD}/{program}").stdout):
            if not os.path.realpath(path).startswith(("/lib", "/usr/lib")):
                return None
            owner = None
            for spelling in (path, "/usr" + path, os.path.realpath(path), path.replace("/usr/", "/", 1)):
                found = run("dpkg-query", "-S", spelling)
                if found.returncode == 0:
                    owner = found.stdout.split(":")[0]
                    break
            if owner is None:
                return None
            names.add(owner)
    return names


def needed_by(packages):
    """All that apt would install for these, as far as it is installed here."""
    known, todo = set(), list(packages)
    while todo:
        name = todo.pop()
        if name in known:
            continue
        known.add(name)
        shown = run("dpkg-query", "-W", "-f", "${Depends},${Pre-Depends}", name).stdout
        todo += re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]+)", shown)
    return known


def check_health(command):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/list", "w") as file:
            file.write("blocked.example\n")
        made = run(f"{BUILD}/blindlist", "compile", f"{folder}/list", "--use-case", "a.b", "--out",
                   f"{folder}/data")
        check(made.returncode == 0, "a dataset for the server", made.stdout)
        server = Server(f"{folder}/data")
        try:
            words = [word.replace("/8080", f"/{server.port}") for word in command]
            check(words != command, "the health check asks on the port of the image, 8080")
            well = run(*words)
            check(well.returncode == 0, "the health check finds a server well", well.stdout)
            check(server.end() == 0, "SIGTERM, which docker stop sends, ends it with 0")
            check(run(*words).returncode != 0, "and without a server it fails")
        finally:
            Server.end_all()


steps = instructions()
stages = [i for i, step in enumerate(steps) if step[0] == "FROM"]
last = steps[stages[-1]:]
check(len(stages) == 2 and all("debian:bookworm-slim" in steps[i][1] for i in stages),
      "two stages from debian:bookworm-slim")
check(["USER", "blindlist"] in last and "useradd" in " ".join(s[1] for s in last if s[0] == "RUN"),
      "the server does not run as root")
entry = [json.loads(step[1]) for step in last if step[0] == "ENTRYPOINT"]
check(entry and entry[0][0] == "blindlist-server" and "0.0.0.0:8080" in entry[0], "starts the server")
sources = [s[1] for s in steps if s[0] == "COPY" and "--from" not in s[1]]
check(all(os.path.exists(path) for source in sources for path in source.split()[:-1]),
      "what is copied exists")

installed = re.search(r"--no-install-recommends\s+([a-z0-9 .+-]+?)\s*&&", " ".join(
    step[1] for step in last if step[0] == "RUN")).group(1).split()
check("ca-certificates" in installed, "the image has certificates to trust: lists come over https")
used = None
if shutil.which("dpkg-query") and shutil.which("ldd") and not SANITIZED:
    used = packages_that_hold_libraries()
if used is None:
    skip("which packages the libraries are from cannot be told here")
else:
    lacking = used - needed_by(installed + ["libc6"])
    check(not lacking, "the packages of the image hold all libraries that the programs load", lacking)

health = [json.loads(step[1].split("CMD", 1)[1]) for step in last if step[0] == "HEALTHCHECK"]
if not shutil.which("bash"):
    skip("bash is not installed")
else:
    check_health(health[0])
sys.exit(finish())
