"""A blindlist-server with a prefilter, and in front of it a host that does to its answers what can happen to them on their
way. tests/tap.py says how to reach this file.

    GET /<what>.<name>/prefilter/...     the server's answer, with <what> done to it; <name> keeps tests apart
    GET /asked/<name>                    the requests that came under that name, as JSON
    POST /publish                        publishes another version and waits until it is served
    POST /end                            ends the server
"""
import hashlib
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading

from patience import PATIENCE_S, PROGRAM_S
from served import Server, working_folder

USE_CASE = "one.example.url.filtering"
BLINDLIST = os.path.abspath(os.path.join(os.environ.get("BUILD", "build"), "blindlist"))
PASSED_ON = ("If-None-Match", "If-Range", "Range")
RETURNED = ("ETag", "Content-Range", "Content-Type", "Accept-Ranges")
BIG_BYTES = 64 << 20
PIECE_BYTES = 1 << 18


class Host:
    """The server and what stands in front of it, until end()."""

    def __init__(self):
        self.folder = working_folder("prefilter")
        self.rows = 3000
        self.asked = {}
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.public_key = self.make_key("key.pem")
        self.make_key("other.pem")
        self.compile()
        self.server = Server(f"{self.folder}/data")
        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.web.daemon_threads = True
        self.web.host = self
        self.address = f"http://127.0.0.1:{self.web.server_address[1]}"
        threading.Thread(target=self.web.serve_forever, daemon=True).start()

    def compile(self):
        path = f"{self.folder}/list.txt"
        with open(path, "w", encoding="utf-8") as out:
            out.write("".join(f"host{i}.example\n" for i in range(self.rows)))
        subprocess.run([BLINDLIST, "compile", path, "--use-case", USE_CASE, "--out", f"{self.folder}/data", "--sign-key",
                        f"{self.folder}/key.pem"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       timeout=PROGRAM_S)

    def publish(self):
        self.rows += 1000
        self.compile()
        current = os.path.basename(os.readlink(f"{self.folder}/data/{USE_CASE}/current"))
        self.server.wait_version(current)

    def make_key(self, name):
        """The public half."""
        return subprocess.run([BLINDLIST, "sign", "--new-key", f"{self.folder}/{name}"], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=PROGRAM_S).stdout.decode().strip()

    def sign(self, manifest, key):
        with self.lock, open(f"{self.folder}/manifest.json", "wb") as out:
            out.write(manifest)
            out.flush()
            subprocess.run([BLINDLIST, "sign", out.name, "--key", f"{self.folder}/{key}"], check=True,
                           stdin=subprocess.DEVNULL, timeout=PROGRAM_S)
            with open(out.name, "rb") as signed:
                return signed.read()

    def fetch(self, path, headers):
        """Status, headers and body of the server's answer; a reset connection when it has ended."""
        client = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE_S)
        try:
            client.request("GET", path, headers=headers)
            reply = client.getresponse()
            return reply.status, {k: reply.headers[k] for k in RETURNED if k in reply.headers}, reply.read()
        finally:
            client.close()

    def end(self):
        self.over.set()
        self.web.shutdown()
        self.web.server_close()
        self.server.end()
        shutil.rmtree(self.folder)


def made_piece(number):
    return bytes([number & 255]) * PIECE_BYTES


