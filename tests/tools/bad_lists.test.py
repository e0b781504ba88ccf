#!/usr/bin/env python3
"""blindlist update: lists that are cut off, binary, of another format, huge; servers that misbehave; a lists.json that is
wrong. Always an exit code, a message that names source and place, and a data folder as it was before. Prints TAP.
tests/tools/sources.test.py has what a server can do wrong in more detail."""
import gzip
import http.server
import json
import os
import random
import re
import shutil
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import check, finish, skip  # noqa: E402
from updating import BUILD, Site, TEST_ROW, Workplace, certificate  # noqa: E402

SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD) is not None
HUGE = 5_000_000 if SANITIZED else 100_000_000
BUSY_S = 60      # of processor time: many times what is usual, and nothing against what is quadratic
MEMORY_MB = 250  # a file of 100 MB, read whole, and what its buffer grew by
OWN = {"id": "own", "file": "own.txt"}

# A list of three keys in each format, and an entry of any length.
FORMATS = {
    "auto": ("0.0.0.0 a.example\n||b.example^\nc.example/x\n", "||%s.example^"),
    "plain": ("# plain\na.example\nhttps://b.example/\nc.example/x\n", "%s.example"),
    "hosts": ("127.0.0.1 a.example b.example # two\n:: c.example\n", "0.0.0.0 %s.example"),
    "dnsmasq": ("address=/a.example/b.example/\nserver=/c.example/\n", "address=/%s.example/"),
    "adblock": ("[Adblock Plus 2.0]\n! list\n||a.example^\n||b.example^$all\n||c.example/x^\n", "||%s.example^"),
    "urlhaus-csv": ('# id,dateadded,url\n"1","now","http://a.example/x?1","on"\n"2","now","http://b.example/y","on"\n'
                    '"3","now","https://c.example/z","on"\n', '"4","now","http://%s.example/","on"'),
    "urlhaus-text": ("# urls\nhttp://a.example/x\nhttp://b.example/y\nhttps://c.example/z\n", "http://%s.example/"),
    "rpz": ("$TTL 60\n@ SOA ns.example. mail.example. 1 60 60 60 60\na.example CNAME .\nb.example CNAME *.\n"
            "c.example A 0.0.0.0\n", "%s.example CNAME ."),
    "json": ('["a.example",\n "b.example",\n "https://c.example/x"\n]\n', '["%s.example"]'),
}
LINES = [name for name in FORMATS if name != "json"]


def state():
    """Of the data folder, but for copies of sources."""
    return place.in_force(), place.versions(), place.published("rows.txt"), place.unfinished()


def left_alone(what, done, code, *words):
    """An update that failed: how, and that nothing has changed since remember()."""
    check(done.code == code and all(word in done.err for word in words) and done.out == "" and
          remembered == state() and not remembered[3], what, f"{done}\n{remembered}\n{state()}")


def remember():
    global remembered
    remembered = state()


def went_well(what, done, rows_hold, *more):
    check(done.code == 0 and rows_hold(place.rows()) and not place.unfinished() and all(more), what,
          f"{done}\n{place.rows()[:40]} {more}")


def source(format, name="bad", **more):
    return {"id": "bad", "file": name, "format": format, **more}


def update(*sources, **output):
    return place.update(place.lists(OWN, *sources, keepVersions=1, guard={"maxGrowth": 1e5, "maxShrink": 0.9999}, **output))


def back_to_good():
    done = update()
    check(done.code == 0 and place.rows() == ["own.example"], "the good list alone again", done)
    remember()


def drops():
    return json.loads(place.published("report.json"))["drops"]


# ---- texts ----

def test_truncated():
    """Cut at each byte: what stands in whole lines is kept, and nothing that stands nowhere."""
    for name in LINES:
        text = FORMATS[name][0]
        for cut in range(len(text)):
            place.write(f"cut/{cut:03}", text[:cut])
        done = update({"id": "bad", "glob": "cut/*", "format": name})
        keys = {"own.example", "a.example", "b.example", "c.example"}
        went_well(f"{name}: cut at each of {len(text)} bytes", done,
                  lambda rows: all(any(row in part for part in text.split() + list(keys)) for row in rows) and
                  len([row for row in rows if row[:9] in keys]) >= 3)
        shutil.rmtree(f"{place.folder}/cut")
    back_to_good()
    text = FORMATS["json"][0]
    for cut in range(0, len(text) - 2, 7):
        place.write("bad", text[:cut])
        left_alone(f"json: cut at byte {cut}", update(source("json")), 1, "blindlist: bad: line ", ", column ")


