#!/usr/bin/env python3
"""What docs/SECURITY.md says is nowhere, is nowhere: unusual URLs, identifiers, system names, tokens, paths and bodies are
sent by every route, plain and through the gateway, with errors and a crash; then logs, metrics, state files and the
memory of the idle process are searched for them. Prints TAP."""
import base64
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from oblivious import Gateway  # noqa: E402
from patience import PROGRAM_S, wait_until  # noqa: E402
from paying import AGENT, DIRECTORY, Blinded, Client, first_key  # noqa: E402
from protobuf import field  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = os.path.join(BUILD, "blindlist")
SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD) is not None
USE_CASE = "one.example.url.filtering"
HOST = "pir.example"
DEVICE_ROUTES = ("/config", "/key", "/queries", "/report")
TOKEN_SIGNATURE = 98  # where it begins in a token
# What a request says of the app and its dataset names nobody; memory is not cleared of it.
NOBODYS = ("usecase", "key", "query", "dataset")
work = working_folder("privacy")
data, state, kept = f"{work}/data", f"{work}/state", f"{work}/device-keys"
needles = {}  # what for, and the bytes


def plant(what):
    """A text that is nowhere else."""
    text = f"zq{secrets.token_hex(6)}{what}{secrets.token_hex(6)}"
    needles[what] = text.encode()
    return text


def run(*words):
    return subprocess.run([TOOL, *words], capture_output=True, text=True, timeout=PROGRAM_S)


def serve():
    server = Server(data, "--state", state, "--gateway", "--debug", "--admin", "127.0.0.1:0", auth="token")
    address = re.search(r"admin address=(\S+)", server.log())
    server.admin = address.group(1) if address else None
    return server


def pages(server):
    """What the admin address tells of itself, by path."""
    told = {}
    for path in ("/", "/metrics", "/readyz", "/healthz", "/status"):
        try:
            with urllib.request.urlopen(f"http://{server.admin}{path}", timeout=PROGRAM_S) as reply:
                told[path] = reply.read()
        except urllib.error.HTTPError as error:
            told[path] = error.read()
    return told


# ---- what is sent ----

