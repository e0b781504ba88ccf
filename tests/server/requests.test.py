#!/usr/bin/env python3
"""Configuration, evaluation keys and reports over real sockets, as spec/service.md sections 1.5, 1.6, 3, 4 and 6 want
them; tokens.test.py has what is paid and how. Prints TAP; nothing but the standard library."""
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import wait_until  # noqa: E402
from paying import Client, Exchange  # noqa: E402
from protobuf import field, parse  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

TOOL = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
USE_CASE, SECOND, MANY = "one.example.url.filtering", "two.example.url.filtering", "zzz.many.shards"
OLD = ("com.apple.ciphermld/1.0 iOS/18.0 x", "iOS/18.1.9", "com.apple.ciphermld/1.2 (Macintosh; OS X 15.1; y) z", "iOS/17.7")
NEW = ("com.apple.ciphermld/1.0 iOS/18.2 x", "com.apple.ciphermld/1.2 (Macintosh; OS X 15.2; y) z", "iOS/27.3", "curl/8", "",
       "iOS/18")
SHARDS, MANY_SHARDS = 4, 256
GRACE_S = 5
JSON = "application/json; charset=utf-8"


def compile_rows(folder, use_case, count, *more):
    with open(f"{folder}/list", "w", encoding="utf-8") as file:
        file.writelines(f"row{i}.example\n" for i in range(count))
    subprocess.run([TOOL, "compile", f"{folder}/list", "--use-case", use_case, "--out", f"{folder}/data", *more], check=True,
                   stdout=subprocess.DEVNULL)


class Place:
    def __init__(self, folder, *options):
        self.folder, self.state = folder, f"{folder}/data/blindlist-server.state"
        self.server = Server(f"{folder}/data", *options)
        self.client = Client(self.server.port)

    def post(self, path, body=b"", **headers):
        return self.client.ask("POST", path, body, **{"User_Identifier": "someone", "User_Agent": NEW[0], **headers})

    def config(self, *names, ids=(), **headers):
        return self.post("/config", b"".join(field(1, name.encode()) for name in names) +
                         b"".join(field(2, one) for one in ids), **headers)


def is_json_error(reply, status, words=""):
    return (reply[0] == status and reply[2]["Content-Type"] == JSON and
            words in json.loads(reply[1])["error"]["message"])


def configs_of(body):
    """[(use case, Config)] in their order, and [KeyStatus]."""
    response = parse(body)
    entries = [parse(one) for one in response.get(1, [])]
    return [(one[1][0].decode(), parse(one[2][0])) for one in entries], [parse(one) for one in response.get(2, [])]


# ---- configuration ----

def test_forms(place):
    newest = None
    for agent in NEW:
        reply = place.config(USE_CASE, User_Agent=agent)
        ((name, config),), ((state),) = configs_of(reply[1])
        pir = parse(config[1][0])
        newest = newest or config
        check(reply[0] == 200 and reply[2]["Content-Type"] is None and config == newest and name == USE_CASE and 2 not in pir and
              parse(parse(pir[10][0])[1][0])[2] == [SHARDS], f"{agent!r}: equal shards are told once", reply)
        check(state == {2: state[2]} and hashlib.sha256(state[2][0]).digest() == pir[6][0],
              "with the key configuration that it names, and no key yet")
    pir = parse(newest[1][0])
    shard = parse(parse(pir[10][0])[1][0])[1][0]
    check(newest[3] == [hashlib.sha256(newest[1][0]).digest()], "the configuration's id is the hash of its newest form")
    check(shard.endswith(b"\x22\0") and pir[3][0].endswith(b"\x22\x02\x0a\0") and pir[4] == [1],
          "shard_id is there and empty, the sharding function is said", (shard, pir[3]))
    for agent in OLD:
        old = configs_of(place.config(USE_CASE, User_Agent=agent)[1])[0][0][1]
        form = parse(old[1][0])
        check(form.get(2) == [shard] * SHARDS and 10 not in form and old[3] == newest[3] and
              {k: v for k, v in form.items() if k != 2} == {k: v for k, v in pir.items() if k != 10},
              f"{agent!r}: shards are spelled out, all else and the id as they are", form.keys())
    for agent in OLD + NEW:
        whole, kept = (place.config(USE_CASE, ids=[one], User_Agent=agent)[1] for one in (b"x" * 32, newest[3][0]))
        check(configs_of(whole)[0] == configs_of(place.config(USE_CASE, User_Agent=agent)[1])[0] and len(configs_of(whole)[1]) == 1,
              f"{agent!r}: another id is answered in full")
        configs, states = configs_of(kept)
        check(configs == [(USE_CASE, {4: [1]})] and b"\x20\x01" in kept and len(states) == 1,
              "the right one in two bytes, and with the key's state", kept)


