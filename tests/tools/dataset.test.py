#!/usr/bin/env python3
"""blindlist dataset: versions listed, shown, compared, switched, verified and collected; damaged and half-written
ones, links that lead nowhere, kills, and a server that runs meanwhile. Prints TAP."""
import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S, wait_until  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BLINDLIST = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
USE_CASE = "test.url.filtering"
COUNTS = [300, 340, 380, 420]
KILLS = 25
SWITCHES = 12


class Done:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")

    def __str__(self):
        return f"exit code {self.code}\n{self.out}\n{self.err}"

    def json(self):
        return json.loads(self.out)


def run(*words):
    return Done(subprocess.run([BLINDLIST, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PROGRAM_S))


class Folder:
    """A data folder of its own with a version for each of COUNTS; rows w0.. and one that only this version has."""

    def __init__(self, folder, name, use_case=USE_CASE, counts=COUNTS):
        self.data = os.path.join(folder, name)
        self.use_case = use_case
        self.home = os.path.join(self.data, use_case)
        self.versions = []
        for count in counts:
            rows = [f"w{i}.example.net\n" for i in range(count)] + [f"only{count}.example.org\n"]
            path = os.path.join(folder, "list.txt")
            with open(path, "w", encoding="utf-8") as out:
                out.writelines(rows + ["@@||allowed.example.net^\n", "bad host name\n"])
            done = run("compile", path, "-u", use_case, "-o", self.data, "--shards", "8", "--json")
            self.versions.append(done.json()["version"])

    def dataset(self, *words):
        return run("dataset", *words, "--data", self.data)

    def in_force(self):
        return os.readlink(os.path.join(self.home, "current"))

    def path(self, version, *names):
        return os.path.join(self.home, version, *names)

    def there(self):
        return {name for name in os.listdir(self.home) if len(name) == 16}

    def unfinished(self):
        return [name for name in os.listdir(self.home) if name.endswith(".tmp")]

    def rows(self, version):
        with open(self.path(version, "rows.txt"), encoding="utf-8") as file:
            return set(file.read().split())


def test_list_and_show(folder):
    data = Folder(folder, "list")
    Folder(folder, "list", use_case="second", counts=[5])
    done = data.dataset("list")
    lines = done.out.splitlines()
    check(done.code == 0 and [line.split()[0] for line in lines] == ["second", *[lines[1].split()[0]], USE_CASE,
          *reversed(data.versions)], "list: use cases, versions newest first", done)
    check(lines[3].endswith("in force") and lines[4].endswith("before") and "422 rows" in lines[3]
          and "in 8 shards" in lines[3], "list: which is in force, rows, shards", done)
    listed = data.dataset("list", "--json", "--use-case", USE_CASE).json()["useCases"]
    newest = listed[0]["versions"][0]
    size = sum(os.path.getsize(data.path(data.versions[-1], name)) for name in os.listdir(data.path(data.versions[-1]))
               if name not in ("dataset.json", "report.html"))
    check(len(listed) == 1 and listed[0]["inForce"] == data.versions[-1] == newest["version"] and newest["inForce"]
          and newest["rows"] == 422 and newest["shards"] == 8 and newest["bytes"] == size
          and abs(newest["made"] - time.time()) < 600, "list --json has the same", listed)

    done = data.dataset("show")
    check(done.code == 1 and "--use-case says which" in done.err, "show: of two use cases one must be named", done)
    done = data.dataset("show", "-u", USE_CASE)
    check(done.code == 0 and done.out.startswith(f"{USE_CASE} version {data.versions[-1]}, in force\n"),
          "show: the version in force", done)
    check(all(words in done.out for words in ("rows       422\n", "list.txt: 423 lines, 421 kept, 2 dropped",
              "ms on one thread, predicted", "n_4096_logq_27_28_28_logt_6", "Galois elements", "rows.txt")),
          "show: counts, shape, prediction, sources, digests", done)
    with open(data.path(data.versions[0], "dataset.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    shown = data.dataset("show", data.versions[0][:6], "-u", USE_CASE, "--json").json()
    check(shown["dataset"] == manifest and not shown["inForce"] and shown["prediction"]["queryMs"] > 0,
          "show --json: all of dataset.json, and what is predicted", shown)


def test_diff(folder):
    data = Folder(folder, "diff")
    first, last = data.versions[0], data.versions[-1]
    done = data.dataset("diff", first, last, "--rows")
    marked = [line for line in done.out.splitlines() if line[0] in "+-"]
    before, after = data.rows(first), data.rows(last)
    expected = [("+" if row in after else "-") + row for row in sorted(before ^ after)]
    check(done.code == 3 and marked == expected, "diff --rows: each row that came or left, in order", done)
    check(f"rows                +{len(after - before)} -{len(before - after)}: 302 -> 422\n" in done.out
          and "Murmur seed" in done.out, "diff: counts and settings", done)
    told = data.dataset("diff", "previous", "current", "--json")
    check(told.code == 3 and told.json()["rowsAdded"] == 41 and told.json()["rowsRemoved"] == 1
          and not told.json()["same"] and "murmurSeed" in told.json()["changed"], "diff --json", told)
    done = data.dataset("diff", last, "current")
    check(done.code == 0 and "  the same\n" in done.out, "diff: the same, exit code 0", done)
    done = data.dataset("diff", first, last, "--rows", "--json")
    check(done.code == 2, "diff: --rows and --json exclude each other", done)
    with open(data.path(first, "rows.txt"), "r+b") as file:
        file.write(b"zzz")
    done = data.dataset("diff", first, last)
    check(done.code == 1 and "rows.txt, line 2: not in order" in done.err, "diff: rows out of order are refused", done)


def test_switch(folder):
    data = Folder(folder, "switch")
    a, b, c, d = data.versions
    done = data.dataset("rollback")
    check(done.code == 0 and data.in_force() == c and f"{c} is in force, instead of {d}" in done.out,
          "rollback: the version before", done)
    check(data.dataset("rollback").code == 0 and data.in_force() == b, "again: one further back")
    data.dataset("rollback")
    done = data.dataset("rollback")
    check(done.code == 1 and "no version that was in force before" in done.err and data.in_force() == a,
          "rollback: there is none", done)
    done = data.dataset("activate", d, "--verify", "--json")
    check(done.code == 0 and done.json() == {"useCase": USE_CASE, "inForce": d, "before": a} and data.in_force() == d,
          "activate --verify --json", done)
    done = data.dataset("activate", d)
    check(done.code == 0 and "as before" in done.out, "activate: what is in force already", done)
    check(data.dataset("rollback").code == 0 and data.in_force() == a, "rollback: what activate replaced")
    os.remove(os.path.join(data.home, ".history"))
    done = data.dataset("rollback")
    check(done.code == 1 and data.in_force() == a, "rollback: nothing is recorded", done)
    with open(os.path.join(data.home, ".lock"), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for words in (("activate", b), ("rollback",), ("gc", "--keep", "1"), ("gc", "--keep", "1", "--dry-run")):
            done = data.dataset(*words)
            check(done.code == 1 and "another run is at work" in done.err, f"{words[0]}: one run at a time", done)
    check(data.in_force() == a and data.there() == set(data.versions), "and nothing has changed")


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def test_damage(folder):
    data = Folder(folder, "damage")
    a, b, c, d = data.versions
    shard = data.path(a, "shard-3.pir")
    os.rename(shard, shard + ".old")  # shards may be shared with other versions: damage a copy
    shutil.copy(shard + ".old", shard)
    os.remove(shard + ".old")
    flip(shard, os.path.getsize(shard) - 1)
    done = data.dataset("verify", a, d)
    check(done.code == 3 and f"{a} is damaged" in done.out and "shard-3.pir" in done.out and "plaintext" in done.out
          and f"{d} is whole" in done.out, "verify: names file and plaintext, exit code 3", done)
    told = data.dataset("verify", "--all", "--json", "--threads", "1")
    check(told.code == 3 and {v["version"]: v["whole"] for v in told.json()["versions"]}
          == {a: False, b: True, c: True, d: True}, "verify --all --json", told)
    done = data.dataset("activate", a, "--verify")
    check(done.code == 1 and "shard-3.pir" in done.err and data.in_force() == d,
          "activate --verify: refused, the one in force stays", done)
    check(data.dataset("verify").code == 0, "verify: without a version, the one in force")

    cases = [
        ("a file is cut short", b, "rows.txt", lambda path: os.truncate(path, 10), "rows.txt: has 10 bytes"),
        ("a file is missing", c, "report.json", os.remove, "report.json"),
        ("dataset.json is cut short", c, "dataset.json", lambda path: os.truncate(path, 100), "dataset.json: line"),
        ("dataset.json is missing", c, "dataset.json", os.remove, "dataset.json"),
    ]
    for what, version, name, harm, words in cases:
        harm(data.path(version, name))
        done = data.dataset("activate", version)
        check(done.code == 1 and words in done.err and data.in_force() == d, f"activate: {what}", done)
        done = data.dataset("verify", version)
        check(done.code == 3 and "is damaged" in done.out, f"verify: {what}", done)
    done = data.dataset("list")
    check(done.code == 0 and f"{c}  " in done.out and "cannot be read" in done.out and "dataset.json" in done.err,
          "list: goes on, and warns", done)
    done = data.dataset("rollback")
    check(done.code == 1 and data.in_force() == d, "rollback: to a damaged version is refused", done)
    done = data.dataset("show", c)
    check(done.code == 1 and "dataset.json" in done.err and done.out == "", "show: of a damaged version", done)

    other = "0123456789abcdef"
    shutil.copytree(data.path(d), data.path(other))
    done = data.dataset("activate", other)
    check(done.code == 1 and f"its folder is not called {d}" in done.err, "activate: a folder of a wrong name", done)
    check(data.dataset("verify", other).code == 3, "verify: a folder of a wrong name")
    done = data.dataset("list")
    check(f"is version {d} of {USE_CASE}" in done.err, "list: a folder of a wrong name", done)
    os.makedirs(os.path.join(data.data, "other.use"))
    shutil.copytree(data.path(d), os.path.join(data.data, "other.use", d))
    done = data.dataset("activate", d, "-u", "other.use")
    check(done.code == 1 and f"is a dataset of use case {USE_CASE}" in done.err, "activate: of another use case", done)
    shutil.rmtree(os.path.join(data.data, "other.use"))

    current = os.path.join(data.home, "current")
    os.remove(current)
    os.symlink("fedcba9876543210", current)
    done = data.dataset("list")
    check(done.code == 0 and "leads to fedcba9876543210, which is not there" in done.err, "list: a dangling current",
          done)
    for words in (("show",), ("verify",), ("diff", "current", d)):
        done = data.dataset(*words)
        check(done.code == 1 and "which is not there" in done.err, f"{words[0]}: a dangling current", done)
    there = data.there()
    done = data.dataset("gc", "--keep", "1")
    check(done.code == 1 and "no version is in force" in done.err and data.there() == there,
          "gc: a dangling current removes nothing", done)
    done = data.dataset("activate", d)
    check(done.code == 0 and data.in_force() == d, "activate: mends it", done)
    done = data.dataset("gc", "--keep", "2")
    check(done.code == 0 and d in data.there() and len(data.there()) == 2, "gc: damaged ones go, too", done)


def test_odd_name(folder):
    """A folder whose name is no UTF-8: messages that hold it are told in JSON all the same."""
    data = Folder(folder, os.fsdecode(b"odd\xff"), counts=[5])
    with open(data.path(data.versions[0], "rows.txt"), "a", encoding="utf-8") as file:
        file.write("more\n")
    told = data.dataset("verify", "--json")
    check(told.code == 3 and not told.json()["versions"][0]["whole"] and "odd%ff/" in
          told.json()["versions"][0]["error"], "verify --json: a folder whose name is no UTF-8", told)
    os.remove(data.path(data.versions[0], "dataset.json"))
    told = data.dataset("list", "--json")
    check(told.code == 0 and "odd%ff/" in told.json()["useCases"][0]["versions"][0]["error"],
          "list --json: likewise", told)


def test_gc(folder):
    data = Folder(folder, "gc")
    a, b, c, d = data.versions
    data.dataset("activate", a)
    os.makedirs(os.path.join(data.home, ".dataset.0123.tmp"))
    with open(os.path.join(data.home, ".dataset.0123.tmp", "rows.txt"), "w", encoding="utf-8") as file:
        file.write("x" * 1000)
    with open(os.path.join(data.home, "notes.txt"), "w", encoding="utf-8") as file:
        file.write("mine")
    dry = data.dataset("gc", "--keep", "3", "--dry-run", "--json").json()
    check(data.there() == {a, b, c, d} and data.unfinished() != [] and dry["dryRun"],
          "gc --dry-run: changes nothing", dry)
    done = data.dataset("gc", "--keep", "3", "--json").json()
    check({v["version"]: v["fate"] for v in done["versions"]} == {a: "kept", b: "removed", c: "kept", d: "kept"}
          and data.there() == {a, c, d}, "gc: in force, the one before and the newest stay", done)
    check(done["freedBytes"] == dry["freedBytes"] and done["unfinished"] == 1 and data.unfinished() == []
          and os.path.exists(os.path.join(data.home, "notes.txt")), "gc: what a dry run says; foreign files stay",
          (done, dry))
    check(data.dataset("verify", "--all").code == 0, "gc: versions that shared files are whole")
    data.dataset("gc", "-k", "1")
    check(data.there() == {a}, "gc --keep 1: only the one in force")
    check(data.dataset("rollback").code == 1, "gc: then there is nothing to go back to")


def test_kill(folder):
    """Killed at any moment, a version is whole or gone, and so is what is left over after the next run."""
    data = Folder(folder, "kill")
    safe = os.path.join(folder, "kill.safe")
    shutil.copytree(data.home, safe, symlinks=True)
    seen = set()
    good = []
    for i in range(KILLS):
        shutil.rmtree(data.home)
        shutil.copytree(safe, data.home, symlinks=True)
        process = subprocess.Popen([BLINDLIST, "dataset", "gc", "--keep", "1", "--data", data.data],
                                   stdout=subprocess.DEVNULL)
        time.sleep(0.02 * i / KILLS)
        process.kill()
        process.wait()
        seen.add(len(data.there()))
        good.append(data.dataset("verify", "--all").code == 0)
    check(all(good), f"gc: killed {KILLS} times, versions are whole or gone (left: {sorted(seen)})")
    done = data.dataset("gc", "--keep", "1")
    check(done.code == 0 and data.there() == {data.versions[-1]} and data.unfinished() == [],
          "gc: the next run removes what is left", done)


def ask(server, stop, wrong, asked):
    while not stop.is_set():
        done = run("check", "--server", f"http://127.0.0.1:{server.port}", "--json", "https://w7.example.net/",
                   "https://clean.example.com/")
        verdicts = [result["verdict"] for result in json.loads(done.out or "{}").get("results", [])]
        asked.append(1)
        if verdicts != ["denied", "allowed"]:
            wrong.append(str(done))


def test_server(folder):
    data = Folder(folder, "server")
    a, b, c, d = data.versions
    server = Server(data.data)
    stop, wrong, asked = threading.Event(), [], []
    loop = threading.Thread(target=ask, args=(server, stop, wrong, asked))
    loop.start()
    try:
        data.dataset("activate", a)
        check(server.wait_log(f"version={a}"), "server: notices a version that is activated", server.log())
        done = data.dataset("gc", "--keep", "1", "--json").json()
        fates = {v["version"]: v["fate"] for v in done["versions"]}
        check(fates == {a: "kept", b: "removed", c: "removed", d: "in use"} and data.there() == {a, d},
              "gc: what the server has open stays", done)
        for i in range(SWITCHES):
            done = data.dataset("rollback") if i % 2 == 0 else data.dataset("activate", a)
            if done.code != 0:
                wrong.append(str(done))
            time.sleep(0.1)
        for version in (d, a):  # a slow server may have seen none of those switches
            seen = server.log().count(f"version={version} ")
            data.dataset("activate", version)
            check(server.wait_log(f"version={version} ", seen + 1), "server: follows to and fro", server.log())
        wait_until(lambda: len(asked) > 2)
    finally:
        stop.set()
        loop.join()
    check(not wrong and len(asked) > 2, f"server: {len(asked)} checks meanwhile, none wrong", "\n".join(wrong[:2]))
    check(" ERROR " not in server.log().upper(), "server: no error in its log", server.log())
    server.end()
    done = data.dataset("gc", "--keep", "1")
    check(data.there() == {a}, "gc: free once the server has ended", done)


def test_usage(folder):
    data = os.path.join(folder, "usage")
    os.mkdir(data)
    cases = [
        (("list",), "--data is missing"), (("diff", "a", "--data", data), "a version is missing"),
        (("activate", "--data", data), "a version is missing"), (("rollback", "x", "--data", data), "one too many"),
        (("gc", "--data", data), "--keep is missing"), (("gc", "--keep", "0", "--data", data), "a number from 1"),
        (("verify", "--all", "x", "--data", data), "exclude each other"),
        (("verify", "-j", "0", "--data", data), "a number from 1"),
        (("show", "-u", "a/b", "--data", data), "no name of a use case"),
        (("list", "--no-such", "--data", data), "unknown option"),
    ]
    for words, message in cases:
        done = run("dataset", *words)
        check(done.code == 2 and message in done.err and done.out == "", f"usage: {' '.join(words[:2])}", done)
    done = run("dataset", "list", "--data", data)
    check(done.code == 0 and done.out == "", "list: an empty data folder", done)
    for words in (("show",), ("verify",), ("rollback",), ("gc", "--keep", "1")):
        done = run("dataset", *words, "--data", data)
        check(done.code == 1 and "no dataset in it" in done.err, f"{words[0]}: an empty data folder", done)
    done = run("dataset", "list", "--data", os.path.join(data, "none"))
    check(done.code == 1 and "No such file" in done.err, "list: no data folder", done)
    done = run("dataset", "gc", "--keep", "1", "--data", data, "-u", "none")
    check(done.code == 1 and "none" in done.err and os.listdir(data) == [], "gc: no such use case, nothing is made",
          done)


def main():
    folder = working_folder("dataset")
    try:
        for test in (test_usage, test_list_and_show, test_diff, test_switch, test_damage, test_odd_name, test_gc,
                     test_kill, test_server):
            test(folder)
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


sys.exit(main())