class Sender:
    """Sends each request twice: plain, and through the gateway."""

    def __init__(self, server, user_token):
        self.plain, self.gateway = Client(server.port), Gateway(Client(server.port), HOST)
        self.user_token = user_token
        self.statuses = {}

    def send(self, method, path, body=b"", **fields):
        for name, way in (("plain", self.send_plain), ("sealed", self.send_sealed)):
            values = {key: value() if callable(value) else value for key, value in fields.items()}
            status = way(method, path, body, values)
            self.statuses.setdefault((name, path.split("?")[0]), []).append(status)

    def send_plain(self, method, path, body, fields):
        return self.plain.ask(method, path, body, **{"Host": HOST, **fields})[0]

    def send_sealed(self, method, path, body, fields):
        host = fields.pop("Host", HOST)
        self.gateway.host = host
        return self.gateway.ask(method, path, body, {key.replace("_", "-").lower(): value for key, value in fields.items()})[0]

    def token(self):
        """One that is paid with, remembered as what must not be found."""
        client = Client(self.plain.connection.port)
        blinded = Blinded(first_key(client))
        answer = client.ask("POST", "/issue", blinded.request, Authorization=f"Bearer {self.user_token}")
        client.close()
        value = blinded.finish(answer[1])
        text = value.split("=", 1)[1]
        raw = base64.urlsafe_b64decode(text)
        number = sum(name.startswith("token") for name in needles)
        needles[f"token {number}"] = raw[TOKEN_SIGNATURE:TOKEN_SIGNATURE + 64]
        needles[f"token {number} as text"] = text.encode()[TOKEN_SIGNATURE * 4 // 3 + 4:][:80]
        return value

    def close(self):
        self.plain.close()
        self.gateway.client.close()


def send_everything(server, user_token):
    sender = Sender(server, user_token)
    identifier, agent = plant("identifier"), plant("agent") + " iOS/26.1"
    device = {"User_Identifier": identifier, "User_Agent": agent}
    bodies = {"/config": field(1, plant("usecase").encode()), "/key": plant("key").encode() * 40,
              "/queries": field(1, field(1, plant("query").encode())),
              "/report": json.dumps([plant("report") + ".example/visited"]).encode()}
    for path in DEVICE_ROUTES:
        sender.send("POST", path, b"", **device, Authorization=sender.token)
        sender.send("POST", path, bodies[path], **device, Authorization=sender.token, Content_Type="application/json")
        sender.send("POST", f"{path}?{plant('part')}", bodies[path], **device)
        sender.send("POST", path, bodies[path], **device, Authorization=f"PrivateToken token={plant('forged')}")
        sender.send("POST", path, bodies[path], **device, Authorization=f"Bearer {plant('bearer')}")
        sender.send("POST", path, plant("large").encode() * (1 << 18), **device, Authorization=sender.token)
    sender.send("POST", "/config", b"", User_Identifier=identifier)
    for path in (DIRECTORY, "/config", f"/prefilter/{USE_CASE}.json", f"/prefilter/{plant('dataset')}.json",
                 f"/{plant('path')}/{plant('nowhere')}"):
        sender.send("GET", path, **device, If_None_Match=f'"{plant("etag")}"', Range=f"bytes={plant('range')}")
    for body in (b"", plant("request").encode() * 10):
        sender.send("POST", "/issue", body, **device, Authorization=f"Bearer {user_token}")
        sender.send("POST", "/issue", body, **device, Authorization=f"Bearer {plant('nobody')}")
    sender.send("GET", "/token-key-for-user-token", **device, Authorization=f"Bearer {user_token}")
    sender.send("GET", "/config", Host=plant("host") + ".example", **device)
    status = sender.gateway.send(plant("inner").encode())[0]
    check(status == 400, "what is no request inside", status)
    status = sender.gateway.post(plant("sealed").encode() * 20)[0]
    check(status == 400, "what is no encapsulated request", status)
    sender.close()
    return sender.statuses


def look_up(server, user_token):
    """Devices with URLs that nobody has, of which the prefilter takes half for listed: that many queries."""
    urls = [f"https://{plant(f'visited{i}')}.example/{plant(f'page{i}')}" for i in range(6)]
    for more in ((), ("--ohttp", f"http://127.0.0.1:{server.port}")):
        keys = f"{kept}{len(more)}"
        done = run("check", "--server", f"http://127.0.0.1:{server.port}", *more, "--token", user_token, "--keys", keys,
                   "--trace", *urls)
        asked = done.stdout.count("POST /queries")
        check(done.returncode == 0 and asked > 0, f"{len(urls)} URLs are looked up, {asked} by queries", done)
        with open(keys, encoding="utf-8") as file:
            kept_keys = json.load(file)
        needles[f"device{len(more)}"] = kept_keys["userIdentifier"].encode()


# ---- where it is looked for ----

def found_in(text, but=()):
    return sorted(what for what, needle in needles.items() if needle in text and what not in but)


def memory_of(server):
    """All that the process may write to, as a core dump would have it; None when it may not be read."""
    pid, pieces = server.process.pid, []
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
            for line in maps:
                place, rights = line.split()[:2]
                first, last = (int(number, 16) for number in place.split("-"))
                if not rights.startswith("rw") or "[v" in line:
                    continue
                try:
                    memory.seek(first)
                    pieces.append(memory.read(last - first))
                except OSError:
                    pass  # gone in the meantime
    except OSError:
        return None
    return b"\0".join(pieces)


def test_memory(server):
    if SANITIZED:
        skip("a sanitizer keeps what was freed")
        return
    memory = memory_of(server)
    if memory is None:
        skip("the memory of the server may not be read here")
        return
    check(USE_CASE.encode() in memory, "what is searched is the server's memory")
    left = [found_in(memory, NOBODYS)]

    def is_clean():
        left[0] = found_in(memory_of(server), NOBODYS)
        return not left[0]
    check(wait_until(is_clean), "memory of the idle process", left[0])


def test_files(when):
    for folder, _, names in os.walk(work):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if path.startswith((kept, f"{data}/")):  # the devices' own, and the dataset
                continue
            with open(path, "rb") as file:
                found = found_in(file.read())
            check(not found, f"{when}: {os.path.basename(path)}", found)


try:
    with open(f"{work}/list", "w", encoding="utf-8") as listed:
        listed.writelines(f"row{i}.example\n" for i in range(300))
    made = run("compile", f"{work}/list", "--use-case", USE_CASE, "--out", data, "--false-positive-rate", "0.5")
    check(made.returncode == 0, "a dataset whose prefilter is often wrong", made)
    os.unlink(f"{work}/list")
    label = "zqlabel" + secrets.token_hex(6)
    user = run("token", "create", "--state", state, "--label", label).stdout.strip()
    needles["user token"] = user.encode()
    running = serve()
    look_up(running, user)
    sent = send_everything(running, user)
    both = {path: sorted(sent[("plain", path)]) == sorted(sent[("sealed", path)]) for way, path in sent if way == "plain"}
    check(all(both.values()), f"{sum(map(len, sent.values()))} requests; answered alike on both ways", sent)
    seen = {status for statuses in sent.values() for status in statuses}
    check({200, 400, 401, 404, 413, 422} <= seen, "with errors of many kinds", seen)
    test_memory(running)
    told = pages(running)
    check(b"blindlist_" in told["/metrics"], "metrics are told", told["/metrics"][:200])
    for path, page in told.items():
        check(not found_in(page), f"admin address, {path}", found_in(page))
    test_files("while it runs")
    with open(state, "rb") as file, open(f"{state}-wal", "rb") as log:
        check(label.encode() in file.read() + log.read(), "what is searched is the state: the label is there")
    running.process.send_signal(signal.SIGABRT)
    running.process.wait(PROGRAM_S)
    test_files("after a crash")
    running = serve()
    look_up(running, user)
    check(running.end() == 0, "it goes on after the crash, and ends")
    test_files("at the end")
finally:
    Server.end_all()
    shutil.rmtree(work, ignore_errors=True)
sys.exit(finish())
