#!/usr/bin/env python3
"""blindlist token, and a server that asks for tokens: who may ask, and what happens to those who may not. Two
devices ask, ours and the independent one of the model. Prints TAP."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
MODEL = os.path.join(os.environ.get("BLINDLIST_VECTORS", "../shared/vectors"), "..", "model", "device.py")
USE_CASE = "one.example.url.filtering"
work = working_folder("token")
data = f"{work}/data"
state = f"{data}/blindlist-server.state"


def run(*words, stdin=None):
    return subprocess.run([f"{BUILD}/blindlist", *words], capture_output=True, text=True, timeout=PROGRAM_S, input=stdin)


def token(*words):
    return run("token", *words, "--state", state)


def shown():
    return json.loads(token("list", "--json").stdout)["tokens"]


def write(name, text):
    with open(f"{work}/{name}", "w", encoding="utf-8") as file:
        file.write(text)
    return f"{work}/{name}"


def test_app():
    """With the server's configuration an app must be one of it; a state that is not there is not made."""
    apps = write("server.json", json.dumps({"data": "d", "apps": [{"name": "one"}, {"name": "two"}]}))
    none, bad = write("none.json", "{}"), write("bad.json", '{"apps": [{"hosts": []}]}')
    empty = write("empty.json", '{"apps": []}')
    many = write("many.json", json.dumps({"apps": [{"name": f"customer-{i}"} for i in range(1000)]}))
    for words, text in ((["--app", "three", "--config", apps], "no app three; there are: one, two\n"),
                        (["--config", apps], "--app is missing; there are: one, two\n"),
                        (["--app", "one", "--config", none], "has no apps: leave --app one away"),
                        (["--app", "one", "--config", bad], "$.apps[0].name"),
                        (["--config", empty], "$.apps: is empty"),
                        (["--app", "x", "--config", many], "customer-1, customer-2"),
                        (["--app", "one", "--config", f"{work}/no.json"], "no.json: No such file")):
        for command in (["create"], ["import", f"{work}/none.json"]):
            done = token(*command, *words)
            check(done.returncode == 1 and not done.stdout and text in done.stderr, f"{command[0]} {words[-1]}: {text}", done)
    check(not os.path.exists(state), "and no state is made")
    for words in (["--app", "two", "--config", apps], ["--config", none], ["--app", "three"]):
        done = run("token", "create", *words, "--state", f"{work}/apps.state")
        check(done.returncode == 0 and len(done.stdout) == 44, f"create {words}", done)


