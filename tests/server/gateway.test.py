#!/usr/bin/env python3
"""The Oblivious HTTP gateway over real sockets: as `blindlist check --ohttp`, and as a client that shares nothing with it
(tests/oblivious.py): hostile requests, duplicates, keys that change under load, a restart, two servers over one
database. Prints TAP."""
import http.server
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from oblivious import CHACHA20, PATH, REQUEST_TYPE, Gateway, Keys, Sealed, read_response, request  # noqa: E402
from patience import PROGRAM_S, wait_until  # noqa: E402
from paying import AGENT, Blinded, Client, first_key  # noqa: E402
from postgres import Missing, Postgres  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

TOOL = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
USE_CASE = "one.example.url.filtering"
RELEASES = ("ios18.0", "ios18.2", "ios26", "ios27.3")
FIELDS = {"user-agent": AGENT, "user-identifier": "device"}
BODY_MAX = 10 << 20
DAY_S = 86400
ENOUGH = 40  # requests of each client between two changes of keys
work = working_folder("gateway")
data, state, key_file = f"{work}/data", f"{work}/state", f"{work}/key"


def run(*words):
    return subprocess.run([TOOL, *words], capture_output=True, text=True, timeout=PROGRAM_S)


def must(*words):
    done = run(*words)
    if done.returncode != 0:
        raise RuntimeError(f"{words}: {done.stderr}")
    return done.stdout


def serve(*options):
    return Server(data, "--state", state, "--key-file", key_file, "--gateway", "--gateway-targets", "127.0.0.1,pir.example",
                  *options, auth="token")


