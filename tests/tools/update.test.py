#!/usr/bin/env python3
"""blindlist update: sources that come, change, fail and go empty, under a running server. Prints TAP."""
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PATIENCE_S, wait_until  # noqa: E402
from served import Server  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import BUILD, USE_CASE, Done, Site, Workplace, environment  # noqa: E402


def hosts(count, start=0):
    return "".join(f"0.0.0.0 bad{i}.example\n" for i in range(start, start + count)).encode()


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    body = hosts(100)
    status = 200
    answers = []
    asked, may_answer = threading.Event(), threading.Event()

    def log_message(self, *_):
        pass

    def do_GET(self):
        Web.asked.set()
        Web.may_answer.wait(PATIENCE_S)
        etag = '"%s"' % hashlib.sha256(Web.body).hexdigest()[:8]
        same = self.headers.get("If-None-Match") == etag and Web.status == 200
        status, body = (304, b"") if same else (Web.status, Web.body)
        Web.answers.append(status)
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def verdict(server, url):
    return Done([f"{BUILD}/blindlist", "check", "--server", f"http://127.0.0.1:{server.port}", "--use-case", USE_CASE,
                 url]).code


def web(**more):
    return {**site.source("/list"), "id": "web", **more}


def test_life(place):
    own = {"id": "own", "file": "own.txt", "license": "CC0"}
    place.write("own.txt", b"\xef\xbb\xbfown.example\nno-dot\n")
    path = place.lists(web(format="hosts"), own, keepVersions=2)
    done = place.update(path)
    sources = done.json.get("sources", [{}, {}])
    check(done.code == 0 and done.json["changed"] and done.json["rows"] == 102, "a first version", done)
    check(done.json["version"] == place.in_force() and sources[0]["state"] == "new" and sources[0]["kept"] == 100 and
          sources[1]["state"] == "file" and done.json["lists"]["droppedFor"] == {"single-label": 1},
          "what is told of it", done)
    recorded = json.loads(place.published("dataset.json"))["sources"]
    check([(s["name"], s.get("license"), s["sha256"]) for s in recorded] ==
          [("web", None, hashlib.sha256(Web.body).hexdigest()),
           ("own", "CC0", hashlib.sha256(open(f"{place.folder}/own.txt", "rb").read()).hexdigest())],
          "sources, digests and licenses are recorded", recorded)
    server = Server(place.data)
    check(verdict(server, "https://bad7.example/") == 3 and verdict(server, "https://bad105.example/") == 0,
          "it is served")
    first = place.in_force()
    done = place.update(path)
    check(done.code == 0 and done.json["changed"] is False and Web.answers[-1] == 304 and place.in_force() == first,
          "unchanged (304)", done)
    done = Done(place.words(path))
    check(done.code == 0 and done.out == f"{USE_CASE} version {first}: unchanged, nothing is published\n",
          "and said to people", done)
    check(place.update(path, "--exit-code").code == 4, "and with --exit-code to scripts")
    Web.body = hosts(110)
    done = place.update(path)
    second = place.in_force()
    check(done.code == 0 and done.json["changed"] and done.json["rows"] == 112 and second != first, "changed", done)
    check(wait_until(lambda: verdict(server, "https://bad105.example/") == 3), "a running server takes it up",
          server.log())
    Web.status = 500
    done = place.update(path)
    check(done.code == 0 and done.json["changed"] is False and done.json["sources"][0]["state"] == "copy" and
          "blindlist: warning: web" in done.err, "the source is down: its copy stands in", done)
    Web.status = 200
    Web.body = b"# nothing\n"
    done = place.update(path)
    check(done.code == 3 and done.out == "" and place.in_force() == second and
          "refused: 1 rows, 99.1 % less than the 111 before, at most 50.0 % may go (maxShrink)" in done.err,
          "a source that went empty is refused", done)
    done = place.update(path, "--force")
    check(done.code == 0 and done.json["changed"] and done.json["rows"] == 2, "unless forced", done)
    Web.body = hosts(300)
    done = place.update(path)
    check(done.code == 3 and "30000.0 % more than the 1 before, at most 100.0 % may come (maxGrowth)" in done.err,
          "a source that exploded is refused", done)
    done = place.update(path, "--force")
    check(done.code == 0 and done.json["rows"] == 302, "unless forced, too", done)
    check(server.end() == 0, "the server ends")
    Web.body = hosts(310)
    done = place.update(path)
    versions = place.versions()
    check(done.code == 0 and done.json["versionsRemoved"] >= 1 and len(versions) == 2 and place.in_force() in versions,
          "old versions are removed when no server holds them", done)


