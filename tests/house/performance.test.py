#!/usr/bin/env python3
"""scripts/plot-performance: the page in this tree, tables and plots from a small recording, and what it
says of a bad one."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import check, finish  # noqa: E402

RECORDED = "tests/house/recorded"
SECTIONS = ["machine", "query", "reference", "parts", "work", "shards", "assumptions", "capacity"]
PLOTS = ["devices.svg", "parts.svg", "processing.svg", "query.svg", "response.svg", "shards.svg"]


def run(work, *words):
    done = subprocess.run([sys.executable, "scripts/plot-performance", "--recorded", f"{work}/recorded",
                           "--docs", f"{work}/docs", *words], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def fresh(work, sections=None):
    """A copy of the recording, and a page with empty sections."""
    shutil.rmtree(f"{work}/docs", ignore_errors=True)
    shutil.rmtree(f"{work}/recorded", ignore_errors=True)
    shutil.copytree(RECORDED, f"{work}/recorded")
    os.mkdir(f"{work}/docs")
    write(f"{work}/docs/PERFORMANCE.md", "# Performance\n" + "".join(
        f"\nkept {name}\n\n<!-- figures: {name} -->\nold\n<!-- end of figures -->\n"
        for name in (SECTIONS if sections is None else sections)))


def check_assumptions():
    """The page and the reports of datasets assume the same of a device."""
    header = read("pir-server/dataset/dataset_outlook.h")
    outlook = {name: int(value) for name, value in re.findall(r"#define OUTLOOK_(\w+) +(\d+)", header)}
    script = read("scripts/plot-performance")
    page = {name: float(value) for name, value in re.findall(r"^([A-Z_]+) = ([0-9.]+) ", script, re.MULTILINE)}
    for name, value in [("NEW_URLS", outlook["URLS_A_PAGE"] * outlook["PAGES_A_DAY"]),
                        ("NEW_SUB_URLS", outlook["SUB_URLS_A_URL"]),
                        ("BLOCKED", outlook["PAGES_A_DAY"] / outlook["PAGES_A_LISTED"]),
                        ("PEAK", outlook["PEAK_OVER_MEAN"]), ("LOAD", outlook["LOAD_PERCENT"] / 100)]:
        check(page[name] == value, f"{name} is what dataset_outlook.h assumes", f"{page[name]}, {value}")


def check_made(work):
    fresh(work)
    code, text = run(work)
    check(code == 1 and text.count("not what") == 1 + len(PLOTS) and not os.path.exists(f"{work}/docs/performance"),
          "without --write it says what is out of date, and writes nothing", text)
    code, text = run(work, "--write")
    check((code, text) == (0, ""), "with --write it says nothing", text)
    page = read(f"{work}/docs/PERFORMANCE.md")
    check("old" not in page and all(f"kept {name}\n" in page for name in SECTIONS),
          "the sections are new, the text around them is kept", page)
    for row in ("| 62,500 | 51x11 | 60.2 ms | 20.2 ms | 16.2 ms | ≤ 6.0 ms | 60.0 ms |",
                "one pass, one thread | pir |  | 204 ms, 6.4 ms a query | 204 ms, 6.4 ms a query |",
                "| the same from the moment when the rows are known | update | ≤ 0.5 s | 431 ms | 431 ms |",
                "| tokens issued, one thread | tokens | ≥ 80 % of bare OpenSSL | 3000 a second, 86 % | 3000 a second, 86 % |",
                "| tokens redeemed durably, all cores | spend | ≥ 5,000 a second | 41000 a second | 41000 a second |",
            "| 1,000 | 5x2 | 4.1 ms | 0.9 ms | 0.9 ms |  |  |",
                "| 2 | 83 a second | 86 a second | 83 a second | 84 a second | 67 a second |"):
        check(row in page, row, page)
    check("| plaintext of dimension 0 | 550 | 3.2 µs | 2.6 µs | 1.79 ms | 1.43 ms |" in page
          and "| together |  |  |  | 8.71 ms | 6.97 ms |" in page, "the parts of a query", page)
    check("takes it 50.0 ms. It makes 16 shards of 1,000,000 rows in 8.0 s and 352 MB" in page,
          "the reference", page)
    # 62.2 queries a second on two cores: * 0.7 * 86400 / 3 / 45 queries a device and day
    check("| 2 cores, 8 GB | 20.4 M | 62 a second | 1.1 GB/s | 27.9 k | 55.7 k |" in page, "capacity", page)
    check(sorted(os.listdir(f"{work}/docs/performance")) == PLOTS, "the plots are there")
    for name in PLOTS:
        text = read(f"{work}/docs/performance/{name}")
        root = xml.fromstring(text)
        places = [float(word) for path in root.iter("{http://www.w3.org/2000/svg}path")
                  if "line" in path.get("class") for word in re.findall(r"-?[\d.]+", path.get("d"))]
        check(places and min(places) >= 0 and max(places) <= 760 and "prefers-color-scheme: dark" in text,
              f"{name}: drawn within its frame, light and dark", places)
    code, text = run(work)
    check((code, text) == (0, ""), "nothing is out of date afterwards", text)


def check_bad(work):
    def change(file, old, new):
        path = f"{work}/recorded/{file}"
        text = read(path)
        if old not in text:
            raise SystemExit(f"{path} has no {old!r}")
        write(path, text.replace(old, new, 1))

    first = "query_compute kernel=avx512 rows=62500 dimensions=51x11"
    where = "avx512.txt:" + str(read(f"{RECORDED}/avx512.txt").split(first)[0].count("\n") + 1)
    for what, act, said in (
            ("a file is missing", lambda: os.remove(f"{work}/recorded/avx2.txt"), "avx2.txt"),
            ("a line is missing", lambda: change("avx512.txt", first, "other kernel=avx512"),
             "avx512.txt: 0 lines `query_compute kernel=avx512 rows=62500`"),
            ("a line is there twice", lambda: change("avx512.txt", first, f"{first} median_ms=1.0\n{first}"),
             "avx512.txt: 2 lines `query_compute kernel=avx512 rows=62500`"),
            ("a figure is no number", lambda: change("avx512.txt", f"{first} median_ms=16.2",
                                                     f"{first} median_ms=nan"),
             f"{where}: median_ms=nan is not a number"),
            ("a figure is zero", lambda: change("avx512.txt", f"{first} median_ms=16.2",
                                                f"{first} median_ms=0.0"),
             f"{where}: median_ms=0.0 is nothing"),
            ("a part of a query takes no time", lambda: write(
                f"{work}/recorded/avx2.txt", re.sub("term=plaintext(.*) together_us=.*", r"term=plaintext\1 together_us=0.0",
                                                    read(f"{work}/recorded/avx2.txt"))),
             "0.0 has no place on the axis `milliseconds`"),
            ("a figure is missing", lambda: change("avx512.txt", f"{first} median_ms=16.2", first),
             f"{where}: query_compute has 0 of median_ns=, median_us=, median_ms="),
            ("a line of something else", lambda: change("avx512.txt", first, f"make: error\n{first}"),
             f"{where}: not a line of a benchmark: make: error"),
            ("a field is there twice", lambda: change("avx512.txt", first, f"{first} rows=5"),
             f"{where}: a field twice"),
            ("two runs in one file", lambda: write(f"{work}/recorded/avx2.txt",
                                                   2 * read(f"{work}/recorded/avx2.txt")),
             "a second `# machine`"),
            ("no output of make bench", lambda: write(f"{work}/recorded/avx2.txt", "hello\n"),
             "avx2.txt: no line `# machine`: is this the output of make bench?"),
            ("the other kernel ran", lambda: shutil.copy(f"{work}/recorded/avx512.txt",
                                                         f"{work}/recorded/avx2.txt"),
             "avx2.txt: 0 lines `query_compute kernel=avx2"),
            ("a section is missing", lambda: fresh(work, SECTIONS[1:]),
             "section `figures: machine` is there 0 times, one is needed"),
            ("an unknown section", lambda: fresh(work, SECTIONS + ["sheep"]),
             "section `figures: sheep` is there 1 times, none is needed")):
        fresh(work)
        act()
        before = read(f"{work}/docs/PERFORMANCE.md")
        code, text = run(work, "--write")
        check(code == 2 and said in text and text.count("\n") == 1 and "Traceback" not in text
              and before == read(f"{work}/docs/PERFORMANCE.md") and os.listdir(f"{work}/docs") == ["PERFORMANCE.md"],
              f"{what}: exit status 2, one line that says it, nothing is written", f"{code}\n{text}")
    fresh(work)
    write(f"{work}/recorded/avx2.txt", "  CC    build/obj/a.o\n" + read(f"{work}/recorded/avx2.txt"))
    code, text = run(work, "--write")
    check(code == 0, "what the build says before the first line is passed over", text)


def check_page():
    """The page in this tree, and the lines it is made of."""
    done = subprocess.run([sys.executable, "scripts/plot-performance"], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    check(done.returncode == 0, "docs/PERFORMANCE.md and its plots say what was recorded", done.stdout)
    explained = set(re.findall(r"`([a-z0-9_]+)`", read("bench/README.md")))
    for name in sorted(os.listdir("bench/recorded")):
        lines = set(re.findall(r"^([a-z]\S*) ", read(f"bench/recorded/{name}"), re.MULTILINE))
        check(lines and lines <= explained, f"bench/README.md explains the lines of {name}",
              sorted(lines - explained))


check_page()
check_assumptions()
with tempfile.TemporaryDirectory() as folder:
    check_made(folder)
    check_bad(folder)
sys.exit(finish())
