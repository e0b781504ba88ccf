#!/usr/bin/env python3
"""Symmetric PIR from outside: a dataset made with a key, two keywords through the keyed function and a private query,
and everything that is refused on the way. Prints TAP."""
import hashlib
import http.client
import http.server
import json
import os
import shutil
import stat
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from protobuf import field, parse  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
NAME = "symmetric.filtering"
KEYWORDS = ["blocked.example", "other.example/path"]
# The generator of P-384, compressed; x = 1 is on no point.
POINT = bytes.fromhex("03aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"
                      "5502f25dbf55296c3a545e3872760ab7")
NO_POINT = b"\x02" + bytes(47) + b"\x01"
# The key of spec/keyword-pir.md section 10.1 and its public half.
KEY = ("c51874015ca218aabc145297359fb128743b9f14b2b034af23650e6b42d4c815"
       "c623c77e8d752c21b9288d36e6e9f468")
PUBLIC = ("03fd751f9d1828303a14acbb82063bdfb63bc89c958506a276b8c47fc8ce0f97"
          "ad0c7ae0f516b39fcb8c9c8b9cac2d444e")
work = working_folder("symmetric")
data = f"{work}/data"


def tool(*words):
    return subprocess.run([f"{BUILD}/blindlist", *words], capture_output=True, text=True, timeout=PROGRAM_S)


def compile_list(*options, name=NAME):
    return tool("compile", f"{work}/list", "--use-case", name, "--out", data, "--json", *options)


def current(*path):
    return os.path.join(data, NAME, "current", *path)


def read(path):
    with open(path, "rb") as source:
        return source.read()


def ask(port, *requests, path="/queries"):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PROGRAM_S)
    client.request("POST", path, b"".join(field(1, request) for request in requests), {"User-Identifier": "u", "User-Agent": "x iOS/26 x"})
    answer = client.getresponse()
    return answer.status, answer.read()


def question(element=POINT, use_case=NAME, config=b""):
    return field(1, use_case.encode()) + field(4, field(1, element) + (field(2, config) if config else b""))


def answers(body):
    """Evaluated element and proof of each answer."""
    found = [parse(parse(response)[3][0]) for response in parse(body).get(1, [])]
    return [(answer[1][0], answer[2][0]) for answer in found]


def config_of(port):
    """Configuration id and PIRConfig."""
    status, body = ask(port, NAME.encode(), path="/config")
    config = parse(parse(parse(body)[1][0])[2][0])
    return config[3][0], config[1][0]


def test_compile():
    made = compile_list("--symmetric")
    check(made.returncode == 0, "compile --symmetric", made.stderr)
    key = read(current("symmetric.key"))
    mode = stat.S_IMODE(os.stat(current("symmetric.key")).st_mode)
    check(mode == 0o600 and len(key) == 96, "its key: 96 digits for the owner alone", oct(mode))
    public = json.loads(made.stdout)["symmetricPublicKey"]
    check(b"symmetric_pir_client_config" in read(current("shard-0.params.txtpb")) and public[:2] in ("02", "03"),
          "the parameters name its public half")
    check("symmetric.key" in read(current("dataset.json")).decode(), "dataset.json lists it")
    check(key.decode() not in made.stdout + made.stderr, "nobody prints the key")
    again = compile_list()
    check(json.loads(again.stdout)["changed"] is False, "the same list again: unchanged, and symmetric as before", again)
    return key


