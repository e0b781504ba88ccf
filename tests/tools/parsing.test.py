#!/usr/bin/env python3
"""Parsing configurations from list to device: compile, serve and check with one, and what is said when
they differ. Prints TAP."""
import hashlib
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

PROGRAM = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
USE_CASE = "one.example.url.filtering"
LIST = """example.com
0.0.0.0 ads.example.net tracker.test
||videos.test/watch?v=Abc&t=10^
videos.test/watch?v=Def&t=9
https://shop.test/cart
secret.test/Path
"""


def run(*words):
    done = subprocess.run([PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PROGRAM_S)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Case:
    """A configuration in a file, and the data folder of a dataset made for it."""

    def __init__(self, folder, name, configuration, *options):
        self.data = os.path.join(folder, name)
        self.path = os.path.join(folder, f"{name}.json")
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(configuration, file)
        self.code, self.out, self.err = run("compile", os.path.join(folder, "list.txt"), "--use-case", USE_CASE,
                                            "--out", self.data, "--json", "--parsing-configuration", self.path,
                                            *options)

    def file(self, name):
        with open(os.path.join(self.data, USE_CASE, "current", name), encoding="utf-8") as file:
            return file.read()

    def rows(self):
        return [row for row in self.file("rows.txt").split("\n") if row and not row.startswith("www.apple.com/")]


def test_files(folder):
    plain = Case(folder, "plain", {})
    check(plain.code == 0, "the default configuration", plain.err)
    code, out, err = run("compile", os.path.join(folder, "list.txt"), "--use-case", USE_CASE, "--out",
                         os.path.join(folder, "none"), "--json")
    check(code == 0 and json.loads(out)["version"] == json.loads(plain.out)["version"],
          "makes the dataset that none makes", err)
    check("parsing" not in json.loads(plain.file("dataset.json")), "and is not mentioned in it")

    cased = Case(folder, "cased", {"caseSensitive": True})
    dataset = json.loads(cased.file("dataset.json"))
    text = json.dumps(dataset["parsing"]["configuration"], separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    check(dataset["parsing"]["sha256"] == digest, "dataset.json has the configuration and its digest", text)
    check(json.loads(cased.file("prefilter.json"))["parsingSha256"] == digest, "prefilter.json the digest")
    check(json.loads(cased.out)["parsingSha256"] == digest, "so has the summary")
    check("secret.test/Path" in cased.rows(), "keys are in the case of their entries", cased.rows())
    whole = Case(folder, "whole", {"excludeIntermediates": True})
    check(whole.rows() == plain.rows(), "the same rows under another configuration")
    check(json.loads(whole.out)["version"] != json.loads(plain.out)["version"], "are another version")
    check(run("dataset", "verify", "--data", cased.data)[0] == 0, "the dataset verifies")
    check(cased.err.count("warning") == 0, "a first version warns of nothing", cased.err)
    for change, wanted in (("the default", True), ("the same", False)):
        code, _, err = run("compile", os.path.join(folder, "list.txt"), "--use-case", USE_CASE, "--out", cased.data)
        check(code == 0 and ("warning: this version is for devices with the parsing configuration default" in err) ==
              wanted, f"compile with {change} after another configuration: {'a' if wanted else 'no'} warning", err)


def test_keys(folder):
    levels = Case(folder, "levels", {"domain": {"levels": 2}, "path": {"excluded": True}})
    lists = json.loads(levels.out)["lists"]
    check(levels.rows() == ["example.com", "tracker.test"], "entries that name what is left out are dropped",
          levels.rows())
    check(lists["droppedFor"] == {"parsing-part": 5}, "with their reason", lists)
    wide = Case(folder, "wide", {"domain": {"levels": 2}, "path": {"excluded": True}}, "--keep-parsing-parts")
    check("example.net" in wide.rows() and "shop.test/%*" in wide.rows(), "--keep-parsing-parts keeps them",
          wide.rows())
    check(json.loads(wide.out)["lists"]["widened"] == 5, "as widened", wide.out)
    report = json.loads(wide.file("report.json"))
    check(any(entry["text"] == "ads.example.net" and entry["key"] == "example.net" for entry in report["widened"]),
          "which the report shows", report["widened"])


def test_devices(folder):
    case = Case(folder, "videos", {"query": {"parameters": ["v"]}, "domain": {"enumerateHierarchy": False}})
    check("videos.test/watch?v=def" in case.rows(), "parameters that do not count are not in keys", case.rows())
    server = Server(case.data)
    ask = ["check", "--server", f"http://127.0.0.1:{server.port}"]
    code, out, err = run(*ask, "--parsing-configuration", case.path,
                         "https://videos.test/watch?list=7&v=DEF&t=1", "https://example.com/x")
    check(code == 3 and out.count("denied") >= 2 and err == "", "devices with the configuration find them", out + err)
    code, out, err = run(*ask, "--parsing-configuration", case.path, "https://videos.test/watch?v=other",
                         "https://sub.example.com/x")
    check(code == 0 and err == "", "and nothing that the configuration does not ask for", out + err)
    code, out, err = run(*ask, "https://videos.test/watch?list=7&v=DEF&t=1")
    check(code == 0, "devices without it do not find them", out)
    check("warning: the dataset was made for another parsing configuration" in err and "(default)" in err,
          "and are told", err)
    code, out, err = run(*ask, "--json", "--parsing-configuration", os.path.join(folder, "cased.json"), "a.test")
    check(json.loads(out)["parsingDiffers"] is True and "another parsing configuration" in err,
          "so are those with another one", out + err)
    code, out, err = run(*ask, "--parsing-configuration", os.path.join(folder, "none.json"), "a.test")
    check(code == 1 and "none.json" in err, "a configuration that is not there is an error", err)
    server.end()

    where = os.path.join(case.data, USE_CASE)
    code, out, err = run("explain", "https://videos.test/watch?t=1&v=DEF", "--dataset", where)
    check(code == 0 and "videos.test/watch?v=def" in out and "is for devices with the parsing configuration" in err,
          "explain asks as devices do for which the dataset was made", out + err)
    with open(os.path.join(folder, "default.json"), "w", encoding="utf-8") as file:
        file.write("{}")
    code, out, err = run("explain", "https://videos.test/watch?t=1&v=DEF", "--dataset", where, "--json",
                         "--parsing-configuration", os.path.join(folder, "default.json"))
    check(code == 3 and json.loads(out)["parsingDiffers"] is True and "another parsing configuration" in err,
          "or as others, with a warning", out + err)
    code, out, err = run("dataset", "show", "--data", case.data)
    check(code == 0 and '"parameters":["v"]' in out, "dataset show has the configuration", out + err)

    pattern = Case(folder, "pattern", {"regularExpression": "//(www\\.)?(?<host>[^/:]+)(:[0-9]+)?/(?<first>[^/?#]*)"})
    check("host=shop.test first=cart" in pattern.rows(), "a regular expression makes the keys", pattern.rows())
    server = Server(pattern.data)
    ask = ["check", "--server", f"http://127.0.0.1:{server.port}", "--parsing-configuration", pattern.path]
    code, out, err = run(*ask, "https://www.shop.test/cart/of/somebody?x#y")
    check(code == 3 and "(listed: host=shop.test first=cart)" in out, "which devices find", out + err)
    code, out, err = run(*ask, "https://shop.test/other")
    check(code == 0 and "allowed" in out, "and no others", out + err)
    server.end()


def update(folder, name, configuration, sources, **output):
    """blindlist update of these sources; its exit code, messages and the folder of the version."""
    place = os.path.join(folder, name)
    os.makedirs(place, exist_ok=True)
    for source, text in sources.items():
        with open(os.path.join(place, f"{source}.txt"), "w", encoding="utf-8") as file:
            file.write(text)
    with open(os.path.join(place, "app.json"), "w", encoding="utf-8") as file:
        json.dump(configuration, file)
    lists = {"useCase": USE_CASE, "output": {"parsingConfiguration": "app.json", **output},
             "sources": [{"id": source, "file": f"{source}.txt", **({"trust": "allow"} if source == "never" else {})}
                         for source in sources]}
    with open(os.path.join(place, "lists.json"), "w", encoding="utf-8") as file:
        json.dump(lists, file)
    code, _, err = run("update", os.path.join(place, "lists.json"), "--data", place)
    return code, err, os.path.join(place, USE_CASE, "current")


def read_rows(version):
    with open(os.path.join(version, "rows.txt"), encoding="utf-8") as file:
        return [row for row in file.read().split("\n") if row and not row.startswith("www.apple.com/")]


def test_updates(folder):
    lists = {"a": "example.com\nads.example.com\nexample.com/x\nhttp://b.test/y\n", "never": "c.example.com\n"}
    code, err, version = update(folder, "u-exact", {"excludeIntermediates": True}, lists)
    check(code == 0 and read_rows(version) == ["ads.example.com", "b.test/y", "example.com", "example.com/x"],
          "update: no key is redundant where none covers what is below it", err)
    check("stays blocked" not in err, "and allow entries are not in conflict with what is above them", err)
    code, err, version = update(folder, "u-walk", {"caseSensitive": True}, lists)
    check(code == 0 and read_rows(version) == ["b.test/y", "example.com"] and "c.example.com stays blocked" in err,
          "update: else they are", err)
    code, err, version = update(folder, "u-scheme", {"excludeScheme": False}, lists)
    check(code == 0 and read_rows(version) == ["http://ads.example.com", "http://b.test/y", "http://example.com",
                                               "http://example.com/x", "https://ads.example.com",
                                               "https://example.com", "https://example.com/x"],
          "update: two keys where the scheme counts", err)
    with open(os.path.join(version, "report.json"), encoding="utf-8") as file:
        source = json.load(file)["sources"][0]
    check(source["entries"] == 4 and source["secondKeys"] == 3 and sum(source["keys"].values()) == 7,
          "each is accounted for", source)
    code, err, version = update(folder, "u-scheme", {"excludeScheme": False}, {**lists, "never": "example.com\n"},
                                guard={"maxShrink": 0.9})
    check(code == 0 and read_rows(version) == ["http://ads.example.com", "http://b.test/y", "https://ads.example.com"],
          "update: where keys begin with the scheme, an allow entry removes those of its own host", err)
    check("this version is for devices" not in err, "update: the same configuration again: no warning", err)
    code, err, version = update(folder, "u-scheme", {"caseSensitive": True}, lists)
    with open(os.path.join(version, "dataset.json"), encoding="utf-8") as file:
        digest = json.load(file)["parsing"]["sha256"]
    check(code == 0 and f"this version is for devices with the parsing configuration {digest[:16]}" in err,
          "update: another configuration than before is a warning", err)
    code, err, version = update(folder, "u-split", {"excludeIntermediates": True}, lists, splitParents=True)
    check(code == 1 and "$.output.splitParents" in err and not os.path.exists(version),
          "update: splitParents is refused where nothing is to be split", err)
    code, err, version = update(folder, "u-wrong", {"path": {"segments": "2"}}, lists)
    check(code == 1 and "$.output.parsingConfiguration" in err and "$.path.segments: must be an integer" in err,
          "update: what is wrong with the configuration is named with its place in both files", err)


def test_mistakes(folder):
    wrong = Case(folder, "wrong", {"domain": {"stripwww": True}})
    check(wrong.code == 1 and "$.domain.stripwww: is not a known key" in wrong.err, "a mistyped key is named",
          wrong.err)
    check(not os.path.exists(os.path.join(wrong.data, USE_CASE, "current")), "and nothing is published")
    slow = Case(folder, "slow", {"regularExpression": "//(?<x>([a-z.]+)+)$"})
    check(slow.code == 1 and "no line of the lists became a key" in slow.err,
          "a regular expression that matches nothing makes no dataset", slow.err)
    with open(os.path.join(folder, "long.txt"), "w", encoding="utf-8") as file:
        file.write("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test\n")
    code, _, err = run("compile", os.path.join(folder, "long.txt"), "--use-case", USE_CASE, "--out",
                       os.path.join(folder, "long"), "--parsing-configuration", slow.path)
    check(code == 1 and "long.txt: line 1: aaaa" in err and "takes too long" in err,
          "one that backtracks for ever ends, with list, entry and reason", err)
    code, _, err = run("compile", os.path.join(folder, "list.txt"), "--use-case", USE_CASE, "--out", folder,
                       "--keep-parsing-parts")
    check(code == 2, "--keep-parsing-parts alone is wrong usage", err)


def main():
    folder = working_folder("parsing")
    try:
        with open(os.path.join(folder, "list.txt"), "w", encoding="utf-8") as file:
            file.write(LIST)
        test_files(folder)
        test_keys(folder)
        test_devices(folder)
        test_updates(folder)
        test_mistakes(folder)
    finally:
        Server.end_all()
        shutil.rmtree(folder)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
