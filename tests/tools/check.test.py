#!/usr/bin/env python3
"""blindlist check against servers that answer wrongly: every fault ends in exit 1 and a message, never in
a verdict. A proxy in front of a real server replaces single answers. Prints TAP."""
import base64
import gzip
import http.client
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
from random import Random

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import Site  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"
BITS = r"/prefilter/.*\.bloom"
MANIFEST = r"/prefilter/.*\.json"
NOT_WELL_FORMED = r"\d+ bytes are not a well-formed message"

class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a head and a body are two packets
    target = 0
    faults = {}  # pattern of a path: function (status, body) -> (status, body[, headers])
    seen = []

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        client = http.client.HTTPConnection("127.0.0.1", Proxy.target, timeout=PROGRAM_S)
        headers = {k: v for k, v in self.headers.items() if k in ("User-Agent", "User-Identifier")}
        client.request(self.command, self.path, body, headers)
        reply = client.getresponse()
        status, body, headers = reply.status, reply.read(), {}
        client.close()
        Proxy.seen.append(self.path)
        for pattern, fault in Proxy.faults.items():
            if re.fullmatch(pattern, self.path):
                status, body, headers = (*fault(status, body), {})[:3]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if "Content-Length" in headers:
            self.close_connection = True

    do_GET = do_POST = answer


