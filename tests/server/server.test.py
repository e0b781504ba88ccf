#!/usr/bin/env python3
"""blindlist-server over real sockets: every status, slow and broken clients, large bodies, ranges,
reload, drain, kill. Prints TAP. Uses the standard library, and the independent device of the
project's model (BLINDLIST_MODEL, default ../shared/model) where that and numpy are there."""
import gzip
import hashlib
import http.client
import json
import os
import platform
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PATIENCE_S, PROGRAM_S, wait_until  # noqa: E402
import served  # noqa: E402
from protobuf import field, parse  # noqa: E402
from served import PROGRAM as SERVER, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
MODEL = os.environ.get("BLINDLIST_MODEL", "../shared/model")
USE_CASE = "com.example.app.url.filtering"
IDENTITY = {"User-Identifier": "8155D2E9-A2BF-418C-9C9B-EC24F5FE6FE7",
            "User-Agent": "com.apple.ciphermld/1.0 iOS/18.2 x"}
BODY_MAX = 10485760
BODY_S = str(2 * PATIENCE_S)  # for a body: longer than a server's end is awaited
FOR_EVER = str(PROGRAM_S)     # to drain: longer than this test waits


# ---- the server and a client ----

class Server(served.Server):
    def ask(self, method, path, body=None, headers=None, identity=True):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            client.request(method, path, body, dict(IDENTITY if identity else {}, **(headers or {})))
            reply = client.getresponse()
            return reply.status, dict((k.lower(), v) for k, v in reply.getheaders()), reply.read()
        finally:
            client.close()

    def begin(self, path, length):
        """A connection on which the head of a POST was read: the server waits for the body."""
        s = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        head = {"Host": "a", **IDENTITY, "Expect": "100-continue", "Content-Length": length}
        s.sendall((f"POST {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head.items()) + "\r\n").encode())
        reply = b""
        while not reply.endswith(b"\r\n\r\n"):
            piece = s.recv(1)
            if not piece:
                break
            reply += piece
        if b" 100 " not in reply:
            raise RuntimeError(f"{path} does not begin: {reply}")
        return s

    def raw(self, data):
        """Sends bytes, returns all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as s:
            try:
                s.sendall(data)
            except OSError:
                pass
            out = b""
            try:
                while True:
                    got = s.recv(65536)
                    if not got:
                        break
                    out += got
            except OSError:
                pass
            return out


def compile_rows(folder, data, word, count, *more, use_case=USE_CASE):
    """The version that is in force then."""
    path = os.path.join(folder, "list.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{word}{i}.example.com/path\n" for i in range(count))
    subprocess.run([TOOL, "compile", path, "--use-case", use_case, "--out", data, *more],
                   check=True, stdout=subprocess.DEVNULL)
    return os.readlink(f"{data}/{use_case}/current")


def is_error(reply, status, words=""):
    return (reply[0] == status and reply[1].get("content-type") == "application/json; charset=utf-8"
            and words in json.loads(reply[2])["error"]["message"])


def config_of(server, agent=None):
    """(config id, key identifier) of the use case."""
    reply = server.ask("POST", "/config", field(1, USE_CASE.encode()),
                       {"User-Agent": agent} if agent else None)
    config = parse(parse(parse(reply[2])[1][0])[2][0])
    return config[3][0], parse(config[1][0])[6][0]


# ---- tests ----

def test_command_line(folder, data):
    def run(*words):
        done = subprocess.run([SERVER, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
        return done.returncode, done.stdout + done.stderr
    for words, expected in (
            ([], "--data DIR is missing"),
            (["--data"], "needs a value"),
            (["--nonsense"], "unknown option --nonsense"),
            (["--data", data, "operand"], "unexpected operand"),
            (["--data", data, "--threads", "0"], "from 1 to"),
            (["--data", data, "--queue", "12x"], "not 12x"),
            (["--data", data, "--trusted-proxy", "10.0.0.0/33"], "--trusted-proxy 10.0.0.0/33: not an IP"),
            (["--data", data, "--kernel", "mmx"], "no kernel is called mmx"),
            (["--data", data, "--listen", "localhost:80"], "localhost:80"),
            (["--data", data, "--listen", "0.0.0.0:0", "--auth", "none"], "--allow-unauthenticated")):
        code, text = run(*words)
        check(code == 2 and expected in text, f"usage: {' '.join(words[:1])} {expected}", text)
    code, text = run("--version")
    check(code == 0 and text.startswith("blindlist-server "), "--version", text)
    code, text = run("--data", f"{folder}/missing")
    check(code == 1 and "missing" in text, "a missing folder is named", text)
    empty = f"{folder}/empty"
    os.mkdir(empty)
    code, text = run("--data", empty)
    check(code == 1 and "no dataset" in text and os.listdir(empty) == [],
          "an empty folder: said, and left empty", text)
    code, text = run("--data", data, "--state", f"{folder}/no/state")
    check(code == 1 and "no/state" in text, "a state file in no folder is named", text)
    foreign = f"{folder}/foreign"
    with open(foreign, "wb") as file:
        file.write(b"not a database " * 1000)
    code, text = run("--data", data, "--state", foreign)
    check(code == 1 and "not a database" in text, "a foreign state file is refused", text)


def test_kernel(data):
    server = Server(data, "--kernel", "ref")
    check("kernel=ref" in server.log(), "the log names the kernel that was asked for", server.log())
    server.end()
    foreign = "neon" if platform.machine() in ("x86_64", "AMD64") else "avx2"
    done = subprocess.run([SERVER, "--data", data, "--kernel", foreign], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    check(done.returncode == 1 and f"does not run the kernel {foreign}" in done.stderr,
          "a kernel of another machine is refused", done.stderr)


def test_statuses(server):
    for method, path in (("GET", "/"), ("POST", "/nothing"), ("GET", "/queries"), ("PUT", "/config"),
                         ("DELETE", "/key"), ("OPTIONS", "/config"), ("POST", "/CONFIG"),
                         ("POST", "/reports"), ("GET", "/prefilter/../../etc/passwd")):
        reply = server.ask(method, path)
        check(reply[0] == 404 and reply[2] == b"", f"{method} {path}: 404, empty", reply)
    for path in ("/config", "/key", "/queries"):
        check(is_error(server.ask("POST", path, b"x", identity=False), 400, "User-Identifier"),
              f"{path} without identifier")
        check(is_error(server.ask("POST", path, b"x", {"User-Identifier": ""}, identity=False), 400,
                       "User-Agent"), f"{path} without agent")
        check(is_error(server.ask("POST", path, b"\x0a\x7f"), 400), f"{path}: no Protobuf")
    for path in ("/config/", "//config", "/config?x=1"):
        check(server.ask("POST", path)[0] == 200, f"{path} is /config")
    reply = server.ask("POST", "/config")
    check("date" in reply[1] and reply[1].get("content-length") == str(len(reply[2])) and
          "content-type" not in reply[1] and "server" not in reply[1], "headers of an answer", reply)
    check(is_error(server.ask("POST", "/config", field(1, b"no.such")), 404, "no.such\nAvailable"),
          "unknown use case")
    check(is_error(server.ask("POST", "/config", field(1, USE_CASE.encode()) + field(2, b"") * 2),
                   400), "more ids than use cases")
    config_id, key_id = config_of(server)
    reply = server.ask("POST", "/config", field(1, USE_CASE.encode()) + field(2, config_id))
    check(parse(parse(reply[2])[1][0])[2][0] == b"\x20\x01", "reuse is two bytes", reply)

    def query(**change):
        pir = {1: 0, 2: b"", 3: field(1, 5) + field(2, key_id), 4: config_id, **change.get("pir", {})}
        body = field(1, field(1, change.get("use_case", USE_CASE).encode()) +
                     field(2, b"".join(field(k, v) for k, v in sorted(pir.items()) if v is not None)))
        return server.ask("POST", "/queries", body)
    inline = {6: field(2, b"\x0a\x00")}
    check(is_error(query(), 400, "evaluation key not found"), "no key stored")
    check(is_error(query(use_case="no.such"), 400, "evaluation key not found"), "key comes first")
    check(is_error(query(use_case="no.such", pir=inline), 400, "use case"), "then the use case")
    check(is_error(query(pir={**inline, 4: b"x" * 32}), 410), "stale configuration id: 410")
    check(is_error(query(pir={**inline, 5: b""}), 501), "shard_id: 501")
    check(is_error(query(pir={**inline, 1: 2}), 400, "shard index"), "shard index out of range")
    check(is_error(query(pir={**inline, 1: 2**32 - 1}), 400, "shard index"), "the largest index")
    check(is_error(query(pir=inline), 400), "a query of nothing")
    check(server.ask("POST", "/queries") [0::2] == (200, b""), "no queries: 200, empty")
    check(is_error(server.ask("POST", "/key", field(1, field(2, b""))), 400, "metadata"),
          "a key without metadata")
    check(is_error(server.ask("POST", "/key", field(1, field(1, field(2, key_id)) + field(2, b""))),
                   400), "an empty key")
    check(server.ask("GET", "/healthz", identity=False)[0] == 200, "/healthz")


def test_prefilter(server):
    path = f"/prefilter/{USE_CASE}.json"
    status, headers, body = server.ask("GET", path, identity=False)
    manifest = json.loads(body)
    etag = headers.get("etag", "")
    check(status == 200 and headers["content-type"] == "application/json" and "max-age" in
          headers["cache-control"] and re.fullmatch('"[0-9a-f]{64}"', etag), "manifest", headers)
    reply = server.ask("GET", path, None, {"If-None-Match": f'"x", {etag}'})
    check(reply[0] == 304 and reply[2] == b"" and reply[1]["etag"] == etag, "not modified", reply)
    url = manifest["url"]
    status, headers, bits = server.ask("GET", url, identity=False)
    check(status == 200 and hashlib.sha256(bits).hexdigest() == manifest["tag"] and
          len(bits) == manifest["byteCount"], "the tag is the digest of the bits")
    check("immutable" in headers["cache-control"] and headers["accept-ranges"] == "bytes" and
          headers["etag"] == f'"{manifest["tag"]}"', "bits never change", headers)
    for value, expected, part in (("bytes=5-9", 206, bits[5:10]), ("bytes=-7", 206, bits[-7:]),
                                  ("bytes=100-", 206, bits[100:]), ("bytes=9-5", 200, bits),
                                  ("bytes=0-1,3-4", 200, bits), ("nonsense", 200, bits),
                                  (f"bytes={len(bits)}-", 416, b"")):
        status, headers, got = server.ask("GET", url, None, {"Range": value})
        check(status == expected and got == part, f"Range {value}: {expected}", (status, headers))
        if expected != 200:
            check(headers["content-range"].endswith(f"/{len(bits)}"), f"Range {value}: its extent")
    status, headers, got = server.ask("HEAD", url)
    check(status == 200 and got == b"" and headers["content-length"] == str(len(bits)), "HEAD")
    check(server.ask("HEAD", path)[0] == 200, "HEAD of the manifest")
    check(server.ask("GET", f"/prefilter/{USE_CASE}/{'0' * 64}.bloom")[0] == 404, "another tag: 404")
    check(server.ask("GET", "/prefilter/no.such.json")[0] == 404, "another use case: 404")


def test_compression(server):
    """The use case many.shards answers old systems with more than a kilobyte."""
    def ask(encoding):
        return server.ask("POST", "/config", field(1, b"many.shards"),
                          {"User-Agent": "iOS/17.0", **({"Accept-Encoding": encoding}
                                                       if encoding is not None else {})})
    plain = ask("identity")
    check(len(plain[2]) > 1024 and "content-encoding" not in plain[1] and
          plain[1]["vary"] == "accept-encoding", "a long answer, plain", plain[1])
    for encoding in ("gzip", "gzip, deflate, br", "br, gzip;q=0.5", "*"):
        reply = ask(encoding)
        check(reply[1].get("content-encoding") == "gzip" and gzip.decompress(reply[2]) == plain[2] and
              reply[1]["vary"] == "accept-encoding", f"Accept-Encoding {encoding}", reply[1])
    for encoding in ("gzip;q=0", "br", "gzip;x"):
        check(ask(encoding)[2] == plain[2], f"Accept-Encoding {encoding}: plain")


def test_bodies(server):
    for path in ("/config", "/key", "/queries"):
        body = field(15, b"\0" * (BODY_MAX - 5))  # an unknown field: skipped
        status, _, text = server.ask("POST", path, body)
        check(status in (200, 400), f"{path}: 10 MiB are read", (status, text[:200]))
        status, headers, text = server.ask("POST", path, body + b"\0")
        check(status == 413 and text == b"" and "content-type" not in headers,
              f"{path}: one byte more is 413, empty", (status, headers))
    status, _, text = server.ask("POST", "/queries", b"\0" * (40 << 20))
    check(status == 413, "40 MiB: 413")
    head = "POST /queries HTTP/1.1\r\nHost: a\r\nUser-Identifier: a\r\nUser-Agent: b\r\n"
    reply = server.raw(f"{head}Content-Length: 999999999999\r\n\r\n".encode())
    check(reply.startswith(b"HTTP/1.1 413"), "a huge Content-Length is refused at once", reply)
    reply = server.raw(f"{head}Expect: 100-continue\r\nContent-Length: 20000000\r\n\r\n".encode())
    check(reply.startswith(b"HTTP/1.1 413"), "who asks first is told before sending", reply)
    for bad in ("Content-Length: -1", "Content-Length: x", "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"):
        reply = server.raw(f"{head}{bad}\r\n\r\n".encode())
        check(not reply.startswith(b"HTTP/1.1 200"), f"{bad[:25]!r} is not answered with 200", reply)
    reply = server.raw(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100000 + b"\r\n\r\n")
    check(not reply.startswith(b"HTTP/1.1 2"), "a head of 100 KB is refused", reply[:100])
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as file:
        before = int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))
    sockets = []
    for _ in range(100):
        s = socket.create_connection(("127.0.0.1", server.port))
        s.sendall(f"{head}Content-Length: {BODY_MAX}\r\n\r\n".encode() + b"x" * 1000)
        sockets.append(s)
    time.sleep(0.2)
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as file:
        grown = int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) - before
    check(grown < 50000, f"100 announced bodies of 10 MiB took {grown} KB")
    for s in sockets:
        s.close()
    check(server.ask("GET", "/healthz")[0] == 200, "and it still answers")


def test_broken(server):
    pieces = (b"POST /queries HTTP/1.1\r\nHo", b"POST /key HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\n"
              b"User-Identifier: y\r\nContent-Length: 100\r\n\r\nabc", b"\x16\x03\x01\x02\x00\x01",
              b"\0" * 100, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
    for i in range(100):
        s = socket.create_connection(("127.0.0.1", server.port))
        s.sendall(pieces[i % len(pieces)])
        if i % 3 == 0:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.close()
    check(server.ask("GET", "/healthz")[0] == 200, "a hundred broken connections later it answers")
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    slow = socket.create_connection(("127.0.0.1", server.port))
    stop = threading.Event()

    def trickle():
        for byte in b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: " + b"y" * 1000:
            if stop.wait(0.01):
                return
            try:
                slow.sendall(bytes([byte]))
            except OSError:
                return
    thread = threading.Thread(target=trickle)
    thread.start()
    started = time.monotonic()
    good = all(server.ask("GET", "/healthz")[0] == 200 for _ in range(50))
    check(good and time.monotonic() - started < PATIENCE_S, "silent and slow connections hold nobody up")
    stop.set()
    thread.join()
    for s in idle + [slow]:
        s.close()


def device(server, *words, env=None):
    done = subprocess.run([sys.executable, f"{MODEL}/device.py", f"http://127.0.0.1:{server.port}",
                           USE_CASE, "-", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=PROGRAM_S, env=dict(os.environ, **(env or {})))
    return [line.split("\t")[:2] for line in done.stdout.splitlines()], done.stderr


def test_device(server, folder):
    listed = [["row5.example.com/path", "1"], ["no.such.example/row", "<absent>"],
              ["www.apple.com/url-filter-test", "1"]]
    words = [word for word, _ in listed]
    check({int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little") % 2 for word in words} == {0, 1},
          "the words lie in both shards")
    for options in ([], ["--inline"], ["--get-config"], ["--agent", "iOS/18.0 x"], ["--agent", "(Macintosh; OS X 15.1; x)"],
                    ["--agent", "(Macintosh; OS X 15.2; x)"]):
        got, errors = device(server, *options, *words)
        check(got == listed, f"an independent device, {' '.join(options) or 'plain'}", errors or got)
    text = server.log()
    check("8155D2E9" not in text and "row5" not in text and "shard_index" not in text and
          "/queries" not in text, "the log names nobody and nothing that was asked")
    with open(f"{server.data}/blindlist-server.state", "rb") as file:
        state = file.read()
    check(b"8155D2E9" not in state, "nor does the state file")
    got, errors = device(server, *words)
    version = compile_rows(folder, server.data, "fresh", 300)
    server.process.send_signal(signal.SIGHUP)
    check(server.wait_version(version), "SIGHUP reloads", server.log())
    got, errors = device(server, "row5.example.com/path", "fresh5.example.com/path")
    check([v for _, v in got] == ["<absent>", "1"], "the device sees the new rows", errors or got)


def test_new_versions(server, folder, have_model):
    """Versions that are compiled are noticed without a signal, while requests and devices go on."""
    stop, counts, wrong = threading.Event(), {}, []

    def ask():
        while not stop.is_set():
            got, errors = device(server, "row5.example.com/path", "fresh5.example.com/path")
            if errors or not {v for _, v in got} <= {"<absent>", "1"}:
                wrong.append((got, errors))
    threads = [threading.Thread(target=make_load, args=(server, stop, counts))]
    if have_model:
        threads.append(threading.Thread(target=ask))
    for thread in threads:
        thread.start()
    noticed = 0
    for i in range(8):  # none of them was there before
        noticed += server.wait_version(compile_rows(folder, server.data, ("row", "fresh")[i % 2], 301 + i))
    wait_until(lambda: counts.get(200, 0) > 10)
    stop.set()
    for thread in threads:
        thread.join()
    check(noticed == 8, "each of eight versions is noticed by itself", server.log())
    check(counts.get(200, 0) > 10 and set(counts) == {200}, "no request is dropped meanwhile", counts)
    if have_model:
        check(not wrong, "and every look-up is answered", wrong)
        answers = []

        def is_last():
            answers[:] = device(server, "row5.example.com/path", "fresh5.example.com/path")
            return [v for _, v in answers[0]] == ["<absent>", "1"]
        check(wait_until(is_last), "in the end from the last version", answers)
    else:
        skip("the model of a device is not here")


def test_reload_failure(server, folder):
    current = f"{server.data}/{USE_CASE}/current"
    version = os.readlink(current)

    def switch(target):
        os.symlink(target, f"{current}.next")
        os.replace(f"{current}.next", current)
    switch("no-such-version")
    broken = f"{server.data}/broken.use.case/v"
    os.makedirs(broken)
    with open(f"{broken}/dataset.json", "w", encoding="utf-8") as file:
        file.write("{")
    os.symlink("v", f"{server.data}/broken.use.case/current")
    config = config_of(server)
    server.process.send_signal(signal.SIGHUP)
    check(server.wait_log("broken.use.case not loaded"), "a broken dataset is named", server.log())
    switch(version)
    shutil.rmtree(f"{server.data}/broken.use.case")
    seen = server.log().count("failed=0")
    server.process.send_signal(signal.SIGHUP)
    check(server.wait_log("failed=0", seen + 1), "all are loaded again", server.log())
    check(config_of(server) == config, "and the good one is served")


def make_load(server, stop, counts):
    while not stop.is_set():
        try:
            status = server.ask("POST", "/config")[0]
            counts[status] = counts.get(status, 0) + 1
        except (OSError, http.client.HTTPException):
            counts["cut"] = counts.get("cut", 0) + 1
            time.sleep(0.01)


def test_drain(data):
    server = Server(data, "--drain", FOR_EVER)
    half = server.begin("/config", 2)
    half.sendall(b"\x0a")
    idle = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
    server.process.send_signal(signal.SIGTERM)
    check(server.wait_log("draining"), "SIGTERM drains")
    time.sleep(0.2)
    check(server.process.poll() is None, "while a request is under way it stays")
    half.sendall(b"\0")
    reply = half.recv(65536)
    check(b" 404 " in reply and b"onnection: close" in reply, "which is answered", reply)
    check(server.process.wait(PATIENCE_S) == 0, "then it ends with 0")
    half.close()
    idle.close()
    server = Server(data, "--drain", "1", "--body-seconds", BODY_S)
    half = server.begin("/config", 2)
    check(server.end() == 0, "a drain is bounded")
    half.close()
    server = Server(data)
    counts, stop = {}, threading.Event()
    threads = [threading.Thread(target=make_load, args=(server, stop, counts)) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: counts.get(200, 0) > 10)
    for _ in range(5):
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.05)
    code = server.end()
    stop.set()
    for thread in threads:
        thread.join()
    check(code == 0 and counts.get(200, 0) > 10 and set(counts) <= {200, "cut"},
          "reloads and an end under load", counts)


def record_queries(server):
    """A body of queries that the server answers: what the device sends, kept on the way."""
    sys.path.insert(0, MODEL)
    import device as model
    bodies = []
    plain = model.Http.__call__

    def recording(self, method, path, body=None, **headers):
        if path == "/queries":
            bodies.append(body)
        return plain(self, method, path, body, **headers)
    model.Http.__call__ = recording
    argv, out = sys.argv, sys.stdout
    try:
        with open(os.devnull, "w", encoding="utf-8") as sys.stdout:
            sys.argv = ["device", f"http://127.0.0.1:{server.port}", USE_CASE, "-"] + \
                [f"fresh{i}.example.com/path" for i in range(8)]
            model.main()
    finally:
        sys.argv, sys.stdout = argv, out
    return bodies[0]


def test_end_while_computing(data):
    """Six bodies of queries for one thread: when the first is answered, the others are under way."""
    server = Server(data, "--threads", "1")
    body = record_queries(server)
    whole = server.ask("POST", "/queries", body)
    server.end()
    for drain, allowed in ((FOR_EVER, {200}), ("0", {200, 503, "cut"})):
        server = Server(data, "--threads", "1", "--drain", drain)
        connections = [server.begin("/queries", len(body)) for _ in range(6)]
        for connection in connections:
            connection.sendall(body)
        check(select.select(connections, [], [], PATIENCE_S)[0], "queries are answered")
        code = server.end()
        replies = []
        for connection in connections:
            try:
                reply = http.client.HTTPResponse(connection)
                reply.begin()
                replies.append((reply.status, reply.read()))
            except (OSError, http.client.HTTPException):
                replies.append(("cut", b""))
            connection.close()
        kinds = [kind for kind, _ in replies]
        check(code == 0 and set(kinds) <= allowed,
              f"SIGTERM while queries run, {drain} s to drain: ended with 0", (code, kinds))
        check(all(answer == whole[2] for kind, answer in replies if kind == 200), "and what was answered is whole")


def test_kill(folder, data, have_model):
    """Killed at any moment: the next start works, with all keys that were acknowledged."""
    for i in range(5):
        server = Server(data)
        counts, stop = {}, threading.Event()
        thread = threading.Thread(target=make_load, args=(server, stop, counts))
        thread.start()
        time.sleep(0.02 * i)
        server.process.send_signal(signal.SIGHUP)
        server.end(signal.SIGKILL)
        stop.set()
        thread.join()
    server = Server(data)
    check(server.ask("POST", "/config")[0] == 200, "after five kills it starts and answers")
    if have_model:
        got, errors = device(server, "fresh5.example.com/path")
        check([v for _, v in got] == ["1"], "a device uploads its key", errors)
        server.end(signal.SIGKILL)
        server = Server(data)
        reply = server.ask("POST", "/config", field(1, USE_CASE.encode()))
        state = parse(parse(reply[2])[2][0])
        check(state.get(1, [0])[0] > 1600000000, "the key outlives a kill", state)
    server.end()


def test_address_in_use(data):
    server = Server(data)
    done = subprocess.run([SERVER, "--data", data, "--auth", "none", "--listen", f"127.0.0.1:{server.port}"],
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    check(done.returncode == 1 and f"127.0.0.1:{server.port}" in done.stderr and
          "in use" in done.stderr, "an address in use is named", done.stderr)
    server.end()
    server = Server(data, "--allow-unauthenticated")
    check("--allow-unauthenticated" in server.log(), "--allow-unauthenticated is repeated")
    server.end()


def resident_shards(server):
    """Kilobytes of shards that are in memory for the server; None where that is not told."""
    total, counts = 0, False
    try:
        with open(f"/proc/{server.process.pid}/smaps", encoding="utf-8") as maps:
            for line in maps:
                if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                    counts = ".pir" in line
                elif counts and line.startswith("Rss:"):
                    total += int(line.split()[1])
    except OSError:
        return None
    return total


def test_digests(folder):
    data = f"{folder}/digests"
    compile_rows(folder, data, "row", 20000, "--shards", "2")
    server = Server(data)
    check(server.wait_log("digests are right"), "a whole dataset is said to be whole", server.log())
    resident = resident_shards(server)
    if resident is None:
        skip("no /proc/PID/smaps")
    else:
        check(resident == 0, "start and digests leave no page of a shard in memory", resident)
    check(server.end() == 0, "and it ends")
    path = f"{data}/{USE_CASE}/current/shard-1.pir"
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    server = Server(data)
    check(server.wait_log("shard-1.pir: shard file: plaintext") and
          "is damaged" in server.log(), "a damaged file is named", server.log())
    check(server.ask("GET", "/healthz")[0] == 200, "its dataset stays served")
    server.end()
    done = subprocess.run([SERVER, "--data", data, "--listen", "127.0.0.1:0", "--verify"],
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    check(done.returncode == 1 and "shard-1.pir: shard file: plaintext" in done.stderr,
          "--verify refuses it", done.stderr)
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last]))
    server = Server(data, "--verify")
    check(server.ask("GET", "/healthz")[0] == 200, "--verify serves a whole one")
    server.end()


def has_numpy():
    try:
        import numpy  # noqa: F401
        import cryptography  # noqa: F401
    except ImportError:
        return False
    return True


def main():
    folder = working_folder("server")
    data = f"{folder}/data"
    try:
        compile_rows(folder, data, "row", 300, "--shards", "2")
        compile_rows(folder, data, "many", 300, "--shards", "128", use_case="many.shards")
        test_command_line(folder, data)
        test_kernel(data)
        server = Server(data, "--debug", "--drain", FOR_EVER)
        test_statuses(server)
        test_prefilter(server)
        test_compression(server)
        test_bodies(server)
        test_broken(server)
        have_model = os.path.exists(f"{MODEL}/device.py") and has_numpy()
        if have_model:
            test_device(server, folder)
        else:
            skip(f"no model in {MODEL} (or no numpy, no cryptography)")
            compile_rows(folder, data, "fresh", 300)
        test_new_versions(server, folder, have_model)
        test_reload_failure(server, folder)
        started = time.monotonic()
        check(server.end() == 0, "SIGTERM ends with 0")
        check(time.monotonic() - started < PATIENCE_S, "at once: what broken clients began is not waited for")
        test_digests(folder)
        test_drain(data)
        if have_model:
            test_end_while_computing(data)
        test_kill(folder, data, have_model)
        test_address_in_use(data)
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