def test_names(place):
    first, second = (configs_of(place.config(name)[1])[0][0][1][3][0] for name in (USE_CASE, SECOND))
    reply = place.config()
    check([name for name, _ in configs_of(reply[1])[0]] == [USE_CASE, SECOND, MANY], "asked for nothing: all, by name")
    names = [name for name, _ in configs_of(place.config(MANY, USE_CASE)[1])[0]]
    check(names == [MANY, USE_CASE], "else in the order of the request", names)
    configs, states = configs_of(place.config(SECOND, USE_CASE, SECOND, ids=[second, b"", second])[1])
    check([name for name, _ in configs] == [SECOND, USE_CASE] and configs[0][1] == {4: [1]} and 1 in configs[1][1] and
          len(states) == 2, "a name given twice is answered once; ids belong to names by their place", configs)
    configs, _ = configs_of(place.config(USE_CASE, SECOND, ids=[second, first])[1])
    check(all(1 in config for _, config in configs), "the id of another use case is none")
    for ids, names in (((first,), ()), ((first,), (USE_CASE, SECOND)), ((first, second), (USE_CASE,))):
        check(is_json_error(place.config(*names, ids=ids), 400), f"{len(ids)} ids for {len(names)} names: 400")
    reply = place.config(USE_CASE, "no.such.thing")
    check(is_json_error(reply, 404) and json.loads(reply[1])["error"]["message"].split("\n") ==
          [f"Requested use cases: {USE_CASE} no.such.thing", f"Available use cases: {USE_CASE} {SECOND} {MANY}"],
          "one that is unknown: 404 for all, in two lines", reply)


def test_public(place):
    status, body, headers = place.client.ask("GET", "/config")
    configs, states = configs_of(body)
    check(status == 200 and [name for name, _ in configs] == [USE_CASE, SECOND, MANY] and len(states) == 3 and
          all(1 not in state and 2 in state for state in states), "GET /config: all use cases, no key has a time", states)
    check(re.fullmatch(r"public, max-age=\d+", headers["Cache-Control"]) and re.fullmatch(r'"[^"]+"', headers["ETag"]),
          "it may be cached by anybody, and has a strong tag", headers)
    replies = [place.client.ask("GET", "/config", User_Agent=agent, User_Identifier=agent) for agent in OLD + NEW]
    check(all(reply[1] == body and reply[2]["ETag"] == headers["ETag"] for reply in replies), "the same bytes for everyone")
    check(place.client.ask("GET", "/config", If_None_Match=headers["ETag"])[0] == 304, "304 for who has them")


def test_compression(place):
    plain = place.config(MANY, User_Agent=OLD[0])
    forms = parse(configs_of(plain[1])[0][0][1][1][0])[2]
    check(len(forms) == MANY_SHARDS and plain[2]["Content-Encoding"] is None and plain[2]["Vary"] == "accept-encoding",
          f"{MANY_SHARDS} shards, uncompressed", plain[2])
    for value, packs in (("gzip", True), ("gzip, deflate, br", True), ("br, gzip", True), ("x-gzip", True), ("*", True),
                         ("deflate", False), ("gzip;q=0", False), ("gzip;x", False), ("identity", False), ("", False)):
        status, body, headers = place.config(MANY, User_Agent=OLD[0], Accept_Encoding=value)
        good = (headers["Content-Encoding"] == "gzip" and len(body) * 10 < len(plain[1]) and gzip.decompress(body) == plain[1]
                if packs else headers["Content-Encoding"] is None and body == plain[1])
        check(status == 200 and good and headers["Vary"] == "accept-encoding", f"Accept-Encoding: {value}", headers)
    check(place.config(USE_CASE, Accept_Encoding="gzip")[2]["Content-Encoding"] is None, "a short answer stays as it is")