def made_manifest(byte_count, url):
    """Of a filter that no list needs to be compiled for."""
    digest = hashlib.sha256()
    for number in range(byte_count // PIECE_BYTES):
        digest.update(made_piece(number))
    return {"bitCount": byte_count * 8, "byteCount": byte_count, "falsePositiveTolerance": 0.001, "hashCount": 10,
            "itemCount": 1, "murmurSeed": 7, "tag": digest.hexdigest(), "url": url}


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body=b"", length=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        if length is not None and length > len(body):
            self.break_off()

    def break_off(self):
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def do_POST(self):
        host = self.server.host
        {"/publish": host.publish, "/end": host.server.end}[self.path]()
        self.answer(200, {})

    def do_GET(self):
        host = self.server.host
        _, first, rest = self.path.split("/", 2)
        if first == "asked":
            return self.answer(200, {"Content-Type": "application/json"}, json.dumps(host.asked.get(rest, [])).encode())
        what, name = first.split(".", 1)
        asked = host.asked.setdefault(name, [])
        asked.append({"path": rest, **{k: self.headers[k] for k in PASSED_ON if self.headers[k]}})
        try:
            return getattr(self, f"do_{what}")("/" + rest, asked)
        except ConnectionRefusedError:
            return self.answer(502, {})

    def passed(self, path):
        """The server's answer; the bits' address in a manifest leads here again."""
        status, headers, body = self.server.host.fetch(path, {k: self.headers[k] for k in PASSED_ON if self.headers[k]})
        first = self.path.split("/")[1].encode()
        return status, headers, body.replace(b'"url": "/', b'"url": "/' + first + b"/") if body[:1] == b"{" else body

    # ---- what can happen, by its name in the path ----
    def do_plain(self, path, _):
        self.answer(*self.passed(path))

    def do_cut(self, path, asked):
        """The bits break off in their middle, the first two times."""
        status, headers, body = self.passed(path)
        is_cut = path.endswith(".bloom") and sum(a["path"].endswith(".bloom") for a in asked) <= 2
        self.answer(status, headers, body[:len(body) // 2] if is_cut else body, len(body) if is_cut else None)

    def do_alwayscut(self, path, _):
        """After nothing of the bits, each time."""
        status, headers, body = self.passed(path)
        self.answer(status, headers, b"" if path.endswith(".bloom") else body, len(body))

    def do_noranges(self, path, asked):
        """Breaks off once, and never sends a part."""
        for name in PASSED_ON:
            del self.headers[name]
        self.do_cut(path, asked + [{"path": ".bloom"}])

    def do_flip(self, path, _):
        status, headers, body = self.passed(path)
        self.answer(status, headers, bytes([body[0] ^ 1]) + body[1:] if path.endswith(".bloom") else body)

    def do_short(self, path, _):
        status, headers, body = self.passed(path)
        self.answer(status, headers, body[:-1] if path.endswith(".bloom") else body)

    def do_long(self, path, _):
        status, headers, body = self.passed(path)
        self.answer(status, headers, body + b"x" if path.endswith(".bloom") else body)

    def do_fails(self, *_):
        self.answer(500, {})

    def do_failstwice(self, path, asked):
        self.answer(503, {}) if len(asked) <= 2 else self.do_plain(path, asked)

    def do_closed(self, *_):
        self.answer(503, {"Retry-After": "86400"})

    def do_gone(self, *_):
        self.answer(404, {})

    def do_forbids(self, *_):
        self.answer(403, {})

    def do_stalls(self, path, asked):
        """The bits begin, and nothing more comes; the next time, not even that."""
        if not path.endswith(".bloom"):
            return self.do_plain(path, asked)
        status, headers, body = self.passed(path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        is_first = sum(a["path"].endswith(".bloom") for a in asked) == 1
        self.wfile.write(body[:10] if is_first else b"")
        self.wfile.flush()
        self.server.host.over.wait()
        return None

    def do_stallsonce(self, path, asked):
        if sum(a["path"].endswith(".bloom") for a in asked) == 1:
            return self.do_stalls(path, asked)
        return self.do_plain(path, asked)

    def do_othersigned(self, path, _):
        status, headers, body = self.passed(path)
        self.answer(status, headers, body if path.endswith(".bloom") else self.server.host.sign(body, "other.pem"))

    def do_unsigned(self, path, _):
        status, headers, body = self.passed(path)
        if not path.endswith(".bloom"):
            body = json.dumps({name: value for name, value in json.loads(body).items() if name != "signature"}).encode()
        self.answer(status, headers, body)

    def do_replaced(self, path, asked):
        """Another version is published, and the old one let go, before the bits are asked for."""
        if path.endswith(".bloom") and sum(a["path"].endswith(".bloom") for a in asked) == 1:
            self.server.host.publish()
            return self.answer(404, {})
        return self.do_plain(path, asked)

    def do_stale(self, *_):
        self.answer(304, {})

    def do_moved(self, path, _):
        self.answer(302, {"Location": "/plain." + self.path.split("/")[1].split(".", 1)[1] + path})

    def do_html(self, *_):
        self.answer(200, {"Content-Type": "text/html"}, b"Sign in to this network")

    def do_portal(self, *_):
        self.answer(200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><title>Sign in</title></html>")

    def do_endless(self, *_):
        self.answer(200, {}, b"{" + b" " * (1 << 20))

    def do_plist(self, path, _):
        """The property list that was published with the manifest; parts of it are not to be had."""
        with open(f"{self.server.host.folder}/data/{USE_CASE}/current/prefilter.plist", "rb") as file:
            body = file.read()
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        unchanged = self.headers["If-None-Match"] == etag
        self.answer(304 if unchanged else 200, {"ETag": etag}, b"" if unchanged else body)

    def do_plistcut(self, path, asked):
        with open(f"{self.server.host.folder}/data/{USE_CASE}/current/prefilter.plist", "rb") as file:
            body = file.read()
        self.answer(200, {}, body[:len(body) // 2] if len(asked) == 1 else body, len(body))

    def do_withurl(self, path, asked):
        """The JSON of other tools."""
        if path.endswith(".bloom"):
            return self.do_plain(path, asked)
        _, headers, body = self.passed(path)
        manifest = json.loads(body)
        other = {"falsePositiveTolerance": manifest["falsePositiveTolerance"], "murmurSeed": manifest["murmurSeed"],
                 "numberOfBits": manifest["bitCount"], "numberOfHashes": manifest["hashCount"], "tag": "spring",
                 "url": manifest["url"]}
        return self.answer(200, headers, json.dumps(other).encode())

    def made(self, path, byte_count, etag='"made"'):
        if not path.endswith(".bloom"):
            return self.answer(200, {}, json.dumps(made_manifest(byte_count, "made.bloom")).encode())
        first, last = 0, byte_count - 1
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or "")
        if wanted:
            first, last = map(int, wanted.groups())
            headers = {"Content-Range": f"bytes {first}-{last}/{byte_count}"}
        else:
            headers = {}
        pieces = range(first // PIECE_BYTES, last // PIECE_BYTES + 1)
        body = b"".join(made_piece(number) for number in pieces)[first % PIECE_BYTES:][:last - first + 1]
        return self.answer(206 if wanted else 200, {**({"ETag": etag} if etag else {}), **headers}, body)

    def do_little(self, path, _):
        self.made(path, PIECE_BYTES)

    def do_noetag(self, path, _):
        self.made(path, 2 * PIECE_BYTES, None)

    def do_newetags(self, path, asked):
        """Each answer has another, and If-Range is not looked at."""
        self.made(path, 2 * PIECE_BYTES, f'"{len(asked)}"')

    def do_big(self, path, _):
        self.made(path, BIG_BYTES)