def test_binary():
    back_to_good()
    noise = random.Random(1).randbytes(50000)
    place.write("bad", noise)
    left_alone("random bytes", update(source("auto")), 1, f"blindlist: bad: {place.folder}/bad: line ",
               f": byte {noise.index(0)} of the text is NUL: this is no list")
    for name in LINES:
        place.write("bad", b"d.example\n||d.example^\n" + noise.replace(b"\0", b"\xff") + b"\n")
        done = update(source(name))
        went_well(f"{name}: random bytes without NUL", done, lambda rows: set(rows) <= {"own.example", "d.example"},
                  done.json.get("lists", {}).get("dropped", 0) > 50)
    back_to_good()
    place.write("bad", noise.replace(b"\0", b"\xff"))
    left_alone("json: random bytes", update(source("json")), 1, "blindlist: bad: line 1, column 1: ")
    for what, content, words in (("UTF-16", "a.example".encode("utf-16"), "line 1: byte 3 of the text is NUL"),
                                 ("NUL in line 3", b"a\nb\nc\0", "line 3: byte 5 of the text is NUL"),
                                 ("xz", b"\xfd7zXZ\0" + noise, "packed with xz; gzip and zstd are read"),
                                 ("an HTML page", b"<!DOCTYPE html><p>", "is an HTML page, no list")):
        place.write("bad", content)
        left_alone(what, update(source("auto")), 1, f"blindlist: bad: {place.folder}/bad: {words}")


def test_wrong_format():
    for name in LINES:
        for other in FORMATS:
            place.write(f"as-{other}", FORMATS[other][0])
        back_to_good()
        done = update(*({"id": f"as-{other}", "file": f"as-{other}", "format": name} for other in FORMATS))
        told = {drop["file"] for drop in drops()}
        went_well(f"each format read as {name}: what is dropped is told with source and line", done,
                  lambda rows: all("example" in row for row in rows),
                  {s["name"] for s in done.json.get("sources", []) if s["dropped"] > 0} == told,
                  all(1 <= drop["line"] <= 6 and drop["reason"] for drop in drops()))
    back_to_good()
    for other in LINES:
        place.write("bad", FORMATS[other][0])
        left_alone(f"{other} read as json", update(source("json")), 1, "blindlist: bad: line 1, column ")
    left_alone("a format that there is not", update(source("zonefile")), 1,
               f"blindlist: {place.folder}/lists.json: $.sources[1].format: \"zonefile\" is none of auto, plain, ")


def test_long_lines():
    for name in LINES:
        text, entry = FORMATS[name]
        place.write("bad", text + entry % ("x" * 1_000_000) + "\n" + entry % "last" + "\n")
        line = text.count("\n") + 1
        back_to_good()
        done = update(source(name))
        went_well(f"{name}: a line of 1 MB is dropped, those around it are not", done,
                  lambda rows: {"a", "b", "c", "last"} <= {row.split(".")[0] for row in rows},
                  ("bad", line, "line-too-long") in [(d["file"], d["line"], d["reason"]) for d in drops()])
    place.write("bad", json.dumps(["a.example", "x" * 1_000_000, "", 7, [["b.example"] * 100_000], "last.example"]))
    done = update(source("json"))
    went_well("json: an item of 1 MB is dropped, others that are no URLs, too", done,
              lambda rows: rows == ["a.example", "last.example", "own.example"],
              [(d["line"], d["reason"]) for d in drops()] ==
              [(2, "line-too-long"), (3, "empty"), (4, "format"), (5, "line-too-long")])
    place.write("bad", '["", ""]')
    went_well("json: nothing but empty texts", update(source("json")), lambda rows: rows == ["own.example"])


