#!/usr/bin/env python3
"""A device asks datasets of several shapes, and goes on with its keys when a list outgrows its shape. Prints
TAP."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BLINDLIST = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
USE_CASE = "shapes.url.filtering"
SETS = "n_4096_logq_27_28_28_logt_"


def run(*words):
    return subprocess.run([BLINDLIST, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PROGRAM_S)


def compile_rows(folder, count, *options):
    """The summary of a version of rows w0.example.net .. in folder/data."""
    path = os.path.join(folder, "list.txt")
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(f"w{i}.example.net\n" for i in range(count))
    done = run("compile", path, "--use-case", USE_CASE, "--out", os.path.join(folder, "data"), "--json", *options)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return json.loads(done.stdout)


def ask(port, rows, *options):
    """Verdicts of listed rows, one that is not listed, and what was traced."""
    done = run("check", "--server", f"http://127.0.0.1:{port}", "--json", *options, "https://clean.example.org/",
               *(f"https://w{row}.example.net/" for row in rows))
    verdicts = [result["verdict"] for result in json.loads(done.stdout or "{}").get("results", [])]
    return verdicts == ["allowed"] + ["denied"] * len(rows), done.stdout + done.stderr


def test_shapes(folder):
    cases = [
        ("as chosen", 3000, ()),
        ("t of 6 bits", 3000, ("--parameters", SETS + "6")),
        ("t of 4 bits", 3000, ("--parameters", SETS + "4")),
        ("the fewest keys", 3000, ("--max-key-bytes", "260000")),
        ("all the keys that save time", 3000, ("--max-key-bytes", "0")),
        ("two hash functions, t of 6 bits", 3000, ("--hash-functions", "2", "--parameters", SETS + "6")),
        ("room for three times the rows", 3000, ("--growth", "200")),
        ("a single bucket", 1, ()),
        ("a whole shard, t of 6 bits", 60000, ("--parameters", SETS + "6")),
    ]
    for what, count, options in cases:
        place = os.path.join(folder, "one")
        os.mkdir(place)
        compile_rows(place, count, *options)
        server = Server(os.path.join(place, "data"))
        good, said = ask(server.port, sorted({0, count // 2, count - 1}))
        check(good, what + ": listed rows are denied, another is not", said)
        server.end()
        shutil.rmtree(place)


def test_outgrown(folder):
    keys = os.path.join(folder, "keys.json")
    first = compile_rows(folder, 45000, "--shards", "1")
    server = Server(os.path.join(folder, "data"))
    good, said = ask(server.port, [5], "--keys", keys)
    check(good, "a device asks and keeps its keys", said)
    server.end()
    grown = compile_rows(folder, 64000)
    check(not grown["keptShape"] and grown["keptKeys"] and grown["bucketsPerTable"] > first["bucketsPerTable"],
          "an outgrown shape is replaced by one for the same keys", grown)
    with open(keys, encoding="utf-8") as file:
        before = json.load(file)["keyIdentifier"]
    server = Server(os.path.join(folder, "data"))
    good, said = ask(server.port, [5, 63999], "--keys", keys)
    with open(keys, encoding="utf-8") as file:
        check(good and json.load(file)["keyIdentifier"] == before, "which serve it", said)
    server.end()


def main():
    folder = working_folder("shapes")
    try:
        test_shapes(folder)
        test_outgrown(folder)
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


sys.exit(main())
