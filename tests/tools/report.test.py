#!/usr/bin/env python3
"""report.html of compile and update: well-formed, quiet, escaped, and with the figures of report.json. Prints TAP."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from htmlpage import Page  # noqa: E402
from patience import PROGRAM_S  # noqa: E402
from served import working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"
SOURCES = "Sources, and what became of their entries"
HOSTILE = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "a&b'c.txt", "\u202etxt.evil",
           "</style></svg>"]


def run(*words):
    done = subprocess.run([f"{BUILD}/blindlist", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=PROGRAM_S, text=True)
    if done.returncode != 0:
        check(False, " ".join(words), done.stdout + done.stderr)
    return done.stdout


def current(data, use_case=USE_CASE):
    return os.path.realpath(f"{folder}/{data}/{use_case}/current")


def read(data, name="report.html"):
    with open(f"{current(data)}/{name}", encoding="utf-8") as file:
        return file.read()


def write(name, text):
    with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
        file.write(text)
    return f"{folder}/{name}"


def compile_lists(data, *lists, more=()):
    return run("compile", *lists, "--use-case", USE_CASE, "--out", f"{folder}/{data}", *more)


def test_figures():
    plain = write("plain.txt", "".join(f"host{i}.example\n" for i in range(3000)) + "co.uk\nhttps://www.w.example/\n")
    filters = write("filters.txt", "[Adblock Plus 2.0]\n||ads.example^\n||b.example^$third-party\n" +
                    "".join(f"c{i}.example##.ad\n" for i in range(7)))
    told = compile_lists("data", plain, filters, more=["--shards", "4"])
    text, report = read("data"), json.loads(read("data", "report.json"))
    page = Page(text)
    check(not page.wrong, "the page is well-formed, with no handler, style or address in it", page.wrong)
    check("script" not in page.tags and "link" not in page.tags and "default-src 'none'" in text
          and not re.search(r"url\(|@import|https?:", text.split("<main>")[0]), "no script, and nothing from the network")
    check("prefers-color-scheme:dark" in text and "width=device-width" in text, "dark, and narrow")
    check("rule about page elements" in page.sections["What was dropped, and why"]
          and "c4.example##.ad" in page.text and "c5.example##.ad" not in page.text, "reasons with five samples",
          page.sections)
    check("co.uk" in page.text and "plain.txt, line 3,001" in page.text, "a sample has its file and line")
    check("3,003 rows" in re.sub(r"(\d)rows", r"\1 rows", page.text), "the rows", page.text[:300])
    check(re.search(r"plain\.txt3,0023,0011", page.sections[SOURCES]), "a source's lines, used and dropped",
          page.sections[SOURCES])
    outlook = report["outlook"]
    check(abs(outlook["queries"] - 200 - 250000 * report["expectedFalsePositiveRate"]) < 1e-6,
          "queries in 1,000 page loads, as assumed", outlook)
    check(abs(outlook["peopleInShard"] - 1000 * (1 - 0.75 ** outlook["queriesADay"])) < 1e-6,
          "people who ask the same of 4 shards", outlook)
    for line in [r"queries +4[45]\d private queries in 1,000 page loads, 2[45]\d of them in vain",
                 r"s of one core, [0-9.]+ MB sent and answered; a core serves [0-9,]+ people",
                 r"hidden +1,000 of 1,000 people ask the same shard on a day"]:
        check(re.search(line, told), f"the summary says: {line}", told)
    again = compile_lists("data", plain, filters, more=["--shards", "4"])
    figures = [[line for line in text.splitlines() if "private queries" in line or "people" in line]
               for text in (told, again)]
    check(figures[0] == figures[1] and len(figures[0]) == 3, "and so it does of an unchanged version", again)
    check("report.html" in told and "report.html" not in again, "and where the report is")
    check(report["load"]["shardRows"] and sum(report["load"]["shardRows"]) == 3003
          and page.tags["rect"] >= 4, "each shard has its column")
    check("Since the version before" not in page.sections, "nothing was before")
    check("report.html" not in json.loads(read("data", "dataset.json"))["files"]
          and run("dataset", "verify", "--data", f"{folder}/data"), "no digest of it, and the version is whole")


def test_change():
    write("plain.txt", "".join(f"host{i}.example\n" for i in range(10, 3002)))
    lists = [f"{folder}/plain.txt", f"{folder}/filters.txt"]
    compile_lists("data", *lists)
    page = Page(read("data"))
    check(not page.wrong and "Rows: 2 came, 11 left." in page.sections["Since the version before"],
          "what came and left, of an update in part", page.sections["Since the version before"])
    check("the same" in page.sections[SOURCES] and "−9" in page.sections[SOURCES],
          "and by source", page.sections[SOURCES])
    write("plain.txt", "".join(f"host{i}.example\n" for i in range(11, 3002)))
    compile_lists("data", *lists, more=["--full", "--shards", "8"])
    page = Page(read("data"))
    check("Rows: 0 came, 1 left." in page.sections["Since the version before"], "of a full build, too")
    compile_lists("data", *lists, more=["--false-positive-rate", "0.01", "--shards", "128"])
    page = Page(read("data"))
    check(not page.wrong and "Rows: 0 came, 0 left." in page.sections["Since the version before"],
          "of other settings alone")
    check("rows of a shard" in page.text, "many shards are counted by their size")
    compile_lists("data", *lists, more=["--false-positive-rate", "0.9", "--shards", "1"])
    page = Page(read("data"))
    check(not page.wrong and "There is one shard" in page.text and "247,5" in page.text, "one shard, a poor prefilter")
    compile_lists("data", *lists, more=["--false-positive-rate", "1e-20"])
    page = Page(read("data"))
    check(not page.wrong and "nan" not in page.text and "inf" not in page.text, "and a very good one")


def test_hostile():
    names = []
    for i, name in enumerate(HOSTILE):
        os.makedirs(f"{folder}/lists{i}", exist_ok=True)
        names.append(f"{folder}/lists{i}/" + name.replace("/", "\u2215"))
    for path in names:
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"||{len(path)}.example^\n/{HOSTILE[0]}/\n||x.example^$\"><img src=x onerror=alert(1)>\n"
                       "https://www.good.example/?q=</style>\n\x1b[2J.example\n")
    compile_lists("hostile", *names)
    text = read("hostile")
    page = Page(text)
    check(not page.wrong and "img" not in page.tags and "script" not in page.tags, "no text becomes markup",
          f"{page.wrong} {page.tags}")
    check(all(os.path.basename(name) in page.text for name in names), "and all names are told as they are",
          page.sections[SOURCES])
    check("\x1b" not in text and "alert(1)" in page.text, "entries are shown without control characters")


def test_rare():
    lines = "".join(f"/r{i}/\n" for i in range(100010)) + "a.example\n" + "co.uk\n" * 7 + "/last/\n"
    compile_lists("rare", write("rare.txt", lines))
    page, report = Page(read("rare")), json.loads(read("rare", "report.json"))
    check(page.text.count("co.uk") == 5 and "line 100,012" in page.text, "samples of a reason behind 100,000 others")
    check(len(report["drops"]) == 100005 and report["dropsOmitted"] == 13, "which are counted",
          f"{len(report['drops'])} {report['dropsOmitted']}")


def test_update():
    write("more.txt", "b.example\nc.example\n")
    config = write("lists.json", json.dumps({"useCase": USE_CASE, "sources": [
        {"id": "mine", "file": "plain.txt", "license": "<b>mine</b>"}, {"id": "more", "file": "more.txt"}]}))
    run("update", config, "--data", f"{folder}/updated")
    page = Page(read("updated"))
    check(not page.wrong and "<b>mine</b>" in page.sections[SOURCES], "update writes the page, with licenses")


folder = working_folder("report")
try:
    test_figures()
    test_change()
    test_hostile()
    test_rare()
    test_update()
finally:
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(finish())