def write_huge(character):
    """Piece by piece: the memory of this program is counted to those that it starts."""
    with open(f"{place.folder}/bad", "wb") as file:
        for _ in range(HUGE // 1_000_000):
            file.write(character.encode() * 1_000_000)


def test_slow_patterns():
    """A regular expression that takes exponential time on an entry."""
    slow = "a" * 60 + "!.example"
    for name, content, at in (("plain", f"b.example\n\n{slow}\n", "line 3"), ("json", json.dumps(["x", slow]), "item 2")):
        place.write("bad", content)
        left_alone(f"{name}: a pattern that never ends", update(source(name, exclude=["(a+)+$"])), 1,
                   f"blindlist: bad: {at}: exclude pattern 0 takes too long on an entry of 69 bytes\n")


def is_modest(done):
    return SANITIZED or (done.busy_seconds < BUSY_S and done.megabytes < MEMORY_MB)


def test_huge():
    back_to_good()
    for character in "a|\n":
        write_huge(character)
        for name in ("auto", "adblock", "urlhaus-csv"):
            done = update(source(name))
            check(done.code == 0 and done.json["changed"] is False and is_modest(done),
                  f"{name}: {HUGE // 1_000_000} MB of {character!r}", done)
            if character == "\n":
                break  # each line is read: seconds
    for character in ' ["\n':
        write_huge(character)
        done = update(source("json"))
        left_alone(f"json: {HUGE // 1_000_000} MB of {character!r}", done, 1, "blindlist: bad: line ", ", column ")
        check(is_modest(done), "in little time and memory", done)
    place.write("bad", "[" + "[]," * 1_000_000 + '"own.example"]')
    done = update(source("json"))
    check(done.code == 0 and is_modest(done), "json: very many small items", done)
    place.write("bad", "a.example\n" * 20)
    left_alone("a file beyond maxBytes", update(source("auto", maxBytes=199)), 1, "bad: ", "larger than 199 bytes")


# ---- packed ----

def zstd_repeated(block_bytes, blocks):
    """A frame (RFC 8878) of blocks that say "this byte, so many times": 4 bytes each."""
    last = [False] * (blocks - 1) + [True]
    return b"\x28\xb5\x2f\xfd\x00\x58" + b"".join((block_bytes << 3 | 1 << 1 | end).to_bytes(3, "little") + b"a"
                                                  for end in last)


def gzip_repeated(megabytes):
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b"a" * 1_000_000) for _ in range(megabytes)) + packer.flush()


