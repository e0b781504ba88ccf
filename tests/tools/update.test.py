#!/usr/bin/env python3
"""blindlist update: sources that come, change, fail and go empty, under a running server. Prints TAP."""
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"


def hosts(count, start=0):
    return "".join(f"0.0.0.0 bad{i}.example\n" for i in range(start, start + count)).encode()


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    body = hosts(100)
    status = 200
    wait = 0.0
    answers = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        time.sleep(Web.wait)
        etag = '"%s"' % hashlib.sha256(Web.body).hexdigest()[:8]
        same = self.headers.get("If-None-Match") == etag and Web.status == 200
        status, body = (304, b"") if same else (Web.status, Web.body)
        Web.answers.append(status)
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Done:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.json = json.loads(self.out) if self.out.startswith("{") else {}

    def __str__(self):
        return f"exit code {self.code}\n{self.out}{self.err}"


def environment():
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


def write(name, content):
    with open(f"{folder}/{name}", "wb") as file:
        file.write(content if isinstance(content, bytes) else json.dumps(content).encode())
    return f"{folder}/{name}"


def lists(*sources, **output):
    return write("lists.json", {"useCase": USE_CASE, "sources": sources, "output": output})


def words(path, *options, data="data"):
    return [f"{BUILD}/blindlist", "update", path, "--data", f"{folder}/{data}", *options]


def update(path, *options, data="data"):
    return Done(subprocess.run(words(path, "--json", *options, data=data), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=120, text=True,
                               env=environment()))


def in_force(data="data"):
    path = f"{folder}/{data}/{USE_CASE}/current"
    return os.path.basename(os.readlink(path)) if os.path.islink(path) else None