def test_guard_and_faults(place):
    place.write("few.txt", b"a.example\n")
    few = {"id": "few", "file": "few.txt"}
    for what, sources, output, code, message in (
            ("too few rows the first time", [few], {"guard": {"minRows": 2}}, 3,
             "refused: 1 rows, at least 2 are wanted (minRows)"),
            ("a list that is not there", [few, {"id": "x", "file": "none.txt"}], {}, 1,
             "1 of 2 lists failed: nothing is published"),
            ("a source that is down without a copy", [{**web(), "url": "http://127.0.0.1:1/"}], {}, 1,
             "1 of 1 lists failed"),
            ("an unknown key", [{**few, "formt": "rows"}], {}, 1, "$.sources[0].formt: "),
            ("an array that is cut off", [{**few, "format": "json"}], {}, 1, "blindlist: few: ")):
        done = place.update(place.lists(*sources, **output))
        check(done.code == code and message in done.err and place.in_force() is None, what, done)
    for options in ((), ("a", "b", "--data", "d"), ("a", "--data", "d", "--threads", "0"), ("a",)):
        done = Done([f"{BUILD}/blindlist", "update", *options])
        check(done.code == 2, f"wrong usage: {' '.join(options)}", done)


def test_formats(place):
    place.write("f.csv", b'"1","now","http://a.example/x","online"\n')
    place.write("f.rpz", b"b.example CNAME .\n")
    place.write("f.conf", b"address=/c.example/\n")
    place.write("f.abp", b"||d.example^\n||not.example^\n||icloud.com^\n")
    place.write("f.arr", b'["e.example", "https://f.example/y"]')
    path = place.lists({"id": "csv", "file": "f.csv", "format": "urlhaus-csv"},
                 {"id": "rpz", "file": "f.rpz", "format": "rpz"},
                 {"id": "dnsmasq", "file": "f.conf", "format": "dnsmasq"},
                 {"id": "abp", "file": "f.abp", "format": "adblock", "exclude": ["^\\|\\|not"]},
                 {"id": "json", "file": "f.arr", "format": "json", "include": ["^e\\.", "/y$"]})
    done = place.update(path)
    rows = place.published("rows.txt").split()
    check(done.code == 0 and rows == ["a.example/x", "b.example", "c.example", "d.example", "e.example",
                                      "f.example/y", "www.apple.com/url-filter-test"] and
          done.json["lists"]["droppedFor"] == {"filtered": 1, "apple-host": 1}, "each format by its name, and patterns", rows)


def test_two_at_once(place):
    """The second one begins while the first one waits for its list."""
    Web.asked.clear()
    Web.may_answer.clear()
    path = place.lists(web())
    with subprocess.Popen(place.words(path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=environment()) as child:
        check(Web.asked.wait(PATIENCE_S), "the first one asks for its list")
        done = place.update(path)
        check(done.code == 1 and "another update is at work" in done.err, "two updates exclude each other", done)
        Web.may_answer.set()
        check(child.wait(PATIENCE_S) == 0, "and the first one is done")


Web.may_answer.set()
site = Site(Web)
try:
    for test in (test_life, test_guard_and_faults, test_formats, test_two_at_once):
        place = Workplace("update")
        test(place)
        place.remove()
finally:
    Server.end_all()
    place.remove()
sys.exit(finish())