def test_command():
    done = token("list")
    check(done.returncode == 1 and "no such state file" in done.stderr, "list of a state that is not there", done)
    check(not os.path.exists(state), "and it is not made")
    done = token("create", "--label", "Anna", "--days", "30", "--per-minute", "5", "--per-day", "100")
    secret = done.stdout.strip()
    check(done.returncode == 0 and len(secret) == 43 and not done.stderr, "create prints a token of 256 bits", done)
    check(os.stat(state).st_mode & 0o777 == 0o600, "the state is private")
    other = json.loads(token("create", "--json", "--label", "Bert").stdout)
    check(other["token"] != secret and other["label"] == "Bert" and other["expires"] is None, "create --json", other)
    with open(state, "rb") as file:
        content = file.read()
    check(secret.encode() not in content and other["token"].encode() not in content, "the state holds no token")
    anna, bert = sorted(shown(), key=lambda one: one["label"])
    check(anna["expires"] - anna["made"] == 30 * 86400 and anna["perMinute"] == 5 and anna["perDay"] == 100, "limits",
          anna)
    check(bert["id"] == other["id"] and bert["revoked"] is None and bert["issued"] == 0, "list --json", bert)
    text = token("list").stdout
    check("Anna" in text and "5 a minute" in text and "100 a day" in text and bert["id"] in text, "list", text)

    done = token("revoke", "Anna")
    check(done.returncode == 0 and not done.stdout, "revoke by label", done)
    done = token("revoke", bert["id"][:8], "--json")
    check(json.loads(done.stdout)["revoked"] is not None, "revoke by id", done)
    check(all(one["revoked"] for one in shown()), "both are revoked")
    done = token("revoke", "Nobody")
    check(done.returncode == 1 and "Nobody" in done.stderr, "revoke of nobody", done)
    token("create", "--label", "twice")
    token("create", "--label", "twice")
    done = token("revoke", "twice")
    check(done.returncode == 1 and "2 user tokens" in done.stderr, "a label that two have", done)

    file = write("tokens", "# ours\n\nZm9v  the first\nYmFy\n")
    done = token("import", file, "--label", "imported")
    check(done.returncode == 0 and "2 user tokens" in done.stdout, "import", done)
    check({one["label"] for one in shown()} >= {"the first", "imported"}, "labels of their own, and one for the rest")
    done = token("import", write("more", "new\nZm9v\n"))
    check(done.returncode == 1 and "user token 2 is there already" in done.stderr, "import of a known one", done)
    check(len(shown()) == 6, "imports nothing")
    done = token("import", write("bad", "good\nbad\x01token\n"))
    check(done.returncode == 1 and "bad:2:" in done.stderr and "badtoken" not in done.stderr, "import of no token", done)
    done = token("import", f"{work}/missing")
    check(done.returncode == 1 and "missing" in done.stderr, "import of a missing file", done)
    for words, text in ((["create"], "--state"), (["create", "--days", "0"], "--days 0"),
                        (["create", "--label", "x" * 129], "128 bytes"), (["revoke"], "ID or LABEL"),
                        (["import"], "FILE is missing"), (["create", "operand"], "operand"), ([], "command")):
        done = run("token", *words, *(["--state", state] if words and words != ["create"] else []))
        check(done.returncode == 2 and text in done.stderr, f"usage: {words}", done)
    with open(write("noise", "this is no state\n" * 300), "rb"):
        done = run("token", "list", "--state", f"{work}/noise")
        check(done.returncode == 1 and "not a database" in done.stderr, "a state file that is none", done)


def look_up(port, url, *words):
    return run("check", "--server", f"http://127.0.0.1:{port}", "--use-case", USE_CASE, url, *words)


def test_server():
    secret = token("create", "--label", "device").stdout.strip()
    server = Server(data, auth="token")
    check("WARN" not in server.log(), "no warning with tokens", server.log())
    done = look_up(server.port, "https://blocked.example/", "--token", secret)
    check(done.returncode == 3, "who has a user token is answered: denied", done)
    file = write("user-token", f"{secret}\n")
    done = look_up(server.port, "https://free.example/", "--token-file", file)
    check(done.returncode == 0, "and allowed", done)
    issued = [one for one in shown() if one["label"] == "device"][0]["issued"]
    check(issued > 0, "what was issued is counted", issued)
    done = look_up(server.port, "https://blocked.example/")
    check(done.returncode == 1 and "401" in done.stderr, "without a token: 401", done)
    done = look_up(server.port, "https://blocked.example/", "--token", "unknown")
    check(done.returncode == 1 and "401" in done.stderr, "with an unknown one: 401", done)
    if os.access(MODEL, os.R_OK):
        done = subprocess.run([sys.executable, MODEL, f"http://127.0.0.1:{server.port}", USE_CASE, secret,
                               "blocked.example", "free.example"], capture_output=True, text=True, timeout=PROGRAM_S)
        check(done.returncode == 0 and "blocked.example" in done.stdout, "an independent device pays and is answered",
              done)
    else:
        skip("no model of a device is there to pay and be answered")
    spent = sqlite3.connect(state).execute("SELECT count(*) FROM spent_token").fetchone()[0]
    check(spent > 0, "tokens are spent", spent)
    token("revoke", "device")
    done = look_up(server.port, "https://blocked.example/", "--token", secret)
    check(done.returncode == 1 and "401" in done.stderr, "revoked: 401 at once", done)
    limited = token("create", "--per-day", "1").stdout.strip()
    done = look_up(server.port, "https://blocked.example/", "--token", limited)
    check(done.returncode == 1 and "429" in done.stderr, "beyond the limit: 429", done)
    check(secret not in server.log() and limited not in server.log(), "the log names no token")
    server.end()

    again = token("create").stdout.strip()
    server = Server(data, auth="token")
    keys = sqlite3.connect(state).execute("SELECT count(*) FROM issuer_key").fetchone()[0]
    check(keys == 1, "a restart keeps the issuer's key", keys)
    check(look_up(server.port, "https://blocked.example/", "--token", again).returncode == 3, "and answers")
    server.end()