def verdict(server, url):
    return subprocess.run([f"{BUILD}/blindlist", "check", "--server", f"http://127.0.0.1:{server.port}",
                           "--use-case", USE_CASE, url], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode


def web(**more):
    return {"id": "web", "url": f"http://127.0.0.1:{port}/list", "allowHttp": True, "retries": 0, **more}


def test_life():
    own = {"id": "own", "file": "own.txt", "license": "CC0"}
    write("own.txt", b"\xef\xbb\xbfown.example\nno-dot\n")
    path = lists(web(format="hosts"), own, keepVersions=2)
    done = update(path)
    sources = done.json.get("sources", [{}, {}])
    check(done.code == 0 and done.json["changed"] and done.json["rows"] == 102, "a first version", done)
    check(done.json["version"] == in_force() and sources[0]["state"] == "new" and sources[0]["kept"] == 100 and
          sources[1]["state"] == "file" and done.json["lists"]["droppedFor"] == {"single-label": 1},
          "what is told of it", done)
    with open(f"{folder}/data/{USE_CASE}/current/dataset.json", encoding="utf-8") as file:
        recorded = json.load(file)["sources"]
    check([(s["name"], s.get("license"), s["sha256"]) for s in recorded] ==
          [("web", None, hashlib.sha256(Web.body).hexdigest()),
           ("own", "CC0", hashlib.sha256(open(f"{folder}/own.txt", "rb").read()).hexdigest())],
          "sources, digests and licenses are recorded", recorded)
    server = Server(f"{folder}/data")
    check(verdict(server, "https://bad7.example/") == 3 and verdict(server, "https://bad105.example/") == 0,
          "it is served")
    first = in_force()
    done = update(path)
    check(done.code == 0 and done.json["changed"] is False and Web.answers[-1] == 304 and in_force() == first,
          "unchanged (304)", done)
    done = Done(subprocess.run(words(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=environment()))
    check(done.code == 0 and done.out == f"{USE_CASE} version {first}: unchanged, nothing is published\n",
          "and said to people", done)
    Web.body = hosts(110)
    done = update(path)
    second = in_force()
    check(done.code == 0 and done.json["changed"] and done.json["rows"] == 112 and second != first, "changed", done)
    until = time.monotonic() + 20
    while verdict(server, "https://bad105.example/") != 3 and time.monotonic() < until:
        time.sleep(0.1)
    check(verdict(server, "https://bad105.example/") == 3, "a running server takes it up", server.log())
    Web.status = 500
    done = update(path)
    check(done.code == 0 and done.json["changed"] is False and done.json["sources"][0]["state"] == "copy" and
          "blindlist: warning: web" in done.err, "the source is down: its copy stands in", done)
    Web.status = 200
    Web.body = b"# nothing\n"
    done = update(path)
    check(done.code == 3 and done.out == "" and in_force() == second and
          "refused: 1 rows, 99.1 % less than the 111 before, at most 50.0 % may go (maxShrink)" in done.err,
          "a source that went empty is refused", done)
    done = update(path, "--force")
    check(done.code == 0 and done.json["changed"] and done.json["rows"] == 2, "unless forced", done)
    Web.body = hosts(300)
    done = update(path)
    check(done.code == 3 and "30000.0 % more than the 1 before, at most 100.0 % may come (maxGrowth)" in done.err,
          "a source that exploded is refused", done)
    done = update(path, "--force")
    check(done.code == 0 and done.json["rows"] == 302, "unless forced, too", done)
    check(server.end() == 0, "the server ends")
    Web.body = hosts(310)
    done = update(path)
    versions = [name for name in os.listdir(f"{folder}/data/{USE_CASE}") if len(name) == 16]
    check(done.code == 0 and done.json["versionsRemoved"] >= 1 and len(versions) == 2 and in_force() in versions,
          "old versions are removed when no server holds them", done)


def test_guard_and_faults():
    write("few.txt", b"a.example\n")
    few = {"id": "few", "file": "few.txt"}
    for what, sources, output, code, message in (
            ("too few rows the first time", [few], {"guard": {"minRows": 2}}, 3,
             "refused: 1 rows, at least 2 are wanted (minRows)"),
            ("a list that is not there", [few, {"id": "x", "file": "none.txt"}], {}, 1,
             "1 of 2 lists failed: nothing is published"),
            ("a source that is down without a copy", [{**web(), "url": "http://127.0.0.1:1/"}], {}, 1,
             "1 of 1 lists failed"),
            ("a list of rows", [{**few, "format": "rows"}], {}, 1, '$.sources[0].format: "rows" cannot be compiled'),
            ("a prefilter size", [few], {"prefilterSize": "1MB"}, 1, "$.output.prefilterSize cannot be compiled"),
            ("an unknown key", [{**few, "formt": "rows"}], {}, 1, "$.sources[0].formt: "),
            ("an array that is cut off", [{**few, "format": "json"}], {}, 1, "blindlist: few: ")):
        done = update(lists(*sources, **output), data="faulty")
        check(done.code == code and message in done.err and in_force("faulty") is None, what, done)
    for options in ((), ("a", "b", "--data", "d"), ("a", "--data", "d", "--threads", "0"), ("a",)):
        done = subprocess.run([f"{BUILD}/blindlist", "update", *options], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        check(done.returncode == 2, f"wrong usage: {' '.join(options)}")


def test_formats():
    write("f.csv", b'"1","now","http://a.example/x","online"\n')
    write("f.rpz", b"b.example CNAME .\n")
    write("f.conf", b"address=/c.example/\n")
    write("f.abp", b"||d.example^\n||not.example^\n||icloud.com^\n")
    write("f.arr", b'["e.example", "https://f.example/y"]')
    path = lists({"id": "csv", "file": "f.csv", "format": "urlhaus-csv"},
                 {"id": "rpz", "file": "f.rpz", "format": "rpz"},
                 {"id": "dnsmasq", "file": "f.conf", "format": "dnsmasq"},
                 {"id": "abp", "file": "f.abp", "format": "adblock", "exclude": ["^\\|\\|not"]},
                 {"id": "json", "file": "f.arr", "format": "json", "include": ["^e\\.", "/y$"]})
    done = update(path, data="formats")
    with open(f"{folder}/formats/{USE_CASE}/current/rows.txt", encoding="utf-8") as file:
        rows = file.read().split()
    check(done.code == 0 and rows == ["a.example/x", "b.example", "c.example", "d.example", "e.example",
                                      "f.example/y", "www.apple.com/url-filter-test"] and
          done.json["lists"]["droppedFor"] == {"filtered": 1, "apple-host": 1}, "each format by its name, and patterns", rows)


def rows_of(data):
    with open(f"{folder}/{data}/{USE_CASE}/current/rows.txt", encoding="utf-8") as file:
        return [row for row in file.read().split() if row != "www.apple.com/url-filter-test"]


def test_selection():
    write("block.txt", b"ads.example\nwww.ads.example/x\nshop.example\na.shop.example\nevil.example/a/b\n"
          b"gone.example\nicloud.com\n")
    write("abp.txt", b"||ads.example^\n||back.example^\n||evil.example/a^\n@@||gone.example^\n"
          b"||back.example^$badfilter\n@@||ads.example^$script\n")
    write("allow.txt", b"a.shop.example/cart\nb.shop.example\ncaptive.apple.com\n")
    path = lists({"id": "block", "file": "block.txt"}, {"id": "abp", "file": "abp.txt", "format": "adblock"},
                 {"id": "never", "file": "allow.txt", "trust": "allow"})
    done = update(path, data="select")
    check(done.code == 0 and rows_of("select") == ["ads.example", "evil.example/a", "shop.example"],
          "allowed, cancelled and redundant keys are no rows", rows_of("select"))
    check(done.json.get("keys") == {"kept": 3, "cancelled": 1, "allowed": 1, "split": 0, "covered": 3},
          "and are counted", done)
    check(done.json["lists"]["exceptions"] == 5 and
          done.json["lists"]["droppedFor"] == {"options": 1, "apple-host": 1}, "as are exceptions", done)
    conflicts = done.json["conflicts"]
    check(conflicts["count"] == 3 and conflicts["solved"] == 0 and
          {"allow": {"key": "b.shop.example", "source": "never", "line": 2},
           "parent": {"key": "shop.example", "source": "block", "line": 3}, "solved": False} in conflicts["samples"] and
          "blindlist: warning: never:2: b.shop.example stays blocked: block:3 blocks shop.example, and devices know "
          "no exceptions\n" in done.err, "an allow entry below a blocked key is named with what blocks it", done)
    version = f"{folder}/select/{USE_CASE}/{in_force('select')}"
    with open(f"{version}/dataset.json", encoding="utf-8") as file:
        entry = json.load(file)["files"].get("origins", {})
    with open(f"{version}/origins", "rb") as file:
        origins = file.read()
    check(entry.get("sha256") == hashlib.sha256(origins).hexdigest() and origins.endswith(b"block\nabp\nnever\n"),
          "where the keys came from is part of the version", entry)
    verify = [f"{BUILD}/blindlist", "dataset", "verify", "--data", f"{folder}/select"]
    check(subprocess.run(verify, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0,
          "it can be verified")
    with open(f"{version}/origins", "r+b") as file:
        file.seek(len(origins) // 2)
        file.write(bytes([origins[len(origins) // 2] ^ 1]))
    done = subprocess.run(verify, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    check(done.returncode != 0 and "origins" in done.stdout, "and a flipped bit is found", done.stdout)
    write("allow.txt", b"a.shop.example/cart\nshop.example\n")
    done = update(path, data="select")
    check(done.code == 0 and done.json["changed"] and rows_of("select") == ["ads.example", "evil.example/a"] and
          done.json["conflicts"]["count"] == 0 and "warning" not in done.err, "an allow list changes", done)


def test_account():
    """Every line of every source is accounted for, and each entry once."""
    letters = "abcdefgh"
    plain = "".join(f"{a}{b}.example{c}\n" for a in letters for b in letters for c in ("", "/x", "/x/y"))
    texts = {
        "plain": ("auto", plain + "# comment\n\n||*.wild.example^\nco.uk\nlocalhost\n" + plain[:plain.index("\n", 200) + 1]),
        "hosts": ("hosts", "0.0.0.0 aa.example ab.example ac.example nope\n127.0.0.1 localhost # me\n1.2.3.4 x.example\n"
                  "what\n# c\n"),
        "abp": ("adblock", "[Adblock Plus 2.0]\n||ba.example^\n||bb.example/x^$script\n@@||cc.example^\n||dd.example^\n"
                "||dd.example^$badfilter\n##.ad\n! c\n@@||ee.example^$badfilter\n/re/\n!#if x\n||f.example^\n!#endif\n"),
        "dns": ("dnsmasq", "address=/fa.example/fb.example/0.0.0.0\nserver=/gg.example/#\ncache-size=1\n# c\naddress=//\n"),
        "rpz": ("rpz", "$TTL 60\n@ SOA a. b. 1 2 3 4 5\nha.example CNAME .\n*.ha.example CNAME .\nhb.example A 1.2.3.4\n; c\n"),
        "csv": ("urlhaus-csv", '# c\n"1","now","http://hh.example/x","online"\n"2","now"\n'),
        "urls": ("urlhaus-text", "# c\nhttp://hh.example/x\nhttps://hh.example/y?q\n"),
        "array": ("json", '["aa.example", "x y", "aa.example/x/y/z", "no"]'),
        "never": ("auto", "gh.example\nac.example/x/y/z\n0.0.0.0 ga.example gb.example\n")}
    sources = []
    for name, (form, text) in texts.items():
        write(f"account.{name}", text.encode())
        sources.append({"id": name, "file": f"account.{name}", "format": form, "category": f"c-{name}",
                        **({"trust": "allow"} if name == "never" else {})})
    done = update(lists(*sources), data="account")
    check(done.code == 0, "lists of all formats", done)
    with open(f"{folder}/account/{USE_CASE}/current/report.json", encoding="utf-8") as file:
        report = json.load(file)
    for source in report["sources"]:
        name, keys = source["name"], source["keys"]
        text = texts[name][1]
        lines = 4 if name == "array" else text.count("\n")
        check(source["lines"] == lines and lines + source["further"] == source["comments"] + source["entries"],
              f"{name}: all lines are comments or hold entries", source)
        check(source["entries"] == source["exceptions"] + source["dropped"] + sum(keys.values()) and
              source["dropped"] == sum(source["droppedFor"].values()), f"{name}: each entry is accounted for", source)
        check(source["category"] == f"c-{name}" and source["trust"] == ("allow" if name == "never" else "block") and
              (name != "never" or sum(keys.values()) == 0), f"{name}: what lists.json says of it", source)
    totals = {fate: sum(source["keys"][fate] for source in report["sources"]) for fate in report["sources"][0]["keys"]}
    duplicates = totals.pop("duplicates")
    check(totals.pop("rows") == done.json["keys"].pop("kept") == report["rows"] - 1 and
          totals.items() == done.json["keys"].items() and duplicates >= 10 and all(totals[fate] > 0 for fate in
                                                                 ("cancelled", "allowed", "covered")),
          "the sums are those of all keys", [totals, duplicates, done.json["keys"]])
    gone = {(sample["fate"], sample["source"], sample["key"]): sample for sample in report["gone"]}
    for sample in report["gone"]:
        at, by = sample, sample["by"]
        if "array" not in (at["source"], by["source"]):  # whose items stand on one line
            shown = [texts[place["source"]][1].split("\n")[place["line"] - 1] for place in (at, by)]
            check(at["key"].split("/")[0] in shown[0] and by["key"].split("/")[0] in shown[1] and
                  (at["fate"] != "duplicate" or at["key"] == by["key"]), f"{at['fate']} {at['key']}: where it stands", sample)
    check(gone[("cancelled", "plain", "dd.example")]["by"]["source"] == "abp" and
          gone[("allowed", "plain", "cc.example")]["by"] == {"key": "cc.example", "source": "abp", "line": 4} and
          gone[("duplicate", "hosts", "aa.example")]["by"]["source"] == "plain", "samples name what took a key away", gone)
    overlap = {(pair["a"], pair["b"]): pair["keys"] for pair in report["overlap"]}
    check(overlap == {("plain", "hosts"): 3, ("plain", "abp"): 2, ("plain", "dns"): 2, ("plain", "rpz"): 1,
                      ("csv", "urls"): 1, ("hosts", "array"): 1, ("plain", "array"): 1, ("plain", "csv"): 1,
                      ("plain", "urls"): 1}, "which sources share keys", overlap)
    check(report["conflicts"]["count"] >= 1 and report["conflicts"] == done.json["conflicts"],
          "allow entries without effect", report["conflicts"])


def test_two_at_once():
    Web.wait = 2
    path = lists(web())
    with subprocess.Popen(words(path, data="two"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=environment()) as child:
        until = time.monotonic() + 20
        while not os.path.exists(f"{folder}/two/.sources/{USE_CASE}/.lock") and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.2)
        done = update(path, data="two")
        check(done.code == 1 and "another run" in done.err, "two updates exclude each other", done)
        check(child.wait(60) == 0, "and the first one is done")
    Web.wait = 0


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that goes away is part of the test


folder = working_folder("update")
try:
    site = Quiet(("127.0.0.1", 0), Web)
    port = site.server_port
    threading.Thread(target=site.serve_forever, daemon=True).start()
    test_life()
    test_guard_and_faults()
    test_formats()
    test_selection()
    test_account()
    test_two_at_once()
finally:
    Server.end_all()
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(finish())
