"""Clients that mean no good, against a blindlist-server on the loopback. They stand for other machines, so they are held
to a share of a processor, and on a machine that is busy otherwise to less: as much less as the server gets, too.

    hostile.py PORT USER_TOKEN BODIES CROWD SHARE

BODIES is a JSON file: path to body in hex, good ones to spoil; CROWD says how many silent connections there are at a
time. Each kind of client has a thread; when standard input ends, one line of JSON says what was sent and answered, and
what should not have been answered so. tests/server/hostile.test.py runs it."""
import base64
import collections
import json
import os
import random
import resource
import secrets
import select
import socket
import struct
import sys
import threading
import time

from patience import wait_until
from paying import AGENT, Blinded, Client, Lost, first_key

CROWD_ADDRESSES = 60  # from so many addresses: fewer from each than an address may have
CROWD_HEAD_BYTES = 24000  # most of what a server keeps of a head
CROWD_AT_ONCE = 200  # that are begun before others are looked at
SLOW = 100
TIMEOUT_S = 5
PAUSE_S = 0.01
WAIT_S = 0.1
TIMES_AT_LEAST = 6  # each kind of client
CROWD_AT_LEAST = 2000
PATHS = ["/config", "/key", "/queries", "/report", "/issue"]
RESET = struct.pack("ii", 1, 0)