def test_update():
    """What was keyed for the version in force is taken over, and the bytes are those of a version made from nothing."""
    home, rows = f"{data}/update.filtering", [f"row{i:02}.example" for i in range(20)]

    def update(rows, *options, into=data):
        with open(f"{work}/rows", "w", encoding="utf-8") as out:
            out.writelines(f"{row}\n" for row in rows)
        done = tool("compile", f"{work}/rows", "--use-case", "update.filtering", "--out", into, "--json", *options)
        return json.loads(done.stdout)["rowsKeyed"] if done.returncode == 0 else done

    def verified():
        return tool("dataset", "verify", "--data", data, "--use-case", "update.filtering").returncode == 0

    def shards(of):
        folder = f"{of}/update.filtering/current"
        return [read(f"{folder}/{name}") for name in sorted(os.listdir(folder)) if name.startswith(("shard-", "symmetric."))]

    check(update(rows, "--symmetric") == 21, "all rows are keyed, and the test row")
    check(update(["added.example", *rows[3:], "zz.example"]) == 2, "of an update those that came")
    mode = stat.S_IMODE(os.stat(f"{home}/current/symmetric.rows").st_mode)
    check(mode == 0o600 and verified(), "and they are kept for the owner", mode)
    fresh = f"{work}/fresh"
    check(update(["added.example", *rows[3:], "zz.example"], "--symmetric-key", f"{home}/current/symmetric.key", into=fresh) == 20
          and shards(fresh) == shards(data), "the same bytes as from nothing")
    check(update(rows, "--full") == 21, "--full keys all")
    for what, damage in [("damaged", lambda kept: bytes([kept[0] ^ 1]) + kept[1:]), ("cut short", lambda kept: kept[:-33]),
                         ("gone", None)]:
        kept = read(f"{home}/current/symmetric.rows")
        os.remove(f"{home}/current/symmetric.rows")
        if damage:
            with open(f"{home}/current/symmetric.rows", "wb") as out:
                out.write(damage(kept))
        rows.append(f"{what.split()[0]}.example")
        check(update(rows) == len(rows) + 1 and verified(),
              f"what was kept is {what}: all are keyed")
    with open(f"{work}/other-key", "w", encoding="utf-8") as out:
        out.write(KEY)
    check(update(rows, "--symmetric-key", f"{work}/other-key") == len(rows) + 1, "another key: all are keyed")


def test_keywords(server, key):
    url = f"http://127.0.0.1:{server.port}"
    done = tool("check", "--server", url, "--use-case", NAME, "--as-key", *KEYWORDS)
    check(done.returncode == 3 and all(f"denied   {word} " in done.stdout for word in KEYWORDS),
          "two keywords through OPRF and PIR return both values", done)
    done = tool("check", "--server", url, "--use-case", NAME, "https://other.example/path/below", "free.example")
    check(done.returncode == 3 and "1 denied, 1 allowed" in done.stdout, "URLs below and beside them", done)
    done = tool("check", "--server", url, "--use-case", "plain.filtering", "--as-key", KEYWORDS[0])
    check(done.returncode == 3, "a use case beside it that is not symmetric", done)
    check(key.decode() not in server.log() and not any(word in server.log() for word in KEYWORDS),
          "the log has neither key nor keyword", server.log())


def count_of(server, metric):
    client = http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=PROGRAM_S)
    client.request("GET", "/metrics")
    page = client.getresponse().read().decode()
    return int(page.split(f'\n{metric}{{app=""}} ')[1].split()[0])


def test_questions(server):
    port = server.port
    metrics = ("blindlist_oprf_answers_total", "blindlist_queries_total")
    before = [count_of(server, metric) for metric in metrics]
    status, body = ask(port, question(), question())
    check([count_of(server, metric) for metric in metrics] == [before[0] + 2, before[1]] and min(before) > 0,
          "answers are counted, apart from queries", before)
    both = answers(body)
    check(status == 200 and len(both) == 2 and all(len(e) == 49 and len(p) == 96 for e, p in both),
          "two questions in one body: two answers", (status, body))
    check(both[0][0] == both[1][0] and both[0][1] != both[1][1], "the same element, and a proof of its own")
    config, pir_config = config_of(port)
    public = bytes.fromhex(json.loads(compile_list().stdout)["symmetricPublicKey"])
    check(public in pir_config and config == hashlib.sha256(pir_config).digest(),
          "the configuration tells the public key, and its id is its hash")
    check(answers(ask(port, question(config=config))[1])[0][0] == both[0][0], "asked under that configuration: the same")
    for what, request, due in [
            ("no point", question(NO_POINT), 400), ("infinity", question(b"\0"), 400), ("48 bytes", question(POINT[:48]), 400),
            ("nothing", question(b""), 400), ("a point not compressed", question(b"\x04" + bytes(48)), 400),
            ("a use case that is not symmetric", question(use_case="plain.filtering"), 400),
            ("a use case that is not served", question(use_case="nobody"), 400),
            ("a configuration that is not served", question(config=bytes(32)), 410)]:
        status, body = ask(port, request)
        check(status == due and b'{"error":{"message":' in body, f"refused with {due}: {what}", (status, body))
        status, body = ask(port, question(), request)
        check(status == due, f"and all of a body with it: {what}", (status, body))


