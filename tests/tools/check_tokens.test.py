#!/usr/bin/env python3
"""blindlist check --token against an issuer of the test's own, written from the RFCs with nothing but
Python's numbers: directory, keys, blind signatures, and a guard before a real server that lets a request
through for a good token that was not spent before. Prints TAP."""
import base64
import hashlib
import http.client
import http.server
import json
import os
import re
import shutil
import secrets
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PATIENCE_S, PROGRAM_S  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import Site  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"
USER_TOKEN = "user-token-of-the-test"
DIRECTORY = "/.well-known/private-token-issuer-directory"
USER_KEY = "/token-key-for-user-token"
BATCH = 10
PREFIX = bytes.fromhex(
    "30820152303d06092a864886f70d01010a3030a00d300b0609608648016503040202a11a301806092a864886f70d010108"
    "300b0609608648016503040202a2030201300382010f003082010a0282010100")


# ---- RFC 9474, RFC 9578 ----

def is_prime(n):
    """Miller and Rabin."""
    if any(n % p == 0 for p in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
        return False
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(20):
        x = pow(secrets.randbelow(n - 3) + 2, d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(bits):
    while True:
        n = secrets.randbits(bits) | 3 << bits - 2 | 1
        if (n - 1) % 65537 and is_prime(n):
            return n


class Key:
    def __init__(self, not_before=None):
        p, q = prime(1024), prime(1024)
        self.n, self.d, self.not_before = p * q, pow(65537, -1, (p - 1) * (q - 1)), not_before
        self.spki = PREFIX + self.n.to_bytes(256, "big") + bytes.fromhex("0203010001")
        self.id = hashlib.sha256(self.spki).digest()

    def listed(self):
        entry = {"token-type": 2, "token-key": base64.urlsafe_b64encode(self.spki).decode()}
        return entry if self.not_before is None else dict(entry, **{"not-before": self.not_before})

    def verify(self, message, signature):
        """RSASSA-PSS-VERIFY, SHA-384, salt of 48 bytes."""
        encoded = pow(int.from_bytes(signature, "big"), 65537, self.n).to_bytes(256, "big")
        block, digest = encoded[:207], encoded[207:255]
        mask = b"".join(hashlib.sha384(digest + i.to_bytes(4, "big")).digest() for i in range(5))[:207]
        block = bytes(a ^ b for a, b in zip(block, mask))
        block = bytes([block[0] & 0x7f]) + block[1:]
        salted = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + block[159:]).digest()
        return encoded[255] == 0xbc and block[:159] == bytes(158) + b"\1" and salted == digest


class Issuer(http.server.BaseHTTPRequestHandler):
    """And the guard before the server."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a head and a body are two packets
    target = 0
    keys = []  # listed, in this order
    current = None
    faults = {}  # path: function(handler, body) -> (status, body) or None
    seen = []
    spent = set()
    lock = threading.Lock()
    changed = threading.Condition()
    signing = most_at_once = 0

    def log_message(self, *_):
        pass

    def directory(self, _):
        return 200, json.dumps({"issuer-request-uri": "/issue", "token-keys": [k.listed() for k in self.keys]}).encode()

    def is_user(self):
        return self.headers.get("Authorization") == f"Bearer {USER_TOKEN}"

    def user_key(self, _):
        return (200, self.current.spki) if self.is_user() else (401, error_json("User token is unauthorized"))

    def issue(self, body):
        if not self.is_user():
            return 401, error_json("User token is unauthorized")
        if len(body) != 259 or body[:2] != b"\0\2" or body[2] != self.current.id[31]:
            return 422, b""
        with Issuer.changed:
            Issuer.signing += 1
            Issuer.most_at_once = max(Issuer.most_at_once, Issuer.signing)
            Issuer.changed.notify_all()
            Issuer.changed.wait_for(lambda: Issuer.most_at_once > 1, PATIENCE_S)
            Issuer.signing -= 1
        return 200, pow(int.from_bytes(body[3:], "big"), self.current.d, self.current.n).to_bytes(256, "big")

    def guarded(self, body):
        match = re.fullmatch(r"PrivateToken token=([A-Za-z0-9_-]{472})", self.headers.get("Authorization", ""))
        token = base64.urlsafe_b64decode(match.group(1)) if match else bytes(354)
        challenge = b"\0\2\0\x09127.0.0.1\0\0\0"
        good = (token[:2] == b"\0\2" and token[34:66] == hashlib.sha256(challenge).digest() and
                any(k.id == token[66:98] and k.verify(token[:98], token[98:]) for k in self.keys))
        with Issuer.lock:
            good = good and token[2:34] not in Issuer.spent
            Issuer.spent.add(token[2:34])
        return self.forward(body) if good else (401, error_json("bad token"))

    def forward(self, body):
        client = http.client.HTTPConnection("127.0.0.1", Issuer.target, timeout=PROGRAM_S)
        headers = {k: v for k, v in self.headers.items() if k in ("User-Agent", "User-Identifier")}
        client.request(self.command, self.path, body, headers)
        reply = client.getresponse()
        answer = reply.status, reply.read()
        client.close()
        return answer

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with Issuer.lock:
            Issuer.seen.append((self.command, self.path, dict(self.headers.items())))
        fault = Issuer.faults.get(self.path)
        reply = fault(self, body) if fault else None
        if reply is None:
            if self.path == DIRECTORY:
                reply = self.directory(body)
            elif self.path == USER_KEY:
                reply = self.user_key(body)
            elif self.path == "/issue":
                reply = self.issue(body)
            else:
                reply = self.guarded(body) if self.command == "POST" else self.forward(body)
        self.send_response(reply[0])
        self.send_header("Content-Length", str(len(reply[1])))
        self.end_headers()
        self.wfile.write(reply[1])

    do_GET = do_POST = answer


def error_json(text):
    return json.dumps({"error": {"message": text}}).encode()


def put(status, body=b""):
    return lambda *_: (status, body)


def run(port, *words, token=USER_TOKEN, faults=None):
    Issuer.faults, Issuer.seen = faults or {}, []
    done = subprocess.run([f"{BUILD}/blindlist", "check", "--server", f"http://127.0.0.1:{port}", "--token", token,
                           *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PROGRAM_S)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def seen(path):
    return [headers for _, at, headers in Issuer.seen if at == path]


def test_tokens_are_issued_and_spent(port):
    Issuer.most_at_once = 0
    code, out, errors = run(port, "--trace", "https://bad7.example/", "https://clean.example/")
    posts = seen("/config") + seen("/key") + seen("/queries")
    check(code == 3 and "denied   https://bad7.example/" in out and len(posts) == 3,
          "an answer for tokens", (code, out, errors))
    check(len(seen(DIRECTORY)) == 1 and len(seen(USER_KEY)) == 1 and len(seen("/issue")) == BATCH,
          "ten of them are issued in one go", [at for _, at, _ in Issuer.seen])
    check(Issuer.most_at_once > 1, f"side by side, {Issuer.most_at_once} at once")
    check(len({h["Authorization"] for h in posts}) == 3, "each request has a token of its own")
    check(all("User-Identifier" not in h and h["Authorization"] == f"Bearer {USER_TOKEN}" and
              h["Content-Type"] == "application/private-token-request" for h in seen("/issue")) and
          all("User-Identifier" not in h for h in seen(DIRECTORY) + seen(USER_KEY)),
          "nothing names the device where tokens are issued")
    check(all("User-Identifier" in h for h in posts) and
          all("Authorization" not in h for _, at, h in Issuer.seen if at.startswith("/prefilter") or at == DIRECTORY),
          "no token, and no user token, where none is wanted")
    check(USER_TOKEN not in out + errors and "PrivateToken" not in out + errors, "none is shown, not even with --trace")


def test_a_batch_is_followed_by_another(port):
    code, out, errors = run(port, *[f"https://bad{i}.example/" for i in range(12)])
    check(code == 3 and "12 denied" in out and len(seen("/queries")) == 12 and len(seen("/issue")) == 2 * BATCH,
          "fourteen requests: two batches", (code, out, errors, len(seen("/issue"))))


def test_choice_of_the_key(port, staged):
    unlisted = Key()
    Issuer.keys = [staged, Issuer.current]
    code, _, errors = run(port, "https://bad7.example/", faults={USER_KEY: put(404)})
    check(code == 3 and len(seen("/issue")) == BATCH, "no key by user token: the first listed one that has begun", errors)
    code, out, errors = run(port, "https://bad7.example/", faults={USER_KEY: put(200, unlisted.spki)})
    check(code == 1 and "not in the issuer's directory" in errors and not out and not seen("/issue"),
          "a key for one user alone is refused", (code, out, errors))
    code, out, errors = run(port, "https://bad7.example/", faults={USER_KEY: put(200, staged.spki)})
    check(code == 1 and "has not begun" in errors and not seen("/issue"), "a key that has not begun too", errors)
    Issuer.keys = [staged]
    code, out, errors = run(port, "https://bad7.example/", faults={USER_KEY: put(404)})
    check(code == 1 and "no key that has begun" in errors, "nor is one made up", errors)
    Issuer.keys = [Issuer.current]


def some(count, refusal):
    """The first `count` requests are refused."""
    left = [count]

    def fault(*_):
        with Issuer.lock:
            left[0] -= 1
            return refusal if left[0] >= 0 else None
    return fault


def sign_wrongly(handler, body):
    status, signature = handler.issue(body)
    return status, signature[:100] + bytes([signature[100] ^ 1]) + signature[101:]


def test_refusals(port):
    limit = 429, error_json("too many")
    code, out, errors = run(port, "https://bad7.example/", faults={"/issue": some(7, limit)})
    check(code == 3 and not errors and len(seen("/issue")) == BATCH, "seven of ten refused: three will do", errors)
    cases = [
        ("/issue", put(*limit), "/issue: the server answered 429: too many", "all refused"),
        ("/issue", put(200, bytes(255)), "255 bytes, 256 are due", "a short signature"),
        ("/issue", sign_wrongly, "not the issuer's signature", "a wrong signature"),
        ("/issue", put(422), "/issue: the server answered 422", "a request that is not understood"),
        (USER_KEY, put(500), "answered 500", "no key for this user"),
        (USER_KEY, put(200, b"x"), "not in the issuer's directory", "a key that is none"),
        (DIRECTORY, put(404), "directory: the server answered 404", "no issuer"),
        (DIRECTORY, put(200, b"{"), "token issuer directory: line 1", "a directory that is no JSON"),
        (DIRECTORY, put(200, b'{"issuer-request-uri":"http://127.0.0.1:1/issue","token-keys":[]}'),
         "no path of its server", "an issuer elsewhere, who would be given the user token"),
        ("/config", put(401, error_json("bad token")), "/config: the server answered 401: bad token",
         "a token that the server does not take"),
    ]
    for path, fault, message, what in cases:
        code, out, errors = run(port, "https://bad7.example/", faults={path: fault})
        check(code == 1 and message in errors and not out and USER_TOKEN not in errors,
              f"{what}: exit 1 and a message", (code, out, errors))
    for token, message in (("another", "answered 401: User token is unauthorized"), ("a\nb", "no header can"),
                           ("x" * 5000, "user token")):
        code, out, errors = run(port, "https://bad7.example/", token=token)
        check(code == 1 and message in errors and token not in errors, f"the user token {token[:10]!r}", errors)
    code, out, errors = run(port, "https://bad7.example/", faults={"/config": lambda h, b: h.guarded(b) and None})
    check(code == 1 and "401: bad token" in errors, "a token that was spent before is refused", errors)


def main():
    folder = working_folder("check-tokens")
    try:
        with open(f"{folder}/list", "w", encoding="utf-8") as file:
            file.writelines(f"bad{i}.example\n" for i in range(100))
        subprocess.run([f"{BUILD}/blindlist", "compile", f"{folder}/list", "--use-case", USE_CASE, "--out",
                        f"{folder}/data"], check=True, stdout=subprocess.DEVNULL)
        Issuer.target = Server(f"{folder}/data").port
        Issuer.current = Key()
        Issuer.keys = [Issuer.current]
        guard = Site(Issuer)
        port = guard.server_port
        test_tokens_are_issued_and_spent(port)
        test_a_batch_is_followed_by_another(port)
        test_choice_of_the_key(port, Key(not_before=int(time.time()) + 86400))
        test_refusals(port)
        guard.shutdown()
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
