#!/usr/bin/env python3
"""A server becomes another user and goes into its sandbox: what the system says of it, and that it works there. Prints
TAP. tests/pir-server/service/plain_sandbox.c tries to leave the sandbox."""
import os
import pwd
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PATIENCE_S  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402
from updating import BUILD, Done  # noqa: E402

TOOL = f"{BUILD}/blindlist"
SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD) is not None
USE_CASE = "one.example.url.filtering"
USER = "nobody"


def compile_rows(folder, *rows):
    with open(f"{folder}/list", "w", encoding="utf-8") as file:
        file.write("".join(f"{row}.example\n" for row in rows))
    return Done([TOOL, "compile", f"{folder}/list", "--use-case", USE_CASE, "--out", f"{folder}/data", "--json"]).json["version"]


def give(path, user):
    """All of it."""
    os.chown(path, user.pw_uid, user.pw_gid)
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            os.chown(f"{folder}/{name}", user.pw_uid, user.pw_gid, follow_symlinks=False)


def status_of(server):
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as text:
        return dict(line.split(":\t", 1) for line in text.read().splitlines() if ":\t" in line)


def asks(server):
    done = Done([TOOL, "check", "--server", f"http://127.0.0.1:{server.port}", "https://bad.example/",
                 "https://new.example/"])
    return done.code, done.out.count("denied  ")


def test_sandbox(folder):
    server = Server(f"{folder}/data")
    state = status_of(server)
    whole = server.log()
    if "landlock=0" in whole:
        skip("this kernel has no Landlock")
    check("sandbox landlock=" in server.log() and state["NoNewPrivs"].strip() == "1", "the log says what holds", server.log())
    if SANITIZED:
        skip("a sanitizer's build has no filter of calls: it looks into its own process and starts programs")
    else:
        check(state["Seccomp"].strip() == "2", "calls are filtered", state)
    check(asks(server) == (3, 1), "devices are answered", server.log())
    version = compile_rows(folder, "bad", "new")
    check(server.wait_version(version) and asks(server) == (3, 2), "a new version is loaded and served", server.log())
    check(server.end() == 0, "and the end is a good one", server.log())
    server = Server(f"{folder}/data", "--sandbox", "off")
    state = status_of(server)
    check("sandbox" not in server.log() and (state["NoNewPrivs"].strip(), state["Seccomp"].strip()) == ("0", "0"),
          "--sandbox off: there is none", state)
    server.end()
    if SANITIZED or "landlock=0" in whole:
        done = Done([PROGRAM, "--data", f"{folder}/data", "--auth", "none", "--listen", "127.0.0.1:0",
                     "--sandbox", "required"])
        check(done.code == 1 and "--sandbox required" in done.err, "required: no start where a part is missing", done)
    else:
        server = Server(f"{folder}/data", "--sandbox", "required")
        check(status_of(server)["Seccomp"].strip() == "2", "required: it is there", server.log())
        server.end()
    done = Done([PROGRAM, "--data", f"{folder}/data", "--sandbox", "maybe"])
    check(done.code == 2, "another word is wrong usage", done)


def test_user(folder):
    done = Done([PROGRAM, "--data", f"{folder}/data", "--auth", "none", "--listen", "127.0.0.1:0",
                 "--user", "no-such-user"])
    check(done.code == 1 and "no such user" in done.err, "a user that there is not", done)
    if os.geteuid() != 0:
        skip("only root can become another user")
        return
    user = pwd.getpwnam(USER)
    os.chmod(folder, 0o755)
    give(f"{folder}/data", user)
    options = ("--user", USER, "--handover", f"{folder}/data/handover")
    server = Server(f"{folder}/data", *options)
    state = status_of(server)
    check(state["Uid"].split() == [str(user.pw_uid)] * 4 and state["Gid"].split() == [str(user.pw_gid)] * 4 and
          int(state["CapPrm"], 16) == int(state["CapEff"], 16) == 0, "root becomes that user, with no rights left", state)
    check(asks(server) == (3, 2), "and serves", server.log())
    after = Server(f"{folder}/data", *options, listen=f"127.0.0.1:{server.port}")
    check(server.process.wait(PATIENCE_S) == 0 and asks(after) == (3, 2), "one that root starts takes over from it", after.log())
    after.end()


def main():
    folder = working_folder("confined")
    try:
        compile_rows(folder, "bad")
        test_sandbox(folder)
        test_user(folder)
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)


main()
sys.exit(finish())