# ---- evaluation keys ----

def pack(message):
    return b"".join(field(number, value) for number, values in sorted(message.items()) for value in values)


def bent_keys(key):
    """Keys that no device makes: what is wrong, the bytes."""
    parts = parse(key)
    entries = [parse(one) for one in parse(parts[1][0])[1]]

    def with_entries(changed):
        return pack({**parts, 1: [pack({1: [pack(one) for one in changed]})]})

    def with_first(value):
        return with_entries([{**entries[0], 2: [value]}] + entries[1:])
    first = entries[0][2][0]
    ciphertexts = parse(parse(first)[1][0])[1]
    seeded = parse(parse(ciphertexts[0])[1][0])

    def of_ciphertexts(changed):
        return with_first(field(1, pack({1: changed})))

    def of_seeded(**changed):
        bent = {**seeded, **{int(k[1:]): [v] for k, v in changed.items()}}
        return of_ciphertexts([field(1, pack(bent))] + ciphertexts[1:])
    return {
        "nothing in it": b"", "no Galois keys": pack({2: parts[2]}), "no relinearization key": pack({1: parts[1]}),
        "empty parts": pack({1: [b""], 2: [b""]}), "an element is missing": with_entries(entries[1:]),
        "another element": with_entries([{**entries[0], 1: [entries[0][1][0] ^ 2]}] + entries[1:]),
        "an even element": with_entries([{**entries[0], 1: [4]}] + entries[1:]),
        "element 2^32 more": with_entries([{**entries[0], 1: [entries[0][1][0] + (1 << 32)]}] + entries[1:]),
        "element 2^63": with_entries([{**entries[0], 1: [1 << 63]}] + entries[1:]),
        "two elements exchanged, one lost": with_entries([{**entries[0], 1: entries[1][1]}] + entries[1:]),
        "an element without key": with_entries([{1: entries[0][1]}] + entries[1:]), "an empty key": with_first(b""),
        "a ciphertext too few": of_ciphertexts(ciphertexts[1:]), "one too many": of_ciphertexts(ciphertexts + ciphertexts[:1]),
        "an empty ciphertext": of_ciphertexts([b""] + ciphertexts[1:]), "a short seed": of_seeded(_2=seeded[2][0][:-1]),
        "a long seed": of_seeded(_2=seeded[2][0] + b"x"), "a short polynomial": of_seeded(_1=seeded[1][0][:-1]),
        "a long polynomial": of_seeded(_1=seeded[1][0] + b"x"), "coefficients of q and more": of_seeded(_1=b"\xff" * len(seeded[1][0])),
        "no polynomial": of_seeded(_1=b""), "cut in half": key[:len(key) // 2], "noise": os.urandom(len(key))}


def elements_of(key):
    return {parse(entry)[1][0] for entry in parse(parse(key)[1][0])[1]}


def test_keys(place, exchange, other):
    check(elements_of(exchange.key) != elements_of(other.key), "two use cases want keys of different Galois elements")
    bad = {**bent_keys(exchange.key), "a key of other Galois elements": other.key}
    upload, carried = [], []
    for name, key in bad.items():
        reply = place.post("/key", field(1, field(1, exchange.metadata(5)) + field(2, key)))
        upload += [] if is_json_error(reply, 400) else [(name, reply[:2])]
        request = {**exchange.pir_request, 6: [field(2, key)]}
        reply = place.post("/queries", field(1, field(1, USE_CASE.encode()) + field(2, pack(request))))
        carried += [] if is_json_error(reply, 400) else [(name, reply[:2])]
    check(not upload, f"/key: 400 for {len(bad)} keys that are none", upload)
    check(not carried, "/queries: 400 when they come along", carried)
    good = field(2, exchange.key)
    for name, key, words in (("without metadata", good, "metadata"), ("without key", field(1, exchange.metadata(5)), "evaluation_key"),
                             ("of an unknown configuration", field(1, field(1, 5) + field(2, b"x" * 32)) + good, "identifier"),
                             ("with half an identifier", field(1, field(1, 5) + field(2, b"x" * 16)) + good, "identifier")):
        check(is_json_error(place.post("/key", field(1, key)), 400, words), f"a key {name}: 400")
    both = exchange.upload(5) + field(1, field(1, exchange.metadata(5)) + field(2, b""))
    check(is_json_error(place.post("/key", both), 400) and exchange.key_time(place.config(USE_CASE)[1]) == 0,
          "a good one before a bad one is not stored: all or nothing")
    check(place.post("/key")[:2] == (200, b""), "no keys at all: 200")


def test_stored_keys(place, exchange):
    reply = place.post("/key", exchange.upload(7), User_Identifier="a, b")
    check(reply[:2] == (200, b"") and reply[2]["Content-Type"] is None, "a key is taken: 200, empty", reply)
    user = hashlib.sha256(b"a, b").digest()
    with sqlite3.connect(place.state, timeout=30) as state:
        rows = state.execute("SELECT made_at, serialized FROM evaluation_key WHERE user_hash = ? AND key_id = ?",
                             (user, exchange.key_id)).fetchall()
    check(rows == [(7, exchange.key)], "and kept unchanged, by user and identifier", [row[0] for row in rows])
    check(exchange.key_time(place.config(USE_CASE, User_Identifier="a, b")[1]) == 7, "its time is told")
    check([exchange.key_time(place.config(USE_CASE, User_Identifier=name)[1]) for name in ("a", "b", "a,b", "")] == [0] * 4,
          "to nobody else")
    connection = place.client.connection
    connection.putrequest("POST", "/config")
    for name, value in (("User-Identifier", "a"), ("User-Identifier", "b"), ("User-Agent", NEW[0]), ("Content-Length", "0")):
        connection.putheader(name, value)
    connection.endheaders()
    check(exchange.key_time(connection.getresponse().read()) == 7, "an identifier in two lines is one, joined with a comma")
    for name in ("", "x" * 5000, "\xe4\xf6\xfc", "%00"):
        good = place.post("/key", exchange.upload(9), User_Identifier=name)[0] == 200
        check(good and exchange.key_time(place.config(USE_CASE, User_Identifier=name)[1]) == 9, f"any identifier will do: {name[:5]!r}")
    for made_at in (8, 3, 2 ** 63, 2 ** 64 - 1):
        place.post("/key", exchange.upload(made_at), User_Identifier="a, b")
        check(exchange.key_time(place.config(USE_CASE, User_Identifier="a, b")[1]) == made_at, f"overwritten by one of {made_at}")
    check(place.post("/queries", exchange.query(2 ** 64 - 1), User_Identifier="a, b")[:2] == (200, exchange.answer), "and used")
    check(is_json_error(place.post("/queries", exchange.query(8), User_Identifier="a, b"), 400, "evaluation key not found"),
          "a query that names a key of another time gets no answer it cannot read")


def test_quota(folder, exchange):
    place = Place(folder, "--key-store-mb", "1", "--state", f"{folder}/small.state")
    taken = [place.post("/key", exchange.upload(5), User_Identifier=f"user-{i}") for i in range(12)]
    statuses = [reply[0] for reply in taken]
    count = statuses.count(200)
    check(0 < count < 12 and statuses == [200] * count + [503] * (12 - count) and taken[-1][2]["Retry-After"],
          f"a megabyte of keys is {count} users, then 503 and when to come again", statuses)
    check(all(place.post("/queries", exchange.query(5), User_Identifier=f"user-{i}")[0] == 200 for i in range(count)),
          "nobody's key is pushed out by others")
    check(place.post("/key", exchange.upload(6), User_Identifier="user-0")[0] == 200, "a new key for an old one has room")
    place.server.end()


# ---- errors as Protobuf ----

def test_protobuf_errors(folder, exchange):
    """CONFIG_NOT_FOUND 1 with the configuration in 1, KEY_NOT_FOUND 2, INVALID_REQUEST 3."""
    place = Place(folder, "--protobuf-errors", "--state", f"{folder}/errors.state")

    def query(key_time=5, **changed):
        request = {**exchange.pir_request, 3: [exchange.metadata(key_time)], **{int(k[1:]): [v] for k, v in changed.items()}}
        reply = place.post("/queries", field(1, field(1, USE_CASE.encode()) + field(2, pack(request))))
        return reply[0], parse(reply[1]), reply[2]["Content-Type"]
    check(query() == (400, {2: [b""]}, None), "no key: 400 and the member that says so", query())
    place.post("/key", exchange.upload(5))
    status, message, _ = query(_4=b"x" * 32)
    check((status, list(message)) == (410, [1]) and parse(message[1][0])[1] == [place.config(USE_CASE)[1]],
          "a configuration that is gone: 410 with the new one", (status, message))
    check(query(_5=b"") == (501, {3: [b""]}, None) and query(_1=1000) == (400, {3: [b""]}, None) and
          place.post("/queries", b"\xff")[:2] == (400, field(3, b"")), "requests that are wrong, each with its status")
    check(place.post("/queries", exchange.query(5))[:2] == (200, exchange.answer), "a good one is answered")
    check(is_json_error(place.config("no.such"), 404), "other routes keep to JSON")
    place.server.end()


# ---- a configuration that was replaced ----

def test_grace(folder, exchange):
    """Another shape: whoever has the old configuration is answered while the grace lasts, and 410 from the next look on:
    that of each minute, or a reload."""
    with open(f"{folder}/server.json", "w", encoding="utf-8") as file:
        json.dump({"apps": [{"name": "a", "versions": 1, "maxAge": 0, "grace": GRACE_S}]}, file)
    place = Place(folder, "--config", f"{folder}/server.json", "--state", f"{folder}/grace.state")
    place.post("/key", exchange.upload(5))
    check(place.post("/queries", exchange.query(5))[:2] == (200, exchange.answer), "in force: answered")
    before = place.config(USE_CASE)[1]
    began = time.monotonic()
    compile_rows(folder, USE_CASE, 8000, "--shards", str(2 * SHARDS))
    place.server.wait_version(os.readlink(f"{folder}/data/{USE_CASE}/current"))
    statuses = []

    def is_gone():
        if time.monotonic() - began > GRACE_S:
            place.server.process.send_signal(signal.SIGHUP)
        statuses.append(place.post("/queries", exchange.query(5))[0])
        return statuses[-1] != 200
    check(configs_of(place.config(USE_CASE)[1])[0] != configs_of(before)[0], "another configuration is in force")
    is_in_time = time.monotonic() - began < GRACE_S - 1
    wait_until(is_gone)
    check(statuses[-1] == 410 and (len(statuses) > 1 or not is_in_time),
          f"the old configuration is answered for a grace of {GRACE_S} s, then 410", (statuses, is_in_time))
    check(is_json_error(place.post("/queries", exchange.query(5)), 410, "configuration"), "and says what is gone")
    place.server.end()


# ---- reports ----

def test_reports(folder):
    reports = f"{folder}/reports"
    os.mkdir(reports)
    place = Place(folder, "--reports", reports, "--state", f"{folder}/reports.state")

    def report(body, content_type=None, agent="reporter/1 \"x\""):
        return place.client.ask("POST", "/report", body, **{name: value for name, value in (
            ("Content_Type", content_type), ("User_Agent", agent)) if value is not None})
    cases = ((b'["a.example/x","b\\n\\u00e4"]', "application/json", ["a.example/x", "b\nä"]), (b"[]", "application/json", []),
             (field(1, b"a.example/x") + field(1, "ä".encode()), None, ["a.example/x", "ä"]),
             (field(1, b"c.example"), "application/octet-stream", ["c.example"]), (b"", "application/x-protobuf", []),
             (b'["d.example"]', "application/json; charset=utf-8", ["d.example"]))
    for body, content_type, _ in cases:
        reply = report(body, content_type)
        check(reply[:2] == (200, b"") and reply[2]["Content-Type"] is None, f"a report as {content_type}: 200, empty", reply)
    check(report(b"[]", "application/json", None)[0] == 200, "without User-Agent as well")
    bad = ((b"\xff\xfe\0", None), (b"\xff\xfe\0", "application/json"), (b'["half', "application/json"), (b"{}", "application/json"),
           (b'"x"', "application/json"), (b"[1]", "application/json"), (b"[null]", "application/json"), (b"[[]]", "application/json"),
           (b'["a"] x', "application/json"), (b'["\xff"]', "application/json"), (b"", "application/json"), (b"[]", None),
           (field(1, b"\xff\xff"), None), (field(1, b"abc")[:-1], None), (b"\x08\x01" + field(1, b"x")[:1], None))
    wrong = [(body, kind, reply[:2]) for body, kind in bad for reply in [report(body, kind)] if not is_json_error(reply, 400)]
    check(not wrong, f"{len(bad)} broken reports: 400", wrong)
    big = json.dumps(["x" * 1000] * 1020).encode()
    check(report(big, "application/json")[0] == 200 and report(big + b" " * (1 << 20), "application/json")[0] == 413,
          "a megabyte is taken, two are not")
    check(report(json.dumps(["x"] * 10001).encode(), "application/json")[0] == 413 and
          report(json.dumps(["x" * 8193]).encode(), "application/json")[0] == 413, "nor too many URLs, nor too long ones")
    place.server.end()
    with open(f"{reports}/reports.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    check([line["urls"] for line in lines[:6]] == [urls for _, _, urls in cases], "one JSON line a report, in their order", lines[:6])
    check(len(lines) == 8 and all(set(line) == {"receivedAt", "userAgent", "urls"} for line in lines) and
          all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["receivedAt"]) for line in lines) and
          [line["userAgent"] for line in lines[:1] + lines[6:7]] == ["reporter/1 \"x\"", ""], "with time and agent, no identifier")
    check(os.stat(f"{reports}/reports.jsonl").st_mode & 0o777 == 0o600, "for the owner's eyes")


def test_no_reports(place):
    before = {name for _, _, names in os.walk(place.folder) for name in names}
    for body, content_type in ((field(1, b"a.example"), None), (b'["a.example"]', "application/json"), (b"[]", "application/json")):
        check(place.client.ask("POST", "/report", body, **({"Content_Type": content_type} if content_type else {}))[:2] == (200, b""),
              f"without a folder a report as {content_type} is dropped: 200")
    check(place.client.ask("POST", "/report", b"\xff\xfe\0")[0] == 400, "a broken one is 400 all the same")
    after = {name for _, _, names in os.walk(place.folder) for name in names}
    check(before == after, "nothing is written", after - before)


def main():
    folder = working_folder("contract")
    try:
        compile_rows(folder, USE_CASE, 8000, "--shards", str(SHARDS))
        compile_rows(folder, SECOND, 40000, "--shards", "1", "--parameters", "n_4096_logq_27_28_28_logt_4")
        compile_rows(folder, MANY, 10, "--shards", str(MANY_SHARDS))
        place = Place(folder)
        test_forms(place)
        test_names(place)
        test_public(place)
        test_compression(place)
        exchange, other = (Exchange(TOOL, place.server.port, name, "https://row3.example/") for name in (USE_CASE, SECOND))
        test_keys(place, exchange, other)
        test_stored_keys(place, exchange)
        test_no_reports(place)
        check("row3" not in place.server.log() and "someone" not in place.server.log(), "the log names nobody")
        place.server.end()
        test_quota(folder, exchange)
        test_protobuf_errors(folder, exchange)
        test_reports(folder)
        test_grace(folder, exchange)
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
