#!/usr/bin/env python3
"""blindlist explain: what it says of URLs, against datasets and origins made here. Prints TAP."""
import json
import os
import shutil
import struct
import subprocess
import sys
from random import Random

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"
FATES = ["kept", "cancelled", "allowed", "split", "covered"]
TAKERS = {"cancelled": 2, "allowed": 1, "split": 1, "covered": 0}
NOBODY = 2**32 - 1


class Done:
    def __init__(self, *words):
        done = subprocess.run([f"{BUILD}/blindlist", *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PROGRAM_S)
        self.code, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()
        self.json = json.loads(self.out) if self.out.startswith("{") else {}

    def __str__(self):
        return f"exit code {self.code}\n{self.out}{self.err}"


def explain(*words, data="data"):
    return Done("explain", *words, "--dataset", f"{folder}/{data}")


def compile_rows(name, rows, use_case=USE_CASE):
    with open(f"{folder}/rows", "w", encoding="ascii") as file:
        file.write("".join(row + "\n" for row in rows))
    done = Done("compile", f"{folder}/rows", "--use-case", use_case, "--out", f"{folder}/{name}")
    assert done.code == 0, done
    return os.path.realpath(f"{folder}/{name}/{use_case}/current")


def write_origins(version, sources, *tables):
    """As docs/FILE-FORMATS.md says. tables: block, allow, cancel; each {key: (source, line, more, fate, by)}."""
    names = [sorted(table, key=str.encode) for table in tables]
    texts = ["".join(keys).encode() for keys in names]
    listed = "".join(source + "\n" for source in sources).encode("utf-8", "surrogateescape")
    out = [b"BLORIGIN", struct.pack("<IIQ", 1, len(sources), len(listed))]
    out += [struct.pack("<II", len(keys), len(text)) for keys, text in zip(names, texts)]
    for keys, table in zip(names, tables):
        start = 0
        for key in keys:
            source, line, more, fate, by = table[key]
            number = names[TAKERS[fate]].index(by) if by else NOBODY
            out.append(struct.pack("<IIIHBB", start, line, number, source, FATES.index(fate), more))
            start += len(key)
        out.append(struct.pack("<IIIHBB", start, 0, NOBODY, 0, 0, 0))
    with open(f"{version}/origins", "wb") as file:
        file.write(b"".join(out + texts + [listed]))


def sub_url(done, name, number=0):
    found = [s for s in done.json["results"][number]["subUrls"] if s["subUrl"] == name]
    return found[0] if found else {}


def test_fates():
    version = compile_rows("data", ["ads.example", "two.example/x"])
    write_origins(version, ["easylist", "schools/a.txt", "never"],
                  {"ads.example": (0, 12, 2, "kept", None), "two.example/x": (1, 7, 255, "kept", None),
                   "ads.example/x": (1, 8, 0, "covered", "ads.example"),
                   "shop.example": (0, 3, 0, "allowed", "shop.example"),
                   "a.shop.example": (0, 4, 1, "allowed", "shop.example"),
                   "back.example": (0, 5, 0, "cancelled", "back.example"),
                   "parent.example": (0, 6, 0, "split", "good.parent.example")},
                  {"shop.example": (2, 1, 0, "kept", None), "good.parent.example": (2, 2, 0, "kept", None),
                   "ok.ads.example": (2, 3, 0, "kept", None)},
                  {"back.example": (1, 9, 0, "kept", None)})
    done = explain("https://ads.example/x", "--json")
    check(done.code == 0 and done.json["results"][0]["key"] == "ads.example", "a blocked URL", done)
    check(sub_url(done, "ads.example") == {
        "subUrl": "ads.example", "isKey": True, "isInPrefilter": True, "fate": "kept",
        "source": "easylist", "line": 12, "morePlaces": 2}, "a key with its first place", done)
    covered = sub_url(done, "ads.example/x")
    check(covered.get("fate") == "covered" and (covered["source"], covered["line"]) == ("schools/a.txt", 8)
          and covered["by"] == {"key": "ads.example", "source": "easylist", "line": 12, "morePlaces": 2}
          and not covered["isKey"], "a key that another one covers", covered)
    for url, key, fate, place, by in [
            ("shop.example", "shop.example", "allowed", ("easylist", 3), ("never", 1, "shop.example")),
            ("a.shop.example/y", "a.shop.example", "allowed", ("easylist", 4), ("never", 1, "shop.example")),
            ("back.example", "back.example", "cancelled", ("easylist", 5), ("schools/a.txt", 9, "back.example")),
            ("parent.example", "parent.example", "split", ("easylist", 6), ("never", 2, "good.parent.example"))]:
        done = explain(url, "--json")
        got = sub_url(done, key)
        taker = got.get("by", {})
        check(done.code == 3 and not done.json["results"][0]["blocked"] and got["fate"] == fate
              and (got["source"], got["line"]) == place
              and (taker["source"], taker["line"], taker["key"]) == by, f"a key that is {fate}: {url}", done)
    done = explain("https://ok.ads.example/", "--json")
    check(done.code == 0 and sub_url(done, "ok.ads.example").get("allow", {}).get("line") == 3,
          "an allow entry below a blocked key is named, and the URL is blocked", done)
    done = explain("https://ok.ads.example/")
    check("never, line 3, in vain" in done.out, "and so it is for people", done)
    done = explain("https://two.example/x/y", "shop.example", "unheard.example")
    check(done.code == 3 and "https://two.example/x/y is blocked by two.example/x\n" in done.out
          and "  key        two.example/x\n             schools/a.txt, line 7, and 255 or more places\n" in done.out
          and "  allowed    shop.example\n             easylist, line 3\n"
              "             by shop.example: never, line 1\n" in done.out
          and "unheard.example is not blocked\n  -          unheard.example\n" in done.out,
          "three URLs, for people", done)
    sub_urls = Done("suburls", "https://two.example/x/y?q").out.split()
    told = [line[13:] for line in explain("https://two.example/x/y?q").out.splitlines()[1:]
            if line[2] != " "]
    check(told == sub_urls, "all sub-URLs in the order of suburls", f"{told}\n{sub_urls}")
    done = explain("--as-key", "two.example/x", "two.example/x/", "--json")
    check(done.code == 3 and [r["blocked"] for r in done.json["results"]] == [True, False]
          and all(len(r["subUrls"]) == 1 for r in done.json["results"]), "--as-key, word for word", done)
    done = explain("--as-key", "www.apple.com/url-filter-test")
    check(done.code == 0 and "in every dataset" in done.out, "the test row", done)


def test_in_vain():
    """Keys that the prefilter holds by chance, of 3,000 that are none: each is told."""
    asked = [f"chance{i}.example" for i in range(3000)]
    done = explain("--as-key", "--json", *asked)
    hits = [r["url"] for r in done.json["results"] if r["subUrls"][0]["isInPrefilter"]]
    text = explain("--as-key", *asked).out
    check(done.code == 3 and 0 < len(hits) < 300, f"{len(hits)} of 3000 ask in vain", done.err)
    check(all(f"  in vain    {key}\n" in text for key in hits) and text.count("in vain") == len(hits),
          "and are told as such")


def test_folders():
    home = f"data/{USE_CASE}"
    answers = [explain("ads.example", data=data).out for data in
               ["data", home, f"{home}/current", os.path.relpath(f"{folder}/{home}/current", folder) + "/"]]
    check(len(set(answers)) == 1 and "is blocked" in answers[0], "a folder of data, of a use case, of a version")
    compile_rows("data", ["ads.example"], "two.example.url.filtering")
    done = explain("ads.example")
    check(done.code == 1 and "2 use cases" in done.err and done.out == "", "two use cases: which one?", done)
    done = explain("ads.example", data=home)
    check(done.code == 0, "the folder of one of them", done)
    for data, words in [("nothing", "nothing"), ("", "no dataset in it")]:
        done = explain("ads.example", data=data)
        check(done.code == 1 and words in done.err and done.out == "", f"no dataset: '{data}'", done)


def test_without_origins():
    compile_rows("plain", ["ads.example"])
    done = explain("https://ads.example/x", "--json", data="plain")
    check(done.code == 0 and done.json["hasOrigins"] is False and "no record of sources" in done.err
          and sub_url(done, "ads.example")["isKey"] and "source" not in sub_url(done, "ads.example"),
          "without origins the keys are told, and that there are none", done)
    done = explain("https://other.example/x", data="plain")
    check(done.code == 3 and "is not blocked" in done.out, "and what is none", done)


def test_parsing():
    """A dataset for devices with a parsing configuration is asked as they ask."""
    with open(f"{folder}/parsing.json", "w", encoding="ascii") as file:
        json.dump({"domain": {"levels": 2}, "path": {"excluded": True}}, file)
    with open(f"{folder}/rows", "w", encoding="ascii") as file:
        file.write("ads.example\n")
    done = Done("compile", f"{folder}/rows", "--use-case", USE_CASE, "--out", f"{folder}/parsing",
                "--parsing-configuration", f"{folder}/parsing.json")
    check(done.code == 0, "a dataset with a parsing configuration", done)
    done = explain("https://a.b.ads.example/x/y?q", "--json", data="parsing")
    sub_urls = json.loads(Done("suburls", "--parsing-configuration", f"{folder}/parsing.json", "--json",
                               "https://a.b.ads.example/x/y?q").out)[0]["subUrls"]
    check(done.code == 0 and [s["subUrl"] for s in done.json["results"][0]["subUrls"]] == sub_urls
          and len(done.json["parsingSha256"]) == 64, "is explained by it", f"{done}\n{sub_urls}")


def test_bad_input():
    version = compile_rows("damaged", ["ads.example"])
    for content, words in [(b"", "not a file of format"), (b"BLORIGIN" + bytes(64), "not a file of format")]:
        with open(f"{version}/origins", "wb") as file:
            file.write(content)
        done = explain("ads.example", data="damaged")
        check(done.code == 1 and words in done.err and done.out == "", "damaged origins", done)
    write_origins(version, ["b\udcff\x1b[2Jd"], {"ads.example": (0, 1, 0, "kept", None)}, {}, {})
    done = subprocess.run([f"{BUILD}/blindlist", "explain", "ads.example", "-d", f"{folder}/damaged"],
                          stdout=subprocess.PIPE, timeout=PROGRAM_S)
    check(done.returncode == 0 and b"\x1b" not in done.stdout and b"b\xff?[2Jd, line 1" in done.stdout,
          "a name moves no cursor", done.stdout)
    done = explain("ads.example", "--json", data="damaged")
    check(done.code == 0 and sub_url(done, "ads.example")["source"] == "b%ff\x1b[2Jd",
          "and is valid JSON", done)
    done = explain("http://a b/", data="plain")
    check(done.code == 1 and done.out == "" and "a b" in done.err, "no URL", done)
    for words, message in [(["ads.example"], "--dataset is missing"),
                           (["--dataset", folder], "a URL is missing"), (["-x"], "-x")]:
        done = Done("explain", *words)
        check(done.code == 2 and message in done.err, f"usage: {message}", done)


def word(random, least, most):
    return "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=random.randint(least, most)))


def make_lists(random):
    """Four lists of as many formats, and of each key the places that name it, in their order."""
    hosts = [f"{word(random, 3, 9)}.{random.choice(['com', 'net', 'example'])}" for _ in range(6000)]
    places = {}
    texts = {"hosts": ["# a hosts file"], "filters": ["[Adblock Plus 2.0]"], "dns": [], "urls": []}
    for source, lines in texts.items():
        for _ in range(4000):
            host = random.choice(hosts)
            key = host
            if source == "filters" and random.random() < 0.3:
                key = f"{word(random, 2, 5)}.{host}"
            if source == "filters" and random.random() < 0.3 or source == "urls":
                key += f"/{word(random, 1, 6)}"
            lines.append({"hosts": f"0.0.0.0 {key} # {word(random, 1, 5)}", "filters": f"||{key}^",
                          "dns": f"address=/{key}/", "urls": f"https://www.{key.upper()}/"}[source])
            places.setdefault(key, []).append((source, len(lines)))
            if random.random() < 0.1:
                lines.append(random.choice(["", "# a remark", "! another one"]) if source != "dns" else "# dns")
    for source, lines in texts.items():
        with open(f"{folder}/{source}.txt", "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
    return places


def parents(key):
    """Keys without port or query that cover it."""
    host, _, path = key.partition("/")
    labels = host.split(".")
    for i in range(len(labels) - 1):
        suffix = ".".join(labels[i:])
        if suffix != key:
            yield suffix
        if path and i > 0:
            yield f"{suffix}/{path}"


def test_a_thousand_keys():
    """Done when: of 1,000 random keys the source and line are told."""
    seed = int.from_bytes(os.urandom(4), "little")
    random = Random(seed)
    places = make_lists(random)
    with open(f"{folder}/lists.json", "w", encoding="ascii") as file:
        json.dump({"useCase": USE_CASE, "sources": [
            {"id": "hosts", "file": "hosts.txt", "format": "hosts"},
            {"id": "filters", "file": "filters.txt", "format": "adblock"},
            {"id": "dns", "file": "dns.txt", "format": "dnsmasq"},
            {"id": "urls", "file": "urls.txt", "format": "plain"}]}, file)
    done = Done("update", f"{folder}/lists.json", "--data", f"{folder}/many")
    check(done.code == 0, f"lists of four formats (seed {seed})", done)
    with open(os.path.realpath(f"{folder}/many/{USE_CASE}/current/rows.txt"), encoding="ascii") as file:
        rows = set(file.read().split()) - {"www.apple.com/url-filter-test"}
    keys = random.sample(sorted(rows), 1000)
    done = explain(*[f"https://{key}" for key in keys], "--json", data="many")
    check(done.code == 0 and len(done.json.get("results", [])) == 1000, "1,000 rows are blocked", done.err)
    wrong = []
    for number, key in enumerate(keys):
        told = sub_url(done, key, number)
        if (told.get("source"), told.get("line")) != places[key][0] or told.get("fate") != "kept" \
                or told["morePlaces"] != len(places[key]) - 1 or done.json["results"][number]["key"] != key:
            wrong.append(f"{key}: {told}, not {places[key]}")
    check(not wrong, "each names its source and line, and how many more there are", "\n".join(wrong))

    gone = random.sample(sorted(set(places) - rows), 500)
    done = explain(*[f"https://{key}" for key in gone], "--json", data="many")
    wrong = []
    for number, key in enumerate(gone):
        told = sub_url(done, key, number)
        by = told.get("by", {})
        if told.get("fate") != "covered" or (told["source"], told["line"]) != places[key][0] or told["isKey"] \
                or by["key"] not in set(parents(key)) & rows or (by["source"], by["line"]) != places[by["key"]][0]:
            wrong.append(f"{key}: {told}, not {places[key]}")
    check(done.code == 0 and not wrong, "500 covered keys name theirs, and the row that covers them",
          "\n".join(wrong))


folder = working_folder("explain")
try:
    test_fates()
    test_in_vain()
    test_folders()
    test_without_origins()
    test_parsing()
    test_bad_input()
    test_a_thousand_keys()
finally:
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(finish())
