#!/usr/bin/env python3
"""The Dockerfile, as far as that can be told at once: what is gathered suffices for the programs, it does not run as root,
and its health check tells a server from none. `make test-image` carries out all of its steps."""
import json
import os
import platform
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


def check_root():
    """The root of the image, made of the programs of this build, holds all that they need."""
    if os.geteuid() != 0 or not shutil.which("dpkg-query") or not shutil.which("strip"):
        skip("the root of the image is made and entered by root, on Debian")
        return
    if SANITIZED:
        skip("a sanitizer wants /proc, which the root of the image has only in a container")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/installed/bin")
        for program in (f"{BUILD}/blindlist", f"{BUILD}/blindlist-server", os.path.abspath("deploy/blindlist-update-loop")):
            os.symlink(program, f"{folder}/installed/bin/{os.path.basename(program)}")
        made = run("deploy/image-root", f"{platform.machine()}-linux-gnu", "/", f"{folder}/installed", f"{folder}/root")
        check(made.returncode == 0, "the root of the image is made", made.stdout)
        for words in (["blindlist", "--version"], ["blindlist-server", "--version"], ["sh", "-c", "sleep 0; ls /data"],
                      ["blindlist", "suburls", "https://www.example.co.uk/"]):
            done = run(shutil.which("chroot"), "--userspec=10001:10001", f"{folder}/root", *words,
                       env={"PATH": "/usr/local/bin:/usr/bin"})
            check(done.returncode == 0, f"{' '.join(words)} runs in it", done.stdout)
        check(os.path.getsize(f"{folder}/root/etc/ssl/certs/ca-certificates.crt") > 0,
              "the image has certificates to trust: lists come over https")
        with open(f"{folder}/root/usr/share/doc/blindlist/packages", encoding="utf-8") as file:
            packages = [line.split()[0] for line in file]
        lacking = [name for name in packages if not os.path.exists(f"{folder}/root/usr/share/doc/{name}/copyright")]
        check({"libc6", "libmicrohttpd12", "publicsuffix"} <= set(packages) and not lacking,
              "it names the packages that it was made of, with their licenses", (packages, lacking))


def check_health(command):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/list", "w") as file:
            file.write("blocked.example\n")
        made = run(f"{BUILD}/blindlist", "compile", f"{folder}/list", "--use-case", "a.b", "--out",
                   f"{folder}/data")
        check(made.returncode == 0, "a dataset for the server", made.stdout)
        server = Server(f"{folder}/data", "--admin", "127.0.0.1:0")
        try:
            words = [word.replace("/8081", f"/{server.admin_port}") for word in command]
            check(words != command, "the health check asks at the admin address of the image")
            well = run(*words)
            check(well.returncode == 0, "the health check finds a server well", well.stdout)
            check(server.end() == 0, "SIGTERM, which docker stop sends, ends it with 0")
            check(run(*words).returncode != 0, "and without a server it fails")
        finally:
            Server.end_all()


steps = instructions()
stages = [i for i, step in enumerate(steps) if step[0] == "FROM"]
last = steps[stages[-1]:]
check(len(stages) == 2 and "debian:bookworm-slim" in steps[stages[0]][1] and steps[stages[1]][1].strip() == "scratch",
      "built in debian:bookworm-slim, and nothing of that is in the image but what is gathered")
users = [step[1].strip() for step in last if step[0] == "USER"]
check(users == ["10001:10001"], "the server does not run as root, and engines can tell", users)
entry = [json.loads(step[1]) for step in last if step[0] == "ENTRYPOINT"]
check(entry and entry[0][0] == "blindlist-server" and "0.0.0.0:8080" in entry[0] and "127.0.0.1:8081" in entry[0],
      "starts the server, whose admin address is for the image alone")
exposed = [step[1].strip() for step in last if step[0] == "EXPOSE"]
check(exposed == ["8080"], "which docker run -P publishes to nobody", exposed)
sources = [s[1] for s in steps if s[0] == "COPY" and "--from" not in s[1]]
check(all(os.path.exists(path) for source in sources for path in source.split()[:-1]),
      "what is copied exists")

check_root()
health = [json.loads(step[1].split("CMD", 1)[1]) for step in last if step[0] == "HEALTHCHECK"]
if not shutil.which("bash"):
    skip("bash is not installed")
else:
    check_health(health[0])
sys.exit(finish())