def prepare():
    with open(f"{work}/list", "w", encoding="utf-8") as file:
        file.writelines(f"row{i}.example\n" for i in range(50))
    must("compile", f"{work}/list", "--use-case", USE_CASE, "--out", data)
    with open(key_file, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(os.urandom(32))
    return must("token", "create", "--state", state, "--label", "device").strip()


def look_up(server, user_token, gateway=None, *words):
    return run("check", "--server", f"http://127.0.0.1:{server.port}", "--ohttp", gateway or f"http://127.0.0.1:{server.port}",
               "--token", user_token, *words, "row7.example", "elsewhere.example")


def is_right(done):
    return done.returncode == 3 and "1 denied, 1 allowed, 0 failed" in done.stdout


# ---- as a device ----

def test_check(server, user_token):
    for release in RELEASES:
        done = look_up(server, user_token, None, "--identity", release)
        check(is_right(done), f"blindlist check --ohttp as {release}: denies and allows", done)
    done = look_up(server, user_token, None, "--trace")
    lines = [line for line in done.stdout.splitlines() if line.startswith(("GET", "POST"))]
    direct = [line for line in lines if line.startswith("GET") and "out 0 B" in line]
    check(len(lines) > 5 and all(" /prefilter/" in line for line in direct) and len(direct) == 2,
          "all but the prefilter is sealed", done.stdout)


def test_wrong_keys(server, user_token):
    """A gateway whose keys are none, and one that is asked with keys it has no more."""
    real = Client(server.port).ask("GET", PATH)[1]
    gone = real[:2] + bytes([real[2] ^ 0x80]) + real[3:]
    answers = {"none": [b"\0\x05hello"], "truncated": [real[:-1]], "gone": [gone], "old": [gone, real]}
    given = []

    class Relay(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def reply(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            given.append(self.path)
            self.reply(200, keys[min(len(given), len(keys)) - 1])

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            names = {name.lower() for name in self.headers}
            told.update(names & {"user-agent", "authorization", "user-identifier"})
            client = Client(server.port)
            self.reply(*client.ask("POST", self.path, body, Content_Type=self.headers["Content-Type"])[:2])
            client.close()

    told = set()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay) as relay:
        thread = threading.Thread(target=relay.serve_forever)
        thread.start()
        for what, keys in answers.items():
            given.clear()
            done = look_up(server, user_token, f"http://127.0.0.1:{relay.server_address[1]}")
            if what == "old":
                check(is_right(done), "keys that the gateway has no more are fetched again", done)
            else:
                check(done.returncode == 1 and ("gateway" in done.stderr or "400" in done.stderr) and len(given) < 5,
                      f"keys that are {what}: an error, and an end", done)
        relay.shutdown()
        thread.join()
    check(not told, "a relay sees nothing of who asks", told)
    done = look_up(server, user_token, "ftp://gateway.example")
    check(done.returncode == 1 and "ftp://gateway.example" in done.stderr, "a gateway that is no URL", done)


# ---- as anybody ----

def test_same_answers(server):
    plain = Client(server.port)
    gateway = Gateway(Client(server.port), "pir.example")
    for number in (gateway.number, CHACHA20):
        gateway.number = number
        for path in ("/config", f"/prefilter/{USE_CASE}.json", "/.well-known/private-token-issuer-directory"):
            status, body, headers = plain.ask("GET", path)
            got = gateway.ask("GET", path)
            check(got[:2] == (status, body) and got[2].get("etag") == headers["ETag"] and
                  got[2].get("cache-control") == headers["Cache-Control"], f"{path}: as without, algorithm {number}", got)
    status, _, headers = plain.ask("POST", "/", Sealed(gateway.keys, b"").text, Content_Type=REQUEST_TYPE)
    check(status == 200 and headers["Content-Type"] == "message/ohttp-res" and
          headers["Cache-Control"] == "private, no-store", "taken at /, too, and never cached", headers)
    gzip = gateway.ask("POST", "/config", b"", {**FIELDS, "accept-encoding": "gzip", "authorization": ""})
    check(gzip[0] == 401, "what costs a token costs one", gzip)


def pay(server, user_token):
    client = Client(server.port)
    blinded = Blinded(first_key(client))
    return blinded.finish(client.ask("POST", "/issue", blinded.request, Authorization=f"Bearer {user_token}")[1])


def test_duplicates(server, user_token):
    gateway = Gateway(Client(server.port), "pir.example")
    sealed = Sealed(gateway.keys, request("POST", "pir.example", "/config", b"", {
        **FIELDS, "authorization": pay(server, user_token)}))
    statuses = [read_response(sealed.open(gateway.post(sealed.text)[1]))[0] for _ in range(3)]
    check(statuses == [200, 401, 401], "a request that is repeated is paid for once", statuses)


def test_hostile(server):
    gateway = Gateway(Client(server.port), "pir.example")
    good = Sealed(gateway.keys, request("GET", "pir.example", "/config"))
    wrong = [size for size in range(len(good.text)) if gateway.post(good.text[:size])[0] not in (400, 422)]
    check(not wrong, "cut short at every byte: refused in clear", wrong)
    flipped = [good.text[:at] + bytes([good.text[at] ^ 1]) + good.text[at + 1:] for at in range(len(good.text))]
    replies = [gateway.post(text) for text in flipped]
    check(all(reply[0] in (400, 422) for reply in replies), "every byte changed: refused in clear")
    problems = [reply for reply in replies[:7] if reply[2]["Content-Type"] == "application/problem+json" and
                json.loads(reply[1])["type"].endswith("#ohttp-key")]
    check(len(problems) == 7, "the problem is the key where it is", replies[0])
    check(gateway.post(good.text + b"\0")[0] == 422, "a byte more")
    check(gateway.post(good.text, Content_Type="message/ohttp-res")[0] == 415, "another type")
    check(gateway.client.ask("PUT", PATH, good.text, Content_Type=REQUEST_TYPE)[0] == 404, "another method")
    for inner in (b"", b"\0", b"\4", b"\1\x40\xc8", b"GET / HTTP/1.1\r\n\r\n", request("GET", "", "/config"),
                  request("GET", "pir.example", "/config")[:-4] + b"\xff\xff\xff\xff", request("G T", "pir.example", "/config")):
        check(gateway.send(inner)[0] == 400, f"inside {inner[:20]}: 400 inside")
    for host in ("gateway.example", "169.254.169.254", "[::1]", "localhost"):
        check(gateway.send(request("GET", host, "/config"))[0] == 403, f"for {host}: 403 inside")
    for path in (PATH, "/", "/healthz"):
        check(gateway.ask("GET", path)[0] == 404 == gateway.ask("POST", path)[0], f"{path}: 404 inside")
    check(gateway.ask("GET", f"/prefilter/{USE_CASE}/x.bloom")[0] == 403, "the prefilter's bits: 403 inside")
    check(gateway.ask("POST", "/issue", bytes(100000))[0] == 413, "a body that is too large for its route: 413 inside")
    check(gateway.ask("POST", "/issue", bytes(300), {"authorization": "Bearer x"}, chunk=7)[0] == 401,
          "in many small chunks")
    check(gateway.post(bytes(BODY_MAX + (1 << 20)))[0] == 413, "too large for anything: 413 in clear")
    check(gateway.send(request("GET", "pir.example", "/config") + bytes(1 << 20))[0] == 200, "a megabyte of padding")
    check(gateway.ask("GET", "/config", fields={f"x-{i}": "y" * 1000 for i in range(60)})[0] == 413, "too many fields: 413")
    check(gateway.ask("GET", "/config")[0] == 200 and server.process.poll() is None, "and it answers as before")


# ---- keys through time ----

def change_keys(server, sql, *values, then):
    """Changes them in the state as time would, and waits for what follows, which a reload looks at."""
    database = sqlite3.connect(state, timeout=PROGRAM_S)
    with database:
        database.execute(sql, values)
    database.close()
    server.process.send_signal(signal.SIGHUP)
    return wait_until(then)


class Asking(threading.Thread):
    """Asks without end: with the keys it had first, or with new ones each time."""

    def __init__(self, port, fetches):
        super().__init__()
        self.gateway, self.fetches = Gateway(Client(port), "pir.example"), fetches
        self.answered, self.failures, self.ends = 0, [], False

    def run(self):
        while not self.ends:
            try:
                if self.fetches:
                    self.gateway.keys = self.gateway.fetch_keys()
                reply = self.gateway.ask("GET", "/config")
                if reply[0] != 200:
                    self.failures.append(reply[:2])
            except Exception as error:  # whatever it is, it is a request that failed
                self.failures.append(repr(error))
            self.answered += 1

    def wait_enough(self):
        before = self.answered
        return wait_until(lambda: self.answered >= before + ENOUGH or self.failures)


def test_rotation(server):
    client = Client(server.port)
    key_id = lambda: Keys(client.ask("GET", PATH)[1]).key_id  # noqa: E731
    first = key_id()
    crowd = [Asking(server.port, False), Asking(server.port, True)]
    for one in crowd:
        one.start()
    enough = lambda: all(one.wait_enough() for one in crowd)  # noqa: E731
    enough()
    made = change_keys(server, "UPDATE gateway_key SET not_before = not_before - ?", 29 * DAY_S,
                       then=lambda: "gateway key made id=2" in server.log())
    check(made and key_id() == first and enough(), "a key is made before it is due, and not given out yet")
    changed = change_keys(server, "UPDATE gateway_key SET not_before = not_before - ?", 2 * DAY_S,
                          then=lambda: key_id() == 2)
    check(changed and enough(), "it is given out when it is due")
    for one in crowd:
        one.ends = True
        one.join()
    failures = [failure for one in crowd for failure in one.failures]
    check(not failures, f"{sum(one.answered for one in crowd)} requests meanwhile, not one failed", failures)
    old, new = crowd[0].gateway, crowd[1].gateway
    check((old.keys.key_id, new.keys.key_id) == (first, 2), "sealed for the old key and for the new one")
    # Marked by the reload that found it past, it goes when its time has come.
    gone = wait_until(lambda: change_keys(server, "UPDATE gateway_key SET retire_at = 1 WHERE id = ? AND retire_at > 0", first,
                                          then=lambda: True) and f"gateway key removed id={first}" in server.log())
    check(gone, "the old one goes at last")
    reply = old.ask("GET", "/config")
    check(reply[0] == -400 and b"#ohttp-key" in reply[1], "and who still has it is told so", reply)
    check(new.ask("GET", "/config")[0] == 200, "the new one opens on")


def new_key(kind, *options):
    return subprocess.run([PROGRAM, "state", "new-key", kind, "--state", state, *options], capture_output=True, text=True,
                          timeout=PROGRAM_S)


def test_leaked_keys(server, user_token):
    """An operator changes keys beside the running server: gently, and because others know them."""
    client = Client(server.port)
    gateway = Gateway(client, "pir.example")
    before = gateway.keys.key_id
    done = new_key("gateway")
    check(done.returncode == 1 and "key file" in done.stderr, "no new key where keys are sealed and it would not be", done)

    def published(past):
        server.process.send_signal(signal.SIGHUP)
        return wait_until(lambda: Gateway(client, "pir.example").keys.key_id != past)

    done = new_key("gateway", "--key-file", key_file)
    check(done.returncode == 0 and done.stdout == "a new gateway key begins now, 0 others are removed\n", "a new key", done)
    check(published(before) and gateway.ask("GET", "/config")[0] == 200, "is given out, and the old one opens on")
    before = Gateway(client, "pir.example").keys.key_id
    done = new_key("gateway", "--key-file", key_file, "--drop-others")
    check(done.returncode == 0 and published(before), "one more", done)
    reply = gateway.ask("GET", "/config")
    check(reply[0] == -400 and b"#ohttp-key" in reply[1], "and the old ones are gone", reply)
    paid = pay(server, user_token)
    key = first_key(client)
    done = new_key("issuer", "--key-file", key_file, "--drop-others")
    check(done.returncode == 0 and "1 others" in done.stdout, "a new key of the issuer", done)
    fields = {"User_Agent": AGENT, "User_Identifier": "device", "Authorization": paid}
    check(client.ask("POST", "/config", b"", **fields)[0] == 401, "tokens of the old one are refused")
    server.process.send_signal(signal.SIGHUP)
    check(wait_until(lambda: first_key(client) != key) and is_right(look_up(server, user_token)), "and devices get new ones")


def test_restart(server, user_token):
    gateway = Gateway(Client(server.port), "pir.example")
    sealed = Sealed(gateway.keys, request("GET", "pir.example", "/config"))
    server.end()
    with open(state, "rb") as file:
        check(gateway.keys.public not in file.read(), "sealed by --key-file, the keys lie nowhere plain")
    server = serve()
    gateway = Gateway(Client(server.port), "pir.example")
    reply = read_response(sealed.open(gateway.post(sealed.text)[1]))
    check(reply[0] == 200, "what was sealed before a restart is opened after it", reply)
    check(is_right(look_up(server, user_token)), "and a device asks on")
    server.end()


def test_without(user_token):
    server = Server(data, "--state", state, "--key-file", key_file, auth="token")
    done = look_up(server, user_token)
    check(done.returncode == 1 and "404" in done.stderr, "without --gateway there is none", done)
    server.end()


def test_replicas():
    """Two servers over one database have the same keys."""
    database = None
    try:
        database = Postgres()
        servers = [Server(data, "--state", database.name(), "--gateway") for _ in range(2)]
        clients = [Client(server.port) for server in servers]
        keys = [client.ask("GET", PATH)[1] for client in clients]
        check(keys[0] == keys[1], "both give out the same keys")
        sealed = Sealed(Keys(keys[0]), request("GET", "pir.example", "/config"))
        replies = [read_response(sealed.open(client.ask("POST", PATH, sealed.text, Content_Type=REQUEST_TYPE)[1]))[0]
                   for client in clients]
        check(replies == [200, 200], "what is sealed for one is opened by the other", replies)
        for server in servers:
            server.end()
    except Missing as why:
        skip(str(why))
    finally:
        if database is not None:
            database.remove()


try:
    token = prepare()
    running = serve()
    test_check(running, token)
    test_wrong_keys(running, token)
    test_same_answers(running)
    test_duplicates(running, token)
    test_hostile(running)
    test_rotation(running)
    test_leaked_keys(running, token)
    test_restart(running, token)
    test_without(token)
    test_replicas()
finally:
    Server.end_all()
    shutil.rmtree(work, ignore_errors=True)
sys.exit(finish())
