#!/usr/bin/env python3
"""blindlist check --identity: what each release of iOS sends to a server that wants tokens, and what it makes of the
answers. A recorder stands between the two. Prints TAP."""
import gzip
import hashlib
import http.client
import http.server
import os
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from protobuf import field, parse  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import Site  # noqa: E402

TOOL = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
USE_CASE = "one.example.url.filtering"
DIRECTORY, USER_KEY = "/.well-known/private-token-issuer-directory", "/token-key-for-user-token"
SHARDS = 4


class Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a head and a body are two packets
    target = 0
    faults = {}  # path: function(requests of it so far) -> (status, body) or None
    seen = []  # (method, path, headers, body, answer)

    def log_message(self, *_):
        pass

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        before = len(asked(self.path))
        fault = Recorder.faults.get(self.path)
        reply = fault(before) if fault else None
        if reply is None:
            client = http.client.HTTPConnection("127.0.0.1", Recorder.target, timeout=PROGRAM_S)
            client.request(self.command, self.path, body, dict(self.headers.items()))
            answer = client.getresponse()
            reply = answer.status, answer.read(), answer.headers.get("Content-Encoding")
            client.close()
        Recorder.seen.append((self.command, self.path, dict(self.headers.items()), body, reply[1]))
        self.send_response(reply[0])
        if reply[2:] and reply[2]:
            self.send_header("Content-Encoding", reply[2])
        self.send_header("Content-Length", str(len(reply[1])))
        self.end_headers()
        self.wfile.write(reply[1])

    do_GET = do_POST = forward


def asked(path):
    return [one for one in Recorder.seen if one[1] == path]


def run(identity, *words, faults=None):
    Recorder.faults, Recorder.seen = faults or {}, []
    done = subprocess.run([TOOL, "check", "--server", f"http://127.0.0.1:{run.port}", "--token-file", run.token,
                           *(["--identity", identity] if identity else []), *words], capture_output=True, text=True,
                          timeout=PROGRAM_S)
    return done.returncode, done.stdout, done.stderr


def configs():
    """The PIR configurations that came, None for "you have it"."""
    found = []
    for _, _, _, _, answer in asked("/config"):
        answer = gzip.decompress(answer) if answer[:2] == b"\x1f\x8b" else answer
        config = parse(parse(parse(answer)[1][0])[2][0])
        found.append(None if 4 in config else parse(config[1][0]))
    return found


def requests_of(query):
    return [parse(parse(one)[2][0]) for one in parse(query[3])[1]]


def check_agent(identity, version):
    agents = {headers.get("User-Agent") for _, path, headers, _, _ in Recorder.seen}
    check(len(agents) == 1 and f" iOS/{version} " in agents.pop(), f"{identity}: the agent of its release", agents)


def lose_the_key(before):
    """Once, and the server has really lost it."""
    if before > 0:
        return None
    with sqlite3.connect(run.state, timeout=30) as state:
        state.execute("DELETE FROM evaluation_key")
    return 400, b'{"error":{"message":"evaluation key not found"}}'


def test_uploading(identity, version, tokens, repeats):
    """Before 27.3: everything costs a token, the key is uploaded."""
    words = ("https://bad1.example/", "https://bad2.example/", "https://clean.example/")
    code, out, errors = run(identity, *words, faults={"/queries": lose_the_key})
    check(code == 3 and "2 denied, 1 allowed, 0 failed" in out, f"{identity}: is answered", (code, out, errors))
    check_agent(identity, version)
    paths = [path for _, path, _, _, _ in Recorder.seen]
    check(paths[:2 + tokens] == [DIRECTORY, USER_KEY] + ["/issue"] * tokens and paths[2 + tokens] == "/config",
          f"{identity}: the key of its user, {tokens} tokens, then the configuration", paths)
    posts = [one for path in ("/config", "/key", "/queries") for one in asked(path)]
    check(all(method == "POST" and "User-Identifier" in headers and headers["Authorization"].startswith("PrivateToken ")
              for method, _, headers, _, _ in posts), f"{identity}: each of {len(posts)} requests has a token")
    first, second = asked("/config")
    check(2 not in parse(first[3]) and len(asked("/key")) == 2, f"{identity}: at first no configuration is known")
    known = parse(second[3]).get(2)
    config = configs()
    if repeats:
        check(10 in config[0] and 2 not in config[0], f"{identity}: equal shards are told once", config[0].keys())
        check(known == requests_of(asked("/queries")[0])[0][4] and config[1] is None,
              f"{identity}: after a lost key its id is sent, and the configuration is not sent again", known)
    else:
        check(len(config[0][2]) == SHARDS and 10 not in config[0] and config[1] == config[0] and known is None,
              f"{identity}: shards are spelled out, each time", config[0].keys())
    requests = [one for query in asked("/queries") for one in requests_of(query)]
    check(len(requests) == 3 and all(6 not in one and 3 in one for one in requests), f"{identity}: keys are named only")