class Forger(http.server.BaseHTTPRequestHandler):
    """Passes everything on to the server, and turns a bit of each proof."""
    port = 0

    def log_message(self, *words):
        pass

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PROGRAM_S)
        client.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k != "Host"})
        answer = client.getresponse()
        reply = bytearray(answer.read())
        if self.path == "/queries" and 3 in parse(parse(bytes(reply))[1][0]):
            reply[-1] ^= 1
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(reply)))
        for name in ("Content-Type", "Content-Encoding"):
            if answer.getheader(name):
                self.send_header(name, answer.getheader(name))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = pass_on


def test_forged(server):
    Forger.port = server.port
    forger = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forger)
    threading.Thread(target=forger.serve_forever, daemon=True).start()
    done = tool("check", "--server", f"http://127.0.0.1:{forger.server_port}", "--use-case", NAME, "--as-key", KEYWORDS[0])
    forger.shutdown()
    check(done.returncode == 1 and "the proof is wrong" in done.stdout + done.stderr, "a wrong proof is an error", done)


def test_other_key(server):
    before = read(current("symmetric.key"))
    old_config = config_of(server.port)[0]
    old = answers(ask(server.port, question())[1])[0][0]
    with open(f"{work}/key", "w", encoding="utf-8") as out:
        out.write(KEY.upper() + "\n")
    made = compile_list("--symmetric-key", f"{work}/key")
    check(made.returncode == 0 and json.loads(made.stdout)["symmetricPublicKey"] == PUBLIC, "compile --symmetric-key", made)
    check(read(current("symmetric.key")).decode() == KEY, "the key it was given")
    check(server.wait_version(json.loads(made.stdout)["version"]), "the server follows", server.log())
    new = answers(ask(server.port, question())[1])[0][0]
    asked = [answers(ask(server.port, question(config=config))[1])[0][0] for config in (old_config, config_of(server.port)[0])]
    check(new != old and asked == [old, new], "each configuration is answered with its own key")
    done = tool("check", "--server", f"http://127.0.0.1:{server.port}", "--use-case", NAME, "--as-key", *KEYWORDS)
    check(done.returncode == 3 and "2 denied" in done.stdout, "both keywords are found with the new one", done)
    return before


def refused(words, what, *options, code=1):
    version = os.readlink(os.path.join(data, NAME, "current"))
    done = compile_list(*options)
    check(done.returncode == code and words in done.stderr, what, done)
    check(os.readlink(os.path.join(data, NAME, "current")) == version and
          not any(name.endswith(".tmp") for name in os.listdir(os.path.join(data, NAME))), "and leaves everything as it was", done)


def test_bad_keys(other):
    for text, words in [("", "0 characters"), ("0x" + KEY, "98 characters"), ("0" * 96, "no number from 1"), ("f" * 96, "no number"),
                        (KEY[:-1] + "g", "character 96 is no hex digit"), (KEY * 9, "larger than 128 bytes")]:
        with open(f"{work}/bad", "w", encoding="utf-8") as out:
            out.write(text)
        refused(words, f"a key file of {len(text)} bytes: {words}", "--symmetric-key", f"{work}/bad")
    refused("No such file", "a key file that is not there", "--symmetric-key", f"{work}/none")
    refused("exclude each other", "a key and none", "--symmetric-key", f"{work}/key", "--no-symmetric", code=2)
    refused("not made in parts", "in parts", "--part", "0/2")
    good = read(current("symmetric.key"))
    for text, words in [(other, "is not the key whose public half"), (good[:40], "40 characters"), (None, "No such file")]:
        os.remove(current("symmetric.key"))
        if text is not None:
            with open(current("symmetric.key"), "wb") as out:
                out.write(text)
        done = subprocess.run([PROGRAM, "--data", data, "--listen", "127.0.0.1:0", "--auth", "none"],
                              capture_output=True, text=True, timeout=PROGRAM_S, check=False)
        check(done.returncode == 1 and "symmetric.key" in done.stderr and words in done.stderr,
              f"a server does not start: {words}", done.stderr)
        check(KEY not in done.stderr, "nor tell the key")
        refused("say whether", "nor does compile forget that it was symmetric")
    with open(current("symmetric.key"), "wb") as out:
        out.write(good)


