#!/usr/bin/env python3
"""blindlist-server state: check, backup, vacuum, new-key, on a running server's state and on states that are damaged,
locked, read-only, of a newer schema, missing, or none at all. Prints TAP."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"
NOBODY = 65534
work = working_folder("state")
data = f"{work}/data"
state = f"{work}/state"


def tool(*words):
    return subprocess.run([f"{BUILD}/blindlist", *words], capture_output=True, text=True, timeout=PROGRAM_S)


def run(*words, where=state, **more):
    return subprocess.run([PROGRAM, "state", *words, "--state", where], capture_output=True, text=True, timeout=PROGRAM_S,
                          **more)


def answers(done, code, *words):
    """Whether it ended with `code` and said these words and nothing on the wrong side."""
    return done.returncode == code and all(word in done.stdout + done.stderr for word in words)


def copy_of(name):
    shutil.copy(f"{work}/copy", f"{work}/{name}")
    return f"{work}/{name}"


def fails_alike(where, code, *words):
    """All three commands fail with these words, and nothing is written."""
    before = sorted(os.listdir(work))
    for command in (["check"], ["backup", f"{work}/other"], ["vacuum"]):
        expected = 1 if command != ["check"] else code
        done = run(*command, where=where)
        check(answers(done, expected, *words) and not done.stdout, f"{command[0]} of {os.path.basename(where)}", done)
    check(sorted(os.listdir(work)) == before, "and nothing was written", sorted(os.listdir(work)))


def ask(server, secret):
    return tool("check", "--server", f"http://127.0.0.1:{server.port}", "--use-case", USE_CASE,
                "https://blocked.example/", "--token", secret)


def test_usage():
    for words, text in (([], "check, backup, vacuum or new-key is missing"), (["mend"], "unknown command mend"),
                        (["backup"], "FILE"), (["check", "more"], "operand more"), (["check", "--deep"], "--deep"),
                        (["backup", "a", "b"], "operand b"), (["new-key"], "issuer or gateway"),
                        (["new-key", "mine"], "issuer or gateway"), (["new-key", "gateway", "--app", "a"], "--app"),
                        (["check", "--drop-others"], "for new-key"), (["vacuum", "--key-file", "f"], "for new-key")):
        done = run(*words)
        check(answers(done, 2, text, "--help") and not done.stdout, f"usage: {words}", done)
    done = subprocess.run([PROGRAM, "state", "check"], capture_output=True, text=True, timeout=PROGRAM_S)
    check(answers(done, 2, "--state STATE is missing"), "usage: no state", done)
    done = subprocess.run([PROGRAM, "state", "check", "--state"], capture_output=True, text=True, timeout=PROGRAM_S)
    check(answers(done, 2, "--state needs a value"), "usage: --state without one", done)
    check(not os.path.exists(state), "none was made")


def test_running():
    secret = tool("token", "create", "--state", state).stdout.strip()
    server = Server(data, "--state", state, auth="token")
    check(ask(server, secret).returncode == 3, "a server answers")
    done = run("check")
    check(answers(done, 0, "good: 1 evaluation keys"), "check", done)
    shown = json.loads(run("check", "--json").stdout)
    check(shown["good"] is True and shown["evaluationKeys"] == 1 and shown["evaluationKeyBytes"] > 0, "check --json",
          shown)
    done = run("backup", f"{work}/copy")
    check(done.returncode == 0 and not done.stdout, "backup", done)
    check(os.stat(f"{work}/copy").st_mode & 0o777 == 0o600, "the copy is private")
    done = run("backup", f"{work}/copy")
    check(answers(done, 1, "copy", "is there already"), "backup on something", done)
    done = run("backup", f"{work}/no/such/copy")
    check(answers(done, 1, "no/such/copy"), "backup into no folder", done)
    done = run("vacuum", "--json")
    check(done.returncode == 0 and json.loads(done.stdout)["evaluationKeys"] == 1, "vacuum --json", done)
    check(ask(server, secret).returncode == 3, "the server answers as before")
    check(server.end() == 0, "and ends")
    check(run("check", where=f"{work}/copy").returncode == 0, "the copy is good")
    server = Server(data, "--state", copy_of("second"), auth="token")
    check(ask(server, secret).returncode == 3, "a server goes on with the copy")
    server.end()


def test_bad_states():
    fails_alike(f"{work}/missing", 1, "missing: no such state file")
    with open(f"{work}/noise", "wb") as file:
        file.write(b"this is no state\n" * 300)
    fails_alike(f"{work}/noise", 3, "noise", "not a database")
    damaged = copy_of("damaged")
    with open(damaged, "r+b") as file:
        for offset in range(4096, os.path.getsize(damaged), 4096):
            file.seek(offset)
            file.write(b"\xff" * 64)
    fails_alike(damaged, 3, "damaged")
    done = run("check", "--json", where=damaged)
    check(done.returncode == 3 and json.loads(done.stdout) == {"good": False}, "check --json of damaged", done)

    sums = copy_of("sums")
    with sqlite3.connect(sums) as db:
        db.execute("UPDATE evaluation_key_sum SET key_bytes = key_bytes + 1")
    db.close()
    done = run("check", where=sums)
    check(answers(done, 3, "sums"), "check of wrong sums", done)

    newer = copy_of("newer")
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    fails_alike(newer, 1, "newer blindlist-server", "schema 99")
    check(run("vacuum", where=work).returncode == 1, "a folder is no state")


def test_no_keys():
    """Of what has none there is none to follow, and none is made; on a running server see gateway.test.py."""
    where = copy_of("keyless")
    done = run("new-key", "gateway", where=where)
    check(answers(done, 1, "there is no gateway key") and not done.stdout, "no gateway, no new key", done)
    done = run("new-key", "issuer", "--app", "other", where=where)
    check(answers(done, 1, "no issuer key of app=other"), "no such app, no new key", done)
    done = run("new-key", "issuer", "--key-file", f"{work}/nothing", where=where)
    check(answers(done, 1, "key file", "nothing"), "no key file", done)
    done = run("new-key", "issuer", "--json", where=where)
    check(done.returncode == 0 and json.loads(done.stdout) == {"good": True, "dropped": 0}, "new-key --json", done)


def test_locked():
    where = copy_of("locked")
    db = sqlite3.connect(where, isolation_level=None)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN IMMEDIATE")
    done = run("check", where=where)
    check(answers(done, 1, "locked"), "check of a locked state gives up", done)
    db.close()
    check(run("check", where=where).returncode == 0, "and is good when the lock is gone")


def test_read_only():
    """Root may write everything, so somebody else asks."""
    if os.geteuid() != 0:
        os.chmod(copy_of("readonly"), 0o400)
        who = {}
    else:
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        os.chmod(work, 0o755)
        os.chmod(copy_of("readonly"), 0o444)
    program = f"{work}/program"
    shutil.copy(PROGRAM, program)
    os.chmod(program, 0o755)
    try:
        done = subprocess.run([program, "state", "check", "--state", f"{work}/readonly"], capture_output=True, text=True,
                              timeout=PROGRAM_S, **who)
    except OSError as error:
        skip(f"nobody else can run the program: {error}")
        return
    check(answers(done, 1, "readonly", "Permission denied"), "check of a state that may not be written", done)


try:
    with open(f"{work}/list", "w", encoding="utf-8") as listed:
        listed.write("blocked.example\n" + "".join(f"site{i}.example\n" for i in range(200)))
    made = tool("compile", f"{work}/list", "--use-case", USE_CASE, "--out", data)
    check(made.returncode == 0, "a dataset", made)
    test_usage()
    test_running()
    test_bad_states()
    test_no_keys()
    test_locked()
    test_read_only()
finally:
    Server.end_all()
    shutil.rmtree(work, ignore_errors=True)
sys.exit(finish())