def run(port, *words, faults=None):
    Proxy.faults, Proxy.seen = faults or {}, []
    done = subprocess.run([f"{BUILD}/blindlist", "check", "--server", f"http://127.0.0.1:{port}", *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PROGRAM_S)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8", "replace")


def put(status, body=b"", headers=None):
    return lambda *_: (status, body, headers or {})


def error_json(text):
    return json.dumps({"error": {"message": text}}).encode()


def flip(at):
    return lambda status, body: (status, body[:at] + bytes([body[at] ^ 0x40]) + body[at + 1:])


def test_faults(port):
    cases = [
        ("/config", put(401, error_json("no token")), r"401: no token\nblindlist: note: .*--token-file", "401"),
        ("/config", put(500, b"<html>oops"), "answered 500$", "500 with another body"),
        ("/config", put(302, b"", {"Location": "http://127.0.0.1:1/config"}), "answered 302", "a redirect"),
        ("/config", put(200), "the server has 0 use cases", "an empty configuration"),
        ("/config", put(200, b"\xff" * 100), NOT_WELL_FORMED, "a configuration that is none"),
        ("/config", lambda s, b: (s, b[:-20]), NOT_WELL_FORMED, "a cut configuration"),
        ("/config", lambda s, b: (s, b, {"Content-Length": str(len(b) + 50)}), "/config: ", "a cut transfer"),
        ("/config", put(200, gzip.compress(bytes(300 << 20), 1), {"Content-Encoding": "gzip"}), "/config: larger than 67108864 bytes",
         "a small body that unpacks to 300 MiB"),
        ("/key", put(400, error_json("bad key")), "/key.*400: bad key", "a key that is refused"),
        (MANIFEST, put(404), r"\.json.*404", "no prefilter"),
        (MANIFEST, put(200, b"{"), r"\.json", "a manifest that is no JSON"),
        (MANIFEST, put(200, b"[]"), r"\.json", "a manifest of another form"),
        (MANIFEST, lambda s, b: (s, re.sub(rb'"url": ?"[^"]*"', b'"url":"file:///etc/passwd"', b)),
         "404", "bits in a local file"),
        (BITS, lambda s, b: (s, b[:-1]), "tag", "cut bits"),
        (BITS, flip(5), "tag", "a changed bit"),
        (BITS, put(200), "tag", "no bits"),
        ("/queries", put(500), "/queries.*500", "a query that fails"),
        ("/queries", put(503, error_json("busy")), "/queries.*503: busy", "a busy server"),
        ("/queries", put(410, error_json("old")), "/queries.*410: old", "a configuration that is never right"),
        ("/queries", put(200), "0 answers", "no answer"),
        ("/queries", put(200, b"\x0a\x00"), "response 0 is no PIR answer", "an empty answer"),
        ("/queries", lambda s, b: (s, b * 2), "2 answers", "two answers"),
        ("/queries", lambda s, b: (s, b[:len(b) // 2]), NOT_WELL_FORMED, "half an answer"),
        ("/queries", lambda s, b: (s, b[:100] + Random(1).randbytes(len(b) - 100)), NOT_WELL_FORMED, "a random answer"),
    ]
    for path, fault, message, what in cases:
        code, out, errors = run(port, "https://bad7.example/", faults={path: fault})
        check(code == 1 and re.search(message, errors, re.M) and len(errors.splitlines()) <= 2 and
              not re.search("denied|allowed", out), f"{what}: exit 1 and a message", (code, out, errors))
    code, out, errors = run(port, "https://bad7.example/", faults={"/queries": put(400, error_json("why"))})
    check(code == 1 and Proxy.seen.count("/queries") == 1 and Proxy.seen.count("/config") == 2,
          "a 400 that is not about the key: looked into once, not asked again", (errors, Proxy.seen))
    code, out, errors = run(port, "https://bad7.example/", faults={"/queries": put(410)})
    check(Proxy.seen.count("/queries") == 2 and Proxy.seen.count("/config") == 2,
          "a 410: asked again once", Proxy.seen)
    done = subprocess.run([f"{BUILD}/blindlist", "check", "--server", f"https://127.0.0.1:{port}", "https://bad7.example/"],
                          capture_output=True, text=True, timeout=PROGRAM_S)
    check(done.returncode == 1 and "or http:// only?" in done.stderr, "https:// where only http:// is spoken", done.stderr)


def test_json(port):
    code, out, errors = run(port, "--json", "https://bad7.example/x", "no url", b"https://bad8.example/\xff",
                            "https://clean.example/", faults={})
    result = json.loads(out)
    check(code == 1 and [r["verdict"] for r in result["results"]] == ["denied", "failed", "failed", "allowed"] and
          (result["denied"], result["allowed"], result["failed"]) == (1, 1, 2), "failed URLs among others", out[600:])
    check("blank" in result["results"][1]["error"] and result["results"][2]["url"].endswith("/%ff"),
          "with its reason; bytes that are no UTF-8 are escaped", out)


def test_url_file(port, folder):
    with open(f"{folder}/urls", "wb") as file:
        file.write(b"\xef\xbb\xbfhttps://bad7.example/\r\n\nhttps://bad8.example/\0x\n" + b"x" * 70000 +
                   b"\nhttps://clean.example/")
    code, out, errors = run(port, "--urls", f"{folder}/urls")
    lines = [line.split()[0] for line in out.splitlines()]
    check(code == 1 and lines == ["denied", "allowed", "4"] and "1 denied, 1 allowed, 2 failed" in out and
          "urls, line 3: holds a NUL byte" in errors and "urls, line 4: too long" in errors,
          "a file of URLs: bad lines are named, the others are checked", (out, errors))
    code, out, errors = run(port, "--urls", f"{folder}/missing")
    check(code == 1 and "missing" in errors, "no file of URLs", errors)


def test_key_file(port, folder):
    path = f"{folder}/keys.json"
    code, _, errors = run(port, "--keys", path, "https://bad7.example/")
    with open(path, encoding="utf-8") as file:
        keys = json.load(file)
    check(code == 3 and sorted(keys) == ["keyIdentifier", "secretKey", "timestamp", "userIdentifier", "version"],
          "a key file has its members", errors)

    def damaged(what, pattern, **members):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({k: v for k, v in dict(keys, **members).items() if v is not None}, file)
        code, out, errors = run(port, "--keys", path, "https://bad7.example/")
        check(code == 1 and re.search(pattern, errors) and not out, f"key file: {what}", (code, out, errors))
    secret = keys["secretKey"]
    damaged("no secret key", "secretKey", secretKey=None)
    damaged("an empty secret key", "secretKey", secretKey="")
    damaged("half a secret key", "secretKey", secretKey=secret[:len(secret) // 8 * 4])
    damaged("padding inside", "secretKey is no base64", secretKey="====" + secret[4:])
    damaged("blanks around", "secretKey is no base64", secretKey="    " + secret[4:])
    damaged("a secret key that is a number", "secretKey", secretKey=7)
    damaged("another version", "version", version=2)
    damaged("no time", "timestamp", timestamp=0)
    damaged("a user that breaks headers", "userIdentifier", userIdentifier="A\r\nX: 1")
    with open(path, "wb") as file:
        file.write(b"\0" * 50)
    check(run(port, "--keys", path, "https://bad7.example/")[0] == 1, "key file: NUL bytes")
    open(path, "wb").close()
    check(run(port, "--keys", path, "https://bad7.example/")[0] == 1, "key file: empty")
    raw = bytearray(base64.b64decode(secret))
    middle = len(raw) // 2
    raw[middle:middle + 64] = os.urandom(64)
    damaged("a changed secret key gives no verdict", "", secretKey=base64.b64encode(bytes(raw)).decode())
    code, out, errors = run(port, "--keys", f"{folder}/no/such/keys", "https://bad7.example/")
    check(code == 1 and "no/such" in errors, "a key file in no folder", errors)


def main():
    folder = working_folder("check")
    try:
        with open(f"{folder}/list", "w", encoding="utf-8") as file:
            file.writelines(f"bad{i}.example\n" for i in range(100))
        subprocess.run([f"{BUILD}/blindlist", "compile", f"{folder}/list", "--use-case", USE_CASE, "--out",
                        f"{folder}/data"], check=True, stdout=subprocess.DEVNULL)
        Proxy.target = Server(f"{folder}/data").port
        port = Site(Proxy).server_port
        code, out, errors = run(port, "https://bad7.example/")
        check(code == 3 and out.startswith("denied "), "without a fault it is denied", errors)
        test_faults(port)
        test_json(port)
        test_url_file(port, folder)
        test_key_file(port, folder)
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