class Hostile:
    def __init__(self, port, user_token, bodies, crowd, share):
        self.port, self.user_token, self.bodies = port, user_token, bodies
        self.crowd, self.share = crowd, share
        self.started, self.used_before_s = time.monotonic(), 0  # what is counted
        self.is_over = threading.Event()
        self.lock = threading.Lock()
        self.sent = collections.Counter()  # by kind
        self.answers = collections.Counter()  # by kind and status
        self.wrong = []
        self.random = random.Random(port)
        self.crowd_most = 0
        self.turn = 0  # of what is oversized

    # ---- one connection ----

    def dial(self, address=None):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT_S)
        connection.bind((address or f"127.0.0.{self.random.randrange(2, 12)}", 0))
        connection.connect(("127.0.0.1", self.port))
        return connection

    def count(self, kind, status, allowed):
        with self.lock:
            self.answers[f"{kind} {status}"] += 1
            if status not in ("cut", *allowed) and len(self.wrong) < 20:
                self.wrong.append(f"{kind}: {status}")

    def exchange(self, kind, pieces, allowed):
        """Sends the pieces on a connection of their own; the status of each answer, or "cut", is one of `allowed`."""
        self.sent[kind] += 1
        reply = b""
        try:
            with self.dial() as connection:
                for piece in pieces:
                    connection.sendall(piece)
                while got := connection.recv(65536):
                    reply += got
        except OSError:
            pass
        starts = reply.split(b"HTTP/1.1 ")[1:]
        if not starts:
            self.count(kind, "cut", allowed)
        for start in starts:
            if start[:3] != b"100":
                self.count(kind, int(start[:3]), allowed)

    def request(self, path, body, token=None, more="", method="POST"):
        head = (f"{method} {path} HTTP/1.1\r\nHost: hostile\r\nUser-Identifier: hostile\r\nUser-Agent: {AGENT}\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n{more}")
        return (head + (f"Authorization: {token}\r\n" if token else "") + "\r\n").encode() + body

    def get_token(self):
        """A server under load may have none to give at first."""
        return wait_until(self.try_for_token)

    def try_for_token(self):
        client = Client(self.port)
        try:
            token = Blinded(first_key(client))
            status, signature, _ = client.ask("POST", "/issue", token.request,
                                              Authorization=f"Bearer {self.user_token}")
            return token.finish(signature) if status == 200 else None
        except Lost:
            return None
        finally:
            client.close()

    # ---- kinds of clients: each is called again and again ----

    def oversized(self):
        which = self.turn = (self.turn + 1) % 6
        if which == 0:
            self.exchange("large body", [self.request("/queries", b"x" * 11_000_000, self.get_token())], {413, 503})
        elif which == 1:
            chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
            head = self.request("/key", b"", self.get_token()).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
            self.exchange("large chunks", [head, chunk * 11, b"0\r\n\r\n"], {413, 503})
        elif which == 2:
            self.exchange("large field", [self.request("/config", b"", more=f"X: {'a' * 10000}\r\n")], {431})
        elif which == 3:
            self.exchange("large head", [self.request("/config", b"", more="X: a\r\n" * 10000)], {431})
        elif which == 4:
            self.exchange("large target", [self.request("/" + "a" * 50000, b"")], {414, 431})
        else:
            head = self.request("/queries", b"").replace(b"Length: 0", b"Length: 99999999999999")
            self.exchange("huge length", [head], {401, 413})

    def truncated(self):
        path = self.random.choice(PATHS)
        whole = self.request(path, self.bodies.get(path, b"x" * 259), self.get_token())
        part = whole[:self.random.randrange(1, len(whole))]
        self.sent["truncated"] += 1
        try:
            with self.dial() as connection:
                connection.sendall(part)
                if self.random.random() < 0.5:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        except OSError:
            pass

    def pipelined(self):
        many = b"".join(self.request(path, b"", method="GET").replace(b"Connection: close\r\n", b"")
                        for path in ["/config", "/healthz", "/nothing", "/.well-known/private-token-issuer-directory"] * 12)
        spoiled = self.request("/queries", b"\xff" * 50).replace(b"Connection: close\r\n", b"")
        self.exchange("pipelined", [many + spoiled + many, b"no HTTP\r\n\r\n"], {200, 401, 404, 400, 503})

    def duplicated(self):
        token = self.get_token()  # never spent
        body = self.bodies["/config"]
        for more in [f"Content-Length: {len(body)}\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n",
                     "Host: other\r\n", f"Authorization: {token}\r\n", "Authorization: Bearer x\r\n"]:
            self.exchange("duplicated", [self.request("/config", body, token, more)], {400, 401})
        more = "".join(f"User-Identifier: {i}\r\nUser-Agent: {i}\r\n" for i in range(200))
        self.exchange("many of one", [self.request("/config", body, token, more)], {200, 401, 431, 503})

    def malformed(self):
        path = self.random.choice(PATHS)
        body = bytearray(self.bodies.get(path, secrets.token_bytes(259)))
        for _ in range(self.random.choice([1, 1, 2, 10, 1000])):
            at = self.random.randrange(len(body)) if self.random.random() < 0.5 else self.random.randrange(min(80, len(body)))
            body[at] = self.random.randrange(256)
        if self.random.random() < 0.3:
            del body[self.random.randrange(len(body)):]
        token = f"Bearer {self.user_token}" if path == "/issue" else self.get_token()
        json_report = path == "/report" and self.random.random() < 0.5
        self.exchange(f"malformed {path}",
                      [self.request(path, bytes(body), token, "Content-Type: application/json\r\n" if json_report else "")],
                      {200, 400, 401, 404, 410, 413, 422, 429, 501, 503})

    def replays(self):
        """One token, shown by several at once: one of them is served, at most."""
        token = self.get_token()
        before = self.answers["replayed 200"]
        threads = [threading.Thread(target=self.exchange,
                                    args=("replayed", [self.request("/config", self.bodies["/config"], token)],
                                          {200, 401, 503})) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.answers["replayed 200"] > before + 1:
            self.wrong.append("a token was taken twice")

    def wrong_tokens(self):
        good = base64.urlsafe_b64decode((self.get_token() or "x=" + "A" * 472).split("=", 1)[1])
        spoiled = bytearray(good)
        spoiled[self.random.randrange(len(good))] ^= 1 << self.random.randrange(8)
        for token in [b"", b"x", secrets.token_bytes(354), good[:-1], good + b"x", bytes(spoiled)]:
            value = "PrivateToken token=" + base64.urlsafe_b64encode(token).decode()
            for path in PATHS:
                self.exchange("wrong token", [self.request(path, self.bodies.get(path, b""), value)], {400, 401, 503})

    def foreign(self):
        """What has no token at all: many of these come to every server."""
        self.exchange("foreign", [self.request("/config", self.bodies["/config"])], {401})
        self.exchange("foreign", [self.request("/config", b"", method="GET")], {200})

    # ---- clients that hold connections ----

    def hold_slow(self):
        """Heads and bodies a byte at a time, and answers that nobody takes."""
        held = []
        while not self.is_over.is_set():
            while len(held) < SLOW:
                try:
                    connection = self.dial()
                except OSError:
                    break
                which = self.random.randrange(3)
                start = [b"POST /queries HTTP/1.1\r\nHost: hostile\r\nX: ",
                         self.request("/config", b"").replace(b"Length: 0", b"Length: 5000"),
                         self.request("/config", b"", method="GET").replace(b"Connection: close\r\n", b"") * 200][which]
                self.sent["slow"] += 1
                try:
                    connection.sendall(start)
                except OSError:
                    pass
                held.append((connection, which))
            kept = []
            for connection, which in held:
                try:
                    if which < 2:
                        connection.sendall(b"x")
                    kept.append((connection, which))
                except OSError:
                    connection.close()
            held = kept
            time.sleep(0.5)
        for connection, _ in held:
            connection.close()

    def hold_crowd(self):
        """Connections that begin a long head and fall silent; each that is ended is replaced, one in any case."""
        start = self.request("/config", b"", more=f"X: {'a' * CROWD_HEAD_BYTES}")
        held, poll = {}, select.epoll()
        while self.sent["crowd"] <= max(self.crowd_most, CROWD_AT_LEAST) or not self.is_over.is_set():
            for _ in range(CROWD_AT_ONCE):
                if len(held) >= self.crowd:
                    break
                try:
                    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                except OSError:
                    break  # there may be no more files
                connection.setblocking(False)
                try:
                    connection.bind((f"127.0.1.{1 + self.sent['crowd'] % CROWD_ADDRESSES}", 0))
                    connection.connect_ex(("127.0.0.1", self.port))
                except OSError:
                    connection.close()
                    break
                try:
                    connection.send(start)
                except OSError:
                    pass  # not there yet: it stays silent
                self.sent["crowd"] += 1
                held[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN | select.EPOLLRDHUP)
            self.crowd_most = max(self.crowd_most, len(held))
            for fd, _ in poll.poll(0.1, 2000):
                held.pop(fd).close()
            if self.crowd_most == self.crowd:
                self.give_way()
            else:  # they are there as soon as can be, at no cost to others
                self.started, self.used_before_s = time.monotonic(), time.process_time()
        for connection in held.values():
            connection.close()

    # ---- all of them ----

    def allowed_s(self):
        """Processor time that all together may have used by now."""
        ran, waited = 0, 0
        for task in os.listdir("/proc/self/task"):
            try:
                with open(f"/proc/self/task/{task}/schedstat", encoding="ascii") as file:
                    times = [int(number) for number in file.read().split()]
            except OSError:
                continue  # that thread has ended
            ran, waited = ran + times[0], waited + times[1]
        got = ran / (ran + waited) if ran > 0 else 1  # of what they wanted
        return self.share * got * (time.monotonic() - self.started)

    def give_way(self):
        """Until all together have used no more than their share of a processor."""
        time.sleep(PAUSE_S)
        while not self.is_over.is_set() and time.process_time() - self.used_before_s > self.allowed_s():
            time.sleep(WAIT_S)

    def repeat(self, client):
        """A few times in any case: a busy machine gives little time to what has the lowest priority."""
        times = 0
        while times < TIMES_AT_LEAST or not self.is_over.is_set():
            try:
                client()
            except OSError:
                pass
            times += 1
            self.give_way()

    def run(self):
        self.exchange("own key", [self.request("/key", self.bodies["/key"], self.get_token())], {200})
        clients = [self.oversized, self.truncated, self.pipelined, self.duplicated, self.malformed, self.replays,
                   self.wrong_tokens, self.foreign]
        threads = [threading.Thread(target=self.repeat, args=(client,)) for client in clients]
        threads += [threading.Thread(target=client) for client in (self.hold_slow, self.hold_crowd)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"sent": dict(self.sent), "answers": dict(sorted(self.answers.items())), "wrong": self.wrong,
                "crowd": self.crowd_most}


def main(port, user_token, bodies, crowd, share):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with open(bodies, encoding="utf-8") as file:
        good = {path: bytes.fromhex(body) for path, body in json.load(file).items()}
    hostile = Hostile(int(port), user_token, good, int(crowd), float(share))

    def wait_for_end():
        sys.stdin.read()
        hostile.is_over.set()
    threading.Thread(target=wait_for_end, daemon=True).start()
    print(json.dumps(hostile.run()))


if __name__ == "__main__":
    main(*sys.argv[1:])