def test_packed():
    many = b"".join(b"%d.example\n" % (i * i) for i in range(1000))
    packed = gzip.compress(many)
    place.write("bad", packed)
    went_well("gzip", update(source("auto")), lambda rows: len(rows) == 1001)
    back_to_good()
    place.write("bad", zstd_repeated(1000, 2))
    went_well("zstd", update(source("auto")), lambda rows: rows == ["own.example"])
    remember()
    for what, content, words in (
            ("half a gzip", packed[:len(packed) // 2], f"gzip, byte {len(packed) // 2}: the stream is cut off"),
            ("a gzip with a wrong byte", packed[:400] + b"\xff" + packed[401:], "gzip, byte "),
            ("a gzip with something behind", packed + b"a.example\n", f"gzip, byte {len(packed)}: something else"),
            ("half a zstd", zstd_repeated(1000, 2)[:-3], "zstd, byte 11: the stream is cut off"),
            ("a zstd with a wrong byte", b"\x28\xb5\x2f\xfd\x00\x58\xff\xff\xff", "zstd, byte "),
            ("a gzip bomb", gzip_repeated(100), "unpacks to more than 200 times its size"),
            ("a zstd bomb", zstd_repeated(131072, 8000), "unpacks to more than 200 times its size"),
            ("a bomb in a gzip", gzip.compress(gzip_repeated(100)),
             "unpacks to more than 200 times its size"),
            ("more than maxBytes", gzip.compress(random.Random(2).randbytes(3_000_000).hex().encode()),
             "unpacks to more than 5000000 bytes")):
        place.write("bad", content)
        done = update(source("auto", maxBytes=5_000_000))
        left_alone(what, done, 1, f"blindlist: bad: {place.folder}/bad: ", words)
        check(SANITIZED or done.megabytes < 60, f"{what}: little memory", done)


# ---- servers ----

class Faulty(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = length is not None

    def do_GET(self):
        if self.path == "/redirect":
            self.answer(302, Location="/redirect")
        elif self.path == "/farther":  # never the same twice
            self.answer(301, Location="/farther" + "?" * random.randint(1, 9))
        elif self.path.startswith("/farther"):
            self.answer(301, Location=self.path + "x")
        elif self.path == "/fault":
            self.answer(500, b"a.example\n")
        elif self.path == "/half":
            self.answer(200, gzip.compress(b"a.example\n" * 1000)[:30])
        elif self.path == "/short":
            self.answer(200, b"a.example\n", length=100)
        elif self.path == "/bomb":
            self.answer(200, gzip_repeated(100))
        elif self.path == "/zbomb":
            self.answer(200, zstd_repeated(131072, 8000))
        else:
            self.answer(200, b"a.example\n")


def test_servers():
    site = Site(Faulty)
    safe = Site(Faulty, certificate(place.folder, "nobody"))
    for what, wanted, words in (
            ("an endless redirect to itself", site.source("/redirect"), "more than 5 redirects"),
            ("an endless redirect", site.source("/farther"), "more than 5 redirects"),
            ("HTTP 500", site.source("/fault"), "the server answered 500"),
            ("half a gzip from a server", site.source("/half"), "gzip, byte 30: the stream is cut off"),
            ("half an answer", site.source("/short"), "transfer closed with 90 bytes remaining"),
            ("a gzip bomb from a server", site.source("/bomb"), "unpacks to more than 200 times its size"),
            ("a zstd bomb from a server", site.source("/zbomb"), "unpacks to more than 200 times its size"),
            ("a certificate that nobody signed", safe.source("/list"), "the server is not trusted"),
            ("TLS spoken to a server without", {**site.source("/tls"), "url": site.source("/tls")["url"].replace(
                "http:", "https:")}, "")):
        left_alone(what, update(wanted), 1, f"blindlist: {wanted['id']} (http", words,
                   "blindlist: 1 of 2 lists failed: nothing is published")
    done = update(safe.source("/list", ca="nobody.pem"))
    went_well("the same server, trusted", done, lambda rows: rows == ["a.example", "own.example"])
    back_to_good()


# ---- lists.json ----

def test_includes():
    place.write("b.json", {"sources": [{"import": "c/c.json"}]})
    place.write("c/c.json", {"sources": [{"import": "../b.json"}]})
    left_alone("files that import each other", update({"import": "b.json"}), 1,
               "c/c.json: $.sources[0].import: ", "c/../b.json imports itself by way of others")
    left_alone("a file that imports itself", update({"import": "lists.json"}), 1,
               f"{place.folder}/lists.json: $.sources[1].import: {place.folder}/lists.json imports itself")
    left_alone("a file that is not there", update({"import": "none.json"}), 1, "$.sources[1].import: ", "none.json")
    for i in range(10):
        place.write(f"a-rather-long-name-of-a-file-{i}.json",
                    {"sources": [{"import": f"./a-rather-long-name-of-a-file-{i + 1}.json"}]})
    left_alone("files that import without end", update({"import": "a-rather-long-name-of-a-file-0.json"}), 1,
               "file-6.json: $.sources[0].import: more than 8 files deep\n")
    place.write("b.json", {"sources": [{"id": "own", "file": "own.txt"}]})
    left_alone("an id that another file has", update({"import": "b.json"}), 1,
               "b.json: $.sources[0].id: \"own\" is the id of ", "lists.json: $.sources[0] already")
    left_alone("an id twice", update(dict(OWN)), 1, "lists.json: $.sources[1].id: \"own\" is the id of ")
    place.write("lists.json", '{"useCase": "x", "sources": [], "sources": []}')
    left_alone("a key twice", place.update(f"{place.folder}/lists.json"), 1, "lists.json: line 1, column ")
    for cut in (0, 1, 20, 60):
        place.lists(OWN)
        with open(f"{place.folder}/lists.json", "r+b") as file:
            file.truncate(cut)
        left_alone(f"lists.json cut at byte {cut}", place.update(f"{place.folder}/lists.json"), 1,
                   "lists.json: line 1, column ")


# A value of the right type for each key; every other type is wrong, except where two types are taken.
OUTPUT = {"shards": 1, "rowsPerShard": 9, "hashFunctions": 1, "falsePositiveRate": 0.5, "prefilterSize": 1000,
          "murmurSeed": 1, "keepPrivateSuffixes": False, "keepAppleHosts": False, "protect": [],
          "prune": True, "splitParents": False, "keepVersions": 2, "guard": {}}
GUARD = {"maxShrink": 0.5, "maxGrowth": 2.0, "minRows": 1}
SOURCE = {"id": "x", "file": "own.txt", "glob": "*", "url": "https://a.example/", "format": "auto", "trust": "block",
          "category": "x", "license": "x", "include": [], "exclude": [], "accept": [], "maxBytes": 9, "timeout": 9,
          "maxAge": 9, "retries": 1, "ca": "x", "allowHttp": True}
WRONG = [None, True, 7, 1.5, "?!", ["?!"], {"x": 1}]


def is_taken(right, wrong):
    """Whether a value of another type may stand there, too."""
    if isinstance(right, bool) or isinstance(wrong, bool):
        return isinstance(right, bool) and isinstance(wrong, bool)
    if isinstance(right, (str, list, dict)):
        return isinstance(wrong, str) and isinstance(right, str)
    return isinstance(wrong, int) or (isinstance(right, float) and isinstance(wrong, float))


def mistyped():
    """(path, output, sources) of everything that is of a wrong type, or unknown."""
    for key, right in OUTPUT.items():
        for wrong in [w for w in WRONG if not is_taken(right, w)]:
            yield f"$.output.{key}", {key: wrong}, [OWN]
    for key, right in GUARD.items():
        for wrong in [w for w in WRONG if not is_taken(right, w)]:
            yield f"$.output.guard.{key}", {"guard": {key: wrong}}, [OWN]
    for key, right in SOURCE.items():
        base = {k: v for k, v in OWN.items() if k != "file" or key not in ("glob", "url")}
        for wrong in [w for w in WRONG if not is_taken(right, w)]:
            url = {"url": SOURCE["url"]} if key in ("timeout", "maxAge", "retries", "ca", "allowHttp") else {}
            start = {"id": "x", **url} if url else base
            yield f"$.sources[0].{key}", {}, [{**start, key: wrong}]
    for wrong in [w for w in WRONG if not isinstance(w, dict)]:
        yield "$.sources[0]", {}, [wrong]
        yield "$.output", wrong, [OWN]
    for wrong in [w for w in WRONG if not isinstance(w, list)]:
        yield "$.sources", {}, wrong
    yield "$.output.shard", {"shard": 1}, [OWN]
    yield "$.output.guard.maxShrunk", {"guard": {"maxShrunk": 0.5}}, [OWN]
    yield "$.sources[0].uri", {}, [{**OWN, "uri": "x"}]
    yield "$.sources[0].imports", {}, [{"imports": "x"}]
    yield "$.sources[0].id", {}, [{"import": "b.json", "id": "x"}]


def test_keys():
    count = 0
    for path, output, sources in mistyped():
        file = place.write("lists.json", {"useCase": "x", "sources": sources, "output": output})
        done = place.update(file)
        count += 1
        if done.code != 1 or not done.err.startswith(f"blindlist: {file}: {path}") or state() != remembered:
            check(False, f"{path} of {output} {sources}", done)
    check(count > 100, f"{count} keys of lists.json that are unknown or of a wrong type are named by their path", count)
    for root in WRONG[:6] + [{"useCase": "x"}, {"sources": []}, {"useCase": 7, "sources": [OWN]},
                             {"useCase": "../x", "sources": [OWN]}, {"useCase": "x", "sources": [], "x": 1}]:
        file = place.write("lists.json", json.dumps(root))
        left_alone(f"lists.json is {json.dumps(root)}", place.update(file), 1, f"blindlist: {file}: ")


place = Workplace("bad-lists")
try:
    place.write("own.txt", "own.example\n")
    first = update()
    remember()
    check(first.code == 0 and place.published("rows.txt").split() == ["own.example", TEST_ROW], "a good list", first)
    test_truncated()
    test_binary()
    test_wrong_format()
    test_long_lines()
    back_to_good()
    test_slow_patterns()
    test_huge()
    test_packed()
    test_servers()
    test_includes()
    test_keys()
    if SANITIZED:
        skip("100 MB of one character, and the memory that it takes: in the build without sanitizers")
finally:
    place.remove()
sys.exit(finish())