def test_taken_over():
    """The reference's way: its tool's configuration, its service's configuration."""
    with open(f"{work}/rows.txtpb", "w", encoding="utf-8") as out:
        out.writelines(f'rows {{ keyword: "k{i}" value: "value {i}" }}\n' for i in range(20))
    process = {"rlweParameters": "n_4096_logq_27_28_28_logt_5", "inputDatabase": f"{work}/rows.txtpb",
               "outputDatabase": f"{work}/shard-SHARD_ID.bin", "outputPirParameters": f"{work}/shard-SHARD_ID.params.txtpb",
               "databaseType": "keyword", "sharding": {"shardCount": 2},
               "symmetricPirArguments": {"outputDatabaseEncryptionKeyFilePath": f"{work}/new-key"}}
    service = {"users": [], "usecases": [{"name": "taken", "fileStem": f"{work}/shard", "shardCount": 2,
                                          "symmetricPirArguments": {"databaseEncryptionKeyFilePath": f"{work}/new-key"}}]}
    for name, content in (("process.json", process), ("service-config.json", service)):
        with open(f"{work}/{name}", "w", encoding="utf-8") as out:
            json.dump(content, out)
    done = tool("pir", "process", f"{work}/process.json")
    check(done.returncode == 0 and stat.S_IMODE(os.stat(f"{work}/new-key").st_mode) == 0o600,
          "pir process makes a symmetric database and its key, and looks rows up in it", done)
    taken = Server(f"{work}/taken", "--config", f"{work}/service-config.json", "--data", f"{work}/taken", with_data=False)
    status, body = ask(taken.port, question(use_case="taken"))
    check(status == 200 and len(answers(body)) == 1, "blindlist-server takes it over with its key", (status, taken.log()))
    check(taken.end() == 0, "and ends", taken.log())
    first = read(f"{work}/new-key")
    for text, words in [(KEY.encode(), "is not the key whose public half"), (b"", "0 characters"), (None, "No such file")]:
        os.remove(f"{work}/new-key")
        if text is not None:
            with open(f"{work}/new-key", "wb") as out:
                out.write(text)
        done = subprocess.run([PROGRAM, "--config", f"{work}/service-config.json", "--check-config"], capture_output=True,
                              text=True, timeout=PROGRAM_S, check=False)
        check(done.returncode == 3 and words in done.stdout and first.decode() not in done.stdout, f"--check-config: {words}", done)
    with open(f"{work}/new-key", "wb") as out:
        out.write(first)
    del service["usecases"][0]["symmetricPirArguments"]
    with open(f"{work}/service-config.json", "w", encoding="utf-8") as out:
        json.dump(service, out)
    done = subprocess.run([PROGRAM, "--config", f"{work}/service-config.json", "--check-config"], capture_output=True,
                          text=True, timeout=PROGRAM_S, check=False)
    check(done.returncode == 3 and "its key is not named" in done.stdout, "--check-config: no key", done)


def main():
    with open(f"{work}/list", "w", encoding="utf-8") as out:
        out.write("\n".join(KEYWORDS) + "\n")
    key = test_compile()
    test_update()
    check(compile_list(name="plain.filtering").returncode == 0, "a dataset that is not symmetric")
    server = Server(data, "--admin", "127.0.0.1:0")
    test_keywords(server, key)
    test_questions(server)
    test_forged(server)
    before = test_other_key(server)
    check(server.end() == 0, "the server ends", server.log())
    test_bad_keys(before)
    test_taken_over()
    made = compile_list("--no-symmetric")
    check(made.returncode == 0 and not os.path.exists(current("symmetric.key")) and
          "symmetricPublicKey" not in made.stdout, "compile --no-symmetric", made)


try:
    main()
finally:
    Server.end_all()
    shutil.rmtree(work, ignore_errors=True)
sys.exit(finish())