def test_default():
    done = subprocess.run([f"{BUILD}/blindlist-server", "--data", data, "--auth", "token", "--allow-unauthenticated"],
                          capture_output=True, text=True, timeout=PROGRAM_S)
    check(done.returncode == 2 and "goes with --auth none" in done.stderr, "tokens, and without: not both", done)
    server = Server(data, "--state", f"{work}/fresh.state", auth=None)
    check(f"blindlist token create --state {work}/fresh.state" in server.log(), "says when nobody may ask", server.log())
    done = look_up(server.port, "https://blocked.example/")
    check(done.returncode == 1 and "401" in done.stderr, "requests cost tokens unless told otherwise", done)
    file = write("fresh", run("token", "create", "--state", f"{work}/fresh.state").stdout)
    done = look_up(server.port, "https://blocked.example/", "--token-file", file)
    check(done.returncode == 3, "a user token made meanwhile counts at once", done)
    server.end()


def test_token_files(port=1):
    for text, message in (("", "no user token"), ("\n", "no user token"), ("a\0b", "no user token"), ("a\nb\n", "no header can"),
                          ("x" * 100000, "larger than")):
        done = look_up(port, "https://a.example/", "--token-file", write("bad", text))
        check(done.returncode == 1 and message in done.stderr, f"a token file of {text[:5]!r}...: {message}", done)
    done = look_up(port, "https://a.example/", "--token-file", f"{work}/none")
    check(done.returncode == 1 and f"{work}/none" in done.stderr, "a token file that is not there", done)
    done = look_up(port, "https://a.example/", "--token", "a", "--token-file", f"{work}/none")
    check(done.returncode == 2 and "--token-file" in done.stderr, "both at once", done)


def test_key_file():
    with open(f"{work}/key", "wb") as file:
        file.write(os.urandom(32))
    os.chmod(f"{work}/key", 0o600)
    sealed = f"{work}/sealed.state"
    options = ("--state", sealed)
    Server(data, *options, "--key-file", f"{work}/key", auth="token").end()
    secret = sqlite3.connect(sealed).execute("SELECT secret FROM issuer_key").fetchone()[0]
    check(secret[:4] == b"BLS1", "--key-file seals the issuer's key")
    done = subprocess.run([f"{BUILD}/blindlist-server", "--data", data, "--listen", "127.0.0.1:0", *options],
                          capture_output=True, text=True, timeout=PROGRAM_S)
    check(done.returncode == 1 and "key file" in done.stderr, "without it the server does not start", done)
    Server(data, *options, "--key-file", f"{work}/key", auth="token").end()
    os.chmod(f"{work}/key", 0o644)
    done = subprocess.run([f"{BUILD}/blindlist-server", "--data", data, "--listen", "127.0.0.1:0", *options,
                           "--key-file", f"{work}/key"], capture_output=True, text=True, timeout=PROGRAM_S)
    check(done.returncode == 1 and f"{work}/key" in done.stderr, "a key file that others can read is refused", done)


try:
    write("list", "blocked.example\n" + "".join(f"site{i}.example\n" for i in range(200)))
    done = run("compile", f"{work}/list", "--use-case", USE_CASE, "--out", data)
    check(done.returncode == 0, "a dataset", done)
    test_app()
    test_command()
    test_server()
    test_default()
    test_token_files()
    test_key_file()
finally:
    Server.end_all()
    shutil.rmtree(work, ignore_errors=True)
sys.exit(finish())
