#!/usr/bin/env python3
"""blindlist sources: files, globs, and a web server that can do everything wrong. Prints TAP."""
import base64
import fcntl
import glob
import gzip
import hashlib
import http.server
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PATIENCE_S, PROGRAM_S, wait_until  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import USE_CASE, Site, certificate, environment  # noqa: E402

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = b"a.example\nb.example\nc.example/x\n"
MANY = b"".join(b"%d.example\n" % (i * i) for i in range(1000))
OTHER = b"a.example\nb.example\nd.example\nlast.example"
SILENT_S = 300       # longer than any of these tests waits
RETRY_AFTER_S = 600
SECRETS = ("hush", "passw0rd", base64.b64encode(b"user:passw0rd").decode())


def zstd(text):
    """A frame (RFC 8878) with one block, not packed at all; up to 255 bytes."""
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(text)]) + (len(text) << 3 | 1).to_bytes(3, "little") + text


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []      # (path, headers) of each request
    body = LIST    # of /list
    down = None    # what /list does instead, by name
    late = threading.Condition()
    waiting = most_waiting = 0  # requests for /late at once

    def log_message(self, *_):
        pass

    def send(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length != "none":
            self.send_header("Content-Length", str(len(body) if length is None else length))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        if length is not None:
            self.close_connection = True

    def chunks(self, pieces, wait=0.0):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            time.sleep(wait)
        self.wfile.write(b"0\r\n\r\n")

    def wait_for_another(self):
        with Handler.late:
            Handler.waiting += 1
            Handler.most_waiting = max(Handler.most_waiting, Handler.waiting)
            Handler.late.notify_all()
            Handler.late.wait_for(lambda: Handler.most_waiting > 1, PATIENCE_S)
            Handler.waiting -= 1

    def do_GET(self):
        path = self.path.split("?")[0]
        Handler.seen.append((self.path, dict(self.headers)))
        if path == "/list" and Handler.down:
            path = Handler.down
        count = sum(1 for seen, _ in Handler.seen if seen == self.path)
        etag = '"%s"' % hashlib.sha256(Handler.body).hexdigest()[:8]
        changed = "Sat, 21 Nov 2026 10:00:00 GMT"
        if path == "/list":
            if self.headers.get("If-None-Match") == etag:
                self.send(304, ETag=etag)
            else:
                self.send(200, Handler.body, ETag=etag, Last_Modified=changed)
        elif path == "/dated":
            same = self.headers.get("If-Modified-Since") == changed
            self.send(304 if same else 200, b"" if same else LIST, Last_Modified=changed)
        elif path == "/plain":
            self.send(200, LIST)
        elif path == "/gzip":
            self.send(200, gzip.compress(LIST))
        elif path == "/coded":  # as the transfer, because it was asked for
            packed = "gzip" in self.headers.get("Accept-Encoding", "")
            self.send(200, gzip.compress(LIST), Content_Encoding="gzip") if packed else self.send(200, b"none")
        elif path == "/twice":
            self.send(200, gzip.compress(gzip.compress(LIST)), Content_Encoding="gzip")
        elif path == "/zstd":
            self.send(200, zstd(LIST))
        elif path == "/br":
            self.send(200, b"\x0b\x02\x80abc\x03", Content_Encoding="br")
        elif path == "/half":
            self.send(200, gzip.compress(MANY)[:80])
        elif path == "/bomb":
            self.send(200, gzip.compress(b"a" * 100000000, 9))
        elif path == "/swollen":  # no bomb, but more than the source may have
            self.send(200, gzip.compress(MANY))
        elif path == "/big":
            self.send(200, LIST * 1000)
        elif path == "/big-chunks":
            self.chunks([LIST * 100] * 10)
        elif path == "/endless":
            self.send(200, b"a.example\n" * 100000, length="none")
        elif path == "/cut":
            self.send(200, LIST[:20], length=len(LIST))
        elif path == "/cut-chunks":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"a\r\na.example\n\r\n")
            self.close_connection = True
        elif path == "/slow":
            self.chunks([b"a.example\n"] * (5 * SILENT_S), wait=0.2)
        elif path == "/late":
            self.wait_for_another()
            self.send(200, b"late.example\n")
        elif path == "/silent":
            time.sleep(SILENT_S)
        elif path == "/nothing":
            self.close_connection = True
        elif path == "/loop":
            self.send(302, Location="/loop?token=hush")
        elif path == "/far":
            step = int(re.search(r"step=(\d+)", self.path).group(1))
            self.send(302, Location=f"/far?step={step - 1}" if step > 1 else "/plain")
        elif path == "/to-http":
            self.send(301, Location=f"http://127.0.0.1:{plain_port}/plain?token=hush")
        elif path == "/to-other":
            self.send(302, Location=f"http://localhost:{plain_port}/plain")
        elif path == "/to-file":
            self.send(301, Location="file:///etc/passwd")
        elif path == "/no-location":
            self.send(300)
        elif path == "/204":
            self.send(204)
        elif path == "/304":
            self.send(304)
        elif path == "/html":
            self.send(200, b"\xef\xbb\xbf\n<!DOCTYPE HTML><title>log in</title>")
        elif path == "/binary":
            self.send(200, b"a.example\n\0\1\2")
        elif path == "/auth":
            given = self.headers.get("Authorization", "")
            self.send(200 if given == "Basic " + SECRETS[2] else 401, LIST)
        elif path == "/flaky":
            self.send(503 if count < 3 else 200, LIST, **({"Retry_After": "1"} if count == 2 else {}))
        elif path == "/later":
            self.send(429, Retry_After=str(RETRY_AFTER_S))
        elif path[1:].isdigit():
            self.send(int(path[1:]), b"x" * 5000)
        else:
            self.send(404)