def test_carrying():
    code, out, errors = run("ios27.3", "https://bad1.example/", "https://bad2.example/", "https://clean.example/")
    check(code == 3 and "2 denied, 1 allowed" in out, "ios27.3: is answered", (code, out, errors))
    check_agent("ios27.3", "27.3")
    method, _, headers, _, _ = asked("/config")[0]
    check(method == "GET" and "Authorization" not in headers and "User-Identifier" not in headers and
          len(asked("/config")) == 1, "ios27.3: GET /config, without token and without identifier", headers)
    check(not asked(USER_KEY) and not asked("/key") and len(asked("/issue")) == 10,
          "ios27.3: the directory's first key, ten tokens, no upload", [path for _, path, _, _, _ in Recorder.seen])
    queries = asked("/queries")
    requests = [one for query in queries for one in requests_of(query)]
    check(len(requests) == 2 and all(6 in one and len(parse(one[6][0])[2][0]) > 100000 for one in requests),
          "ios27.3: each request has its key with it")
    check(len({headers["Authorization"] for _, _, headers, _, _ in queries}) == 2, "ios27.3: and costs a token")
    code, out, _ = run("ios27.3", "https://bad1.example/", faults={"/queries": lambda before: None if before else (410, b"")})
    check(code == 3 and len(asked("/config")) == 2 and len(asked("/queries")) == 2,
          "ios27.3: a configuration that is gone is fetched again", out)


def config_of(shards, repeated):
    """A whole answer to /config, of the server's, with so many shards."""
    run("ios26" if repeated else "ios18.0", "https://clean.example/")
    answer = asked("/config")[0][4]
    config = parse(parse(parse(answer)[1][0])[2][0])
    pir = parse(config[1][0])
    if repeated:
        pir[10] = [field(1, field(1, parse(parse(pir[10][0])[1][0])[1][0]) + field(2, shards))]
    else:
        pir[2] = (pir[2] * shards)[:shards]
    pir = b"".join(field(number, value) for number, values in sorted(pir.items()) for value in values)
    config = field(1, pir) + field(3, hashlib.sha256(pir).digest())
    return field(1, field(1, USE_CASE.encode()) + field(2, config)) + field(2, parse(answer)[2][0])


def test_shards():
    for shards in (3, 5, 65535):
        body = config_of(shards, True)
        code, out, errors = run("ios27.3", "https://clean.example/", faults={"/config": lambda _: (200, body)})
        check(code == 1 and f"powers of two for the number of shards, not {shards}" in errors and not out,
              f"ios27.3: {shards} shards are refused", (code, errors))
        code, out, errors = run("ios26", "https://clean.example/", faults={"/config": lambda _: (200, body)})
        check(code == 0, f"ios26: {shards} shards are taken", (code, errors))
    body = config_of(4, True)
    code, out, errors = run("ios18.0", "https://clean.example/", faults={"/config": lambda _: (200, body)})
    check(code == 1 and "ios18.0 wants shards spelled out" in errors, "ios18.0: knows no repeated shards", errors)
    body = config_of(4, False)
    check(run("ios27.3", "https://clean.example/", faults={"/config": lambda _: (200, body)})[0] == 0,
          "ios27.3: takes shards that are spelled out")
    body = field(1, field(1, USE_CASE.encode()) + field(2, b"\x20\x01")) + field(2, b"")
    code, out, errors = run("ios26", "https://clean.example/", faults={"/config": lambda _: (200, body)})
    check(code == 1 and not out and errors, "reuse of what was never sent is refused", errors)


def test_usage():
    code, _, errors = run("ios17", "https://clean.example/")
    check(code == 2 and "--identity ios17: ios18.0, ios18.2, ios26 or ios27.3" in errors, "another release", errors)
    code, _, errors = run("ios27.3", "--platform", "mine iOS/30.0", "https://clean.example/")
    check(code == 0 and asked("/config")[0][2]["User-Agent"] == "mine iOS/30.0" and asked("/config")[0][0] == "GET",
          "--platform replaces the agent only", errors)
    run(None, "https://clean.example/")
    check_agent("no --identity", "26.1")


def main():
    folder = working_folder("identity")
    try:
        with open(f"{folder}/list", "w", encoding="utf-8") as file:
            file.writelines(f"bad{i}.example\n" for i in range(100))
        subprocess.run([TOOL, "compile", f"{folder}/list", "--use-case", USE_CASE, "--out", f"{folder}/data", "--shards",
                        str(SHARDS)], check=True, stdout=subprocess.DEVNULL)
        run.token, run.state = f"{folder}/token", f"{folder}/data/blindlist-server.state"
        with open(run.token, "w", encoding="utf-8") as file:
            subprocess.run([TOOL, "token", "create", "--state", run.state], check=True,
                           stdout=file)
        Recorder.target = Server(f"{folder}/data", auth="token").port
        run.port = Site(Recorder).server_port
        test_uploading("ios18.0", "18.0", 4, False)
        test_uploading("ios18.2", "18.2", 4, True)
        test_uploading("ios26", "26.1", 10, True)
        test_carrying()
        test_shards()
        test_usage()
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