class Done:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def __str__(self):
        return f"exit code {self.code} after {self.seconds:.1f} s\n{self.out}{self.err}"

    def source(self, index=0):
        try:
            return json.loads(self.out)["sources"][index]
        except (ValueError, LookupError):
            return {}


def run(*words, preexec=None):
    env = {**environment(), "TMPDIR": f"{work}/tmp"}
    start = time.monotonic()
    done = subprocess.run([f"{BUILD}/blindlist", "sources", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=PROGRAM_S, env=env, text=True,
                          preexec_fn=preexec)
    return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - start)


def write(name, content):
    os.makedirs(os.path.dirname(f"{work}/{name}"), exist_ok=True)
    with open(f"{work}/{name}", "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def lists(*sources, **more):
    write("lists.json", json.dumps({"useCase": USE_CASE, "sources": sources, **more}))
    return f"{work}/lists.json"


def web(path, port=None, scheme="http", user="", **more):
    """A source that this server answers."""
    return {"id": "web", "url": f"{scheme}://{user}127.0.0.1:{port or plain_port}{path}", "retries": 0,
            **({"allowHttp": True} if scheme == "http" else {}), **more}


def fetch(*sources, data=None, **more):
    return run(lists(*sources), "--json", *(["--data", f"{work}/{data}"] if data else []), **more)


def cache(data, pattern="*"):
    return sorted(glob.glob(f"{work}/{data}/.sources/{USE_CASE}/{pattern}"))


def test_files():
    write("lists/own.txt", LIST)
    write("lists/dir/b.txt", b"b.example\n")
    write("lists/dir/a.txt.gz", gzip.compress(b"a.example\na2.example\n"))
    write("lists/dir/sub.txt/x", b"")
    write("lists/lists.json", json.dumps({"useCase": USE_CASE, "sources": [
        {"id": "own", "file": "own.txt", "license": "CC0", "category": "ads", "trust": "allow", "format": "plain"},
        {"id": "many", "glob": "dir/*.txt*"}]}))
    done = run(f"{work}/lists/lists.json", "--json")
    check(done.code == 0 and done.err == "", "files and a glob", done)
    own, first, second = (done.source(i) for i in range(3))
    check(own["name"] == "own" and own["state"] == "file" and own["lines"] == 3 and
          own["bytes"] == len(LIST) and own["sha256"] == hashlib.sha256(LIST).hexdigest() and
          own["license"] == "CC0" and own["category"] == "ads" and own["trust"] == "allow" and
          own["format"] == "plain" and own["ageSeconds"] < PROGRAM_S, "what is told of a file", own)
    check([first["name"], second["name"]] == ["many/a.txt.gz", "many/b.txt"] and
          first["lines"] == 2 and first["textBytes"] == 21, "a glob's files in order, folders left out", done)
    done = run(f"{work}/lists/lists.json")
    check(re.search(r"^own +file +3 +32  [0-9a-f]{16} \d+ [sm]$", done.out, re.M) is not None, "a table", done)
    check(not os.listdir(f"{work}/tmp"), "without --data nothing is left behind")
    odd = f"{work}/odd [x]*"
    os.makedirs(f"{odd}/d")
    shutil.copy(f"{work}/lists/own.txt", f"{odd}/d/a.txt")
    with open(f"{odd}/lists.json", "w") as file:
        json.dump({"useCase": USE_CASE, "sources": [{"id": "g", "glob": "d/*.txt"}]}, file)
    done = run(f"{odd}/lists.json", "--json")
    check(done.code == 0 and done.source().get("name") == "g/a.txt", "a folder with odd characters", done)
    with open(os.fsencode(f"{odd}/d/") + b"b\xe9.txt", "wb") as file:
        file.write(LIST)
    done = run(f"{odd}/lists.json", "--json")
    check(done.code == 0 and done.source(1).get("name") == "g/b%e9.txt", "a name that is no UTF-8", done)
    for what, source, message in (
            ("a missing file", {"id": "x", "file": "none.txt"},
             f"x ({work}/none.txt): cannot be read: No such file or directory"),
            ("a folder", {"id": "x", "file": "lists"}, f"x ({work}/lists): is no file"),
            ("a glob of nothing", {"id": "x", "glob": "*.none"}, f"x ({work}/*.none): no file fits"),
            ("a file that is too large", {"id": "x", "file": "lists/own.txt", "maxBytes": 31},
             f"x: {work}/lists/own.txt: larger than 31 bytes")):
        done = fetch(source)
        check(done.code == 1 and done.err == f"blindlist: {message}\n" and
              done.source().get("state") == "failed", what, done)
    for what, content, message in (
            ("half a gzip", gzip.compress(MANY)[:70], "gzip, byte 70: the stream is cut off"),
            ("half a zstd", zstd(LIST)[:-5], "zstd, byte 36: the stream is cut off"),
            ("a bomb", gzip.compress(b"a" * 100000000, 9), "unpacks to more than 200 times its size"),
            ("an xz file", b"\xfd7zXZ\0" + b"x" * 50, "packed with xz; gzip and zstd are read"),
            ("a binary file", b"\x7fELF\2\1\1\0", "byte 7 of the text is NUL: this is no list"),
            ("UTF-16", LIST.decode().encode("utf-16"), "is NUL: this is no list"),
            ("an HTML page", b"  <HTML><body>", "is an HTML page, no list")):
        write("bad", content)
        done = fetch({"id": "x", "file": "bad"})
        check(done.code == 1 and message in done.err and "x: " in done.err, what, done)


def test_check():
    for name, shown in ((f"{TOP}/examples/lists.json", "7 sources"), (lists(web("/list")), "1 source for")):
        done = run(name, "--check")
        check(done.code == 0 and shown in done.out and not done.err, f"--check {os.path.basename(name)}", done)
    check(not Handler.seen, "--check fetches nothing")
    done = run(lists({"id": "a", "file": "f", "trust": "blok"}), "--check")
    check(done.code == 1 and done.out == "" and
          done.err == f'blindlist: {work}/lists.json: $.sources[0].trust: "blok" is none of block, allow\n',
          "a fault is named by its path", done)
    write("m.json", '{"sources": [{"import": "lists.json"}]}')
    done = run(lists({"import": "m.json"}), "--check")
    check(done.code == 1 and "imports itself by way of others" in done.err, "a cycle of imports", done)
    write("lists.json", '{"useCase": "a", "sources": [{"id": "a", "url": "https://user:passw0rd@h/?t=hush')
    done = run(f"{work}/lists.json", "--check")
    check(done.code == 1 and "line 1, column" in done.err and not any(s in done.err for s in SECRETS),
          "a file that is no JSON", done)
    for words in ((), ("a", "b"), ("a", "--check", "--json"), ("a", "--nonsense")):
        check(run(*words).code == 2, f"wrong usage: {' '.join(words)}")
    check(run(f"{work}/none.json").code == 1, "no lists.json")


def test_states():
    """The life of one source: new, unchanged, changed, down, too old."""
    source = web("/list?token=hush", user="user:passw0rd@")
    done = fetch(source, data="life")
    check(done.code == 0 and done.source()["state"] == "new" and done.source()["lines"] == 3 and
          done.source()["from"] == f"http://127.0.0.1:{plain_port}", "new", done)
    check([os.stat(p).st_mode & 0o777 for p in cache("life")] == [0o600] * 2 and
          cache("life", "web-" + hashlib.sha256(LIST).hexdigest()[:16] + ".body"), "kept, for the owner only",
          cache("life"))
    done = fetch(source, data="life")
    check(done.code == 0 and done.source()["state"] == "unchanged" and done.source()["lines"] == 3, "unchanged",
          done)
    headers = Handler.seen[-1][1]
    check("If-None-Match" in headers and "If-Modified-Since" in headers, "asked with ETag and date", headers)
    check(headers.get("User-Agent", "").startswith("blindlist/"), "says who asks", headers)
    Handler.body = OTHER
    done = fetch(source, data="life")
    check(done.code == 0 and done.source()["state"] == "new" and done.source()["lines"] == 4, "changed", done)
    check(len(cache("life", "*.body")) == 1, "the older copy is gone", cache("life"))
    for down in ("/500", "/404", "/loop", "/half", "/bomb", "/cut", "/cut-chunks", "/html", "/binary", "/nothing",
                 "/br", "/204", "/401", "/big-chunks"):
        Handler.down = down
        done = fetch({**source, "maxBytes": 2000}, data="life")
        check(done.code == 0 and done.source()["state"] == "copy" and done.source()["lines"] == 4 and
              re.fullmatch(rf"blindlist: warning: web \(http://127\.0\.0\.1:{plain_port}\): .*; the copy of "
                           r"\d+ [sm] ago is used\n", done.err) is not None, f"{down}: the copy is used", done)
    Handler.down = "/500"
    leaks = [s for s in SECRETS for p in cache("life") if s.encode() in open(p, "rb").read()]
    check(not leaks, "no password or token is kept on the disk", leaks)
    meta = json.load(open(cache("life", "web.json")[0]))
    meta["confirmed"] -= 8 * 86400
    write(f"life/.sources/{USE_CASE}/web.json", json.dumps(meta))
    done = fetch(source, data="life")
    check(done.code == 1 and done.source()["state"] == "failed" and
          "; the copy of 8 d ago is older than 7 d (maxAge)\n" in done.err, "too old", done)
    done = fetch({**source, "maxAge": "9d"}, data="life")
    check(done.code == 0 and done.source()["state"] == "copy" and done.source()["ageSeconds"] >= 8 * 86400,
          "not too old", done)
    Handler.down = None
    done = fetch(source, data="life")
    check(done.code == 0 and done.source()["state"] == "unchanged" and done.source()["ageSeconds"] <= done.seconds + 1,
          "up again: confirmed", done)
    done = fetch({**source, "url": source["url"] + "&x"}, data="life")
    check(done.code == 0 and "If-None-Match" not in Handler.seen[-1][1], "another URL: asked anew", done)
    Handler.down = "/500"
    done = fetch(source, data="life")
    check(done.code == 1 and done.source()["state"] == "failed", "the copy of another URL does not stand in", done)
    Handler.down = None
    Handler.body = LIST


def test_cache():
    source = web("/list")
    fetch(source, data="cache")
    body = cache("cache", "*.body")[0]
    before = open(body, "rb").read()
    for what, path, content in (("a damaged body", body, before[:-1] + b"X"), ("a cut body", body, before[:3]),
                                ("a JSON file that is none", body[:body.rindex("/")] + "/web.json", b"{"),
                                ("an empty JSON file", body[:body.rindex("/")] + "/web.json", b"")):
        with open(path, "wb") as file:
            file.write(content)
        done = fetch(source, data="cache")
        check(done.code == 0 and done.source()["state"] == "new" and
              "If-None-Match" not in Handler.seen[-1][1] and open(body, "rb").read() == before,
              f"{what}: fetched anew", done)
    # A disk that is full: files of more than 40 bytes cannot be written.
    Handler.body = OTHER

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))

    done = fetch(source, data="cache", preexec=small_files)
    check(done.code == 0 and done.source()["state"] == "copy" and done.source()["lines"] == 3 and
          "File too large" in done.err, "a full disk: the copy is used", done)
    check(cache("cache", "*.body") == [body] and open(body, "rb").read() == before and
          not cache("cache", ".*.tmp"), "and is whole", cache("cache"))
    # Killed while the body comes.
    Handler.down = "/slow"
    count = len(Handler.seen)
    child = subprocess.Popen([f"{BUILD}/blindlist", "sources", lists(source), "--data", f"{work}/cache"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    check(wait_until(lambda: len(Handler.seen) > count), "a run that waits for its list")
    done = fetch(source, data="cache")
    check(done.code == 1 and "another update is at work" in done.err, "one run at a time", done)
    child.kill()
    child.wait()
    Handler.down = None
    Handler.body = LIST
    done = fetch(source, data="cache")
    check(done.code == 0 and done.source()["state"] == "unchanged", "a run that was killed leaves the copy", done)
    # Two answers that are the same, from a server without ETag.
    fetch(web("/plain"), data="same")
    done = fetch(web("/plain"), data="same")
    check(done.source()["state"] == "unchanged", "the same answer again is unchanged", done)
    fetch(web("/dated"), data="dated")
    done = fetch(web("/dated"), data="dated")
    check(done.source()["state"] == "unchanged" and "If-Modified-Since" in Handler.seen[-1][1],
          "asked with the date alone", done)
    write("no-folder", b"")
    done = fetch(source, data="no-folder")
    check(done.code == 1 and done.err.startswith("blindlist: ") and "no-folder" in done.err, "--data is a file", done)


def test_answers():
    for path, lines in (("/plain", 3), ("/gzip", 3), ("/coded", 3), ("/twice", 3), ("/zstd", 3),
                        ("/far?step=5", 3)):
        done = fetch(web(path))
        check(done.code == 0 and done.source().get("lines") == lines, f"{path} is read", done)
    done = fetch(web("/auth?token=hush", user="user:passw0rd@"))
    check(done.code == 0 and done.source()["lines"] == 3, "a user and password in the URL are used", done)
    done = fetch(web("/to-other", user="user:passw0rd@"))
    check(done.code == 0 and Handler.seen[-2][1].get("Authorization") == "Basic " + SECRETS[2] and
          Handler.seen[-1][0] == "/plain" and "Authorization" not in Handler.seen[-1][1],
          "and not sent to another host that it redirects to", done)
    seen = f"web (http://127.0.0.1:{plain_port}): "
    for path, message in (
            ("/500", "the server answered 500"), ("/404", "the server answered 404"),
            ("/410", "the server answered 410"), ("/403", "the server answered 403"),
            ("/204", "the server answered 204, not 200"), ("/304", "the server answered 304, not 200"),
            ("/no-location", "the server answered 300, not 200"),
            ("/loop", "more than 5 redirects"), ("/far?step=6", "more than 5 redirects"),
            ("/to-file", "redirected to something else than http and https"),
            ("/half", "gzip, byte 80: the stream is cut off"),
            ("/bomb", "unpacks to more than 200 times its size"),
            ("/br", "the server packs with a coding that was not asked for"),
            ("/html", "is an HTML page, no list"), ("/binary", "byte 10 of the text is NUL: this is no list"),
            ("/cut", "transfer closed with 12 bytes remaining to read"),
            ("/cut-chunks", "transfer closed with outstanding read data remaining"),
            ("/nothing", "Empty reply from server"),
            ("/big", "the answer has more than 5000 bytes (maxBytes)"),
            ("/big-chunks", "the answer has more than 5000 bytes (maxBytes)"),
            ("/endless", "the answer has more than 5000 bytes (maxBytes)"),
            ("/swollen", "unpacks to more than 5000 bytes")):
        done = fetch(web(path + ("&" if "?" in path else "?") + "token=hush", user="user:passw0rd@", maxBytes=5000)
                     if path != "/bomb" else web(path))
        check(done.code == 1 and done.err.startswith(f"blindlist: {seen}") and message in done.err, path, done)
        check(not any(s in done.out + done.err for s in SECRETS), f"{path}: no password and no token is shown", done)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        done = fetch(web("/x", port=free.getsockname()[1]))
    check(done.code == 1 and "Failed to connect to 127.0.0.1" in done.err, "connection refused", done)
    done = fetch({**web("/x"), "url": "http://no-such-host.invalid/x"})
    check(done.code == 1 and "Could not resolve host: no-such-host.invalid" in done.err, "no such host", done)


def test_time():
    """How long something takes is compared with what it would take without the limit: minutes."""
    for path in ("/slow", "/silent"):
        done = fetch(web(path, timeout=1, retries=3))
        check(done.code == 1 and "timed out after" in done.err and done.seconds < SILENT_S, f"{path} ends in time", done)
    done = fetch(web("/flaky", retries=2))
    check(done.code == 0 and done.source()["lines"] == 3 and done.seconds >= 2,
          "a server that recovers is asked again, after waiting", done)
    count = len(Handler.seen)
    done = fetch(web("/502", retries=1))
    check(done.code == 1 and len(Handler.seen) == count + 2, "as often as it may", done)
    count = len(Handler.seen)
    done = fetch(web("/404", retries=5))
    check(done.code == 1 and len(Handler.seen) == count + 1, "what is not there is not asked for again", done)
    count = len(Handler.seen)
    done = fetch(web("/later", retries=5, timeout=20))
    check(done.code == 1 and "the server answered 429" in done.err and len(Handler.seen) == count + 1 and
          done.seconds < RETRY_AFTER_S, "Retry-After beyond the time: not waited for", done)
    done = fetch(*({**web("/late"), "id": f"s{i}", "format": "hosts"} if i % 2 == 0 else
                   {**web("/plain"), "id": f"s{i}"} for i in range(8)))
    check([s["id"] for s in json.loads(done.out)["sources"]] == [f"s{i}" for i in range(8)] and done.code == 0,
          "the order is that of lists.json", done)
    check(Handler.most_waiting > 1, f"several are fetched at once, {Handler.most_waiting}")


def test_tls():
    good = {**web("/plain", port=tls_port, scheme="https"), "ca": "here.pem"}
    done = fetch(good)
    check(done.code == 0 and done.source()["lines"] == 3, "https with a certificate of its own", done)
    for what, source, message in (
            ("a certificate that nobody signed", {k: v for k, v in good.items() if k != "ca"},
             "the server is not trusted: SSL certificate problem: self-signed certificate (ca names a file"),
            ("another authority", {**good, "ca": "elsewhere.pem"}, "the server is not trusted: "),
            ("a certificate of another host", {**web("/plain", port=other_port, scheme="https"),
                                               "ca": "elsewhere.pem"}, "the server is not trusted: "),
            ("no file of certificates", {**good, "ca": "none.pem"},
             f"{work}/none.pem: cannot be read as certificates (ca)"),
            ("http on a port of https", {**web("/plain", port=tls_port)}, ""),
            ("https on a port of http", {**web("/plain", port=plain_port, scheme="https")}, ""),
            ("a redirect to http", {**good, "url": good["url"].replace("/plain", "/to-http")},
             "redirected to something else than https")):
        done = fetch(source)
        check(done.code == 1 and message in done.err and "hush" not in done.err, what, done)
    done = fetch({**good, "url": good["url"].replace("/plain", "/to-http"), "allowHttp": True})
    check(done.code == 0, "a redirect to http that is allowed", done)


work = tempfile.mkdtemp()
try:
    os.mkdir(f"{work}/tmp")
    plain_port = Site(Handler).server_port
    tls_port = Site(Handler, certificate(work, "here")).server_port
    other_port = Site(Handler, certificate(work, "elsewhere", "DNS:elsewhere.example")).server_port
    test_check()
    test_files()
    test_answers()
    test_states()
    test_cache()
    test_time()
    test_tls()
    check(not os.listdir(f"{work}/tmp"), "no temporary folder is left")
finally:
    shutil.rmtree(work)
sys.exit(finish())
