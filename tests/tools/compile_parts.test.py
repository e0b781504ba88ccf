#!/usr/bin/env python3
"""blindlist compile --part: workers that make one version together, as one worker makes it; run twice, killed, with
other lists, settings and jobs. Prints TAP."""
import filecmp
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S, wait_until  # noqa: E402
from served import working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BLINDLIST = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
USE_CASE = "test.url.filtering"
ROWS = 20000
SHARDS = 16
PARTS = 4
KILLS = 12


def write_list(path, rows, name="w"):
    with open(path, "w", encoding="utf-8") as out:
        out.writelines([f"{name}{i}.example.net/{i % 7}\n" for i in range(rows)] + ["bad host name\n"])
    return path


class Job:
    """Workers of one job on one data folder."""

    def __init__(self, data, lists, *options, parts=PARTS):
        self.data, self.lists, self.options, self.parts = data, lists, options, parts
        self.home = os.path.join(data, USE_CASE)
        self.folder = os.path.join(self.home, "parts")

    def words(self, part, *more):
        return [BLINDLIST, "compile", *self.lists, "-u", USE_CASE, "-o", self.data, "-j", "1", "--json",
                *([] if part is None else ["--part", f"{part}/{self.parts}"]), *self.options, *more]

    def start(self, part, *more):
        return subprocess.Popen(self.words(part, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, part, *more):
        return ended(self.start(part, *more))

    def in_force(self):
        path = os.path.join(self.home, "current")
        return os.readlink(path) if os.path.islink(path) else None

    def shards(self, part):
        return sorted(name for name in os.listdir(os.path.join(self.folder, f"part-{part}")) if name.endswith(".pir"))


def ended(process):
    out, err = process.communicate(timeout=PROGRAM_S)
    return process.returncode, json.loads(out) if out else None, err.decode()


def same_version(a, b):
    """The names in which two version folders differ; report.html tells of the version before."""
    left, right = (os.path.join(job.home, "current") for job in (a, b))
    names = sorted(os.listdir(left))
    if names != sorted(os.listdir(right)):
        return ["names"]
    return [n for n in names if not filecmp.cmp(os.path.join(left, n), os.path.join(right, n), shallow=False)]


def write_end(fifo):
    """Of a pipe that somebody has open for reading; None when nobody has."""
    try:
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def is_refused(done, *words):
    return done[0] == 1 and done[1] is None and all(word in done[2] for word in words)


def test_together(folder, lists, one):
    job = Job(os.path.join(folder, "together"), lists, "--shards", str(SHARDS))
    done = [ended(process) for process in [job.start(part) for part in range(PARTS)]]
    check(all(code == 0 for code, _, _ in done), "four workers at the same time are done", done)
    check(sum(out["planned"] for _, out, _ in done) == 1, "one of them has made the plan", done)
    check(sum(out["shardsMade"] for _, out, _ in done) == SHARDS, "each shard was made once", done)
    check(any(out["joined"] for _, out, _ in done), "one has joined the parts", done)
    check(same_version(one, job) == [], "the version is one worker's, byte for byte", same_version(one, job))
    check(os.listdir(job.folder) == [".lock"], "nothing is left of the job", os.listdir(job.folder))
    code, out, err = job.run(2)
    check(code == 0 and not out["changed"] and out["version"] == job.in_force(), "run again, nothing is to be done", err)


def test_one_by_one(folder, lists, one):
    job = Job(os.path.join(folder, "turns"), lists, "--shards", str(SHARDS))
    missing = list(range(PARTS))
    for part in [3, 1, 0]:
        code, out, err = job.run(part)
        missing.remove(part)
        check(code == 0 and out["missingParts"] == missing and not out["joined"], f"part {part} waits for {missing}",
              (out, err))
        check(job.in_force() is None, "and nothing is in force")
    code, out, _ = job.run(1)
    check(code == 0 and out["shardsMade"] == 0 and out["shardsReused"] == SHARDS // PARTS,
          "a part that is run twice takes over what is there", out)

    # ---- what does not belong together ----
    other = write_list(os.path.join(folder, "other.txt"), 50)
    check(is_refused(Job(job.data, [other], *job.options).run(2), "another list", "other.txt"), "another list is refused")
    check(is_refused(Job(job.data, lists + [other], *job.options).run(2), "1 lists, not 2"), "and one list more")
    check(is_refused(Job(job.data, lists, "--shards", "8").run(2), "without --shards 8"), "and another setting")
    check(is_refused(Job(job.data, lists).run(2), "with --shards 16"), "and a setting less")
    check(is_refused(Job(job.data, lists, *job.options, parts=5).run(2), "4 parts, not 5"), "and another number of parts")

    # ---- damage ----
    damaged = os.path.join(job.folder, "part-3", job.shards(3)[0])
    with open(damaged, "r+b") as out:
        out.seek(-8, os.SEEK_END)
        out.write(b"\xff" * 8)
    code, out, _ = job.run(3)
    check(code == 0 and out["shardsMade"] == 1, "a damaged shard is made again", out)
    rows = os.path.join(job.folder, "plan", "rows.txt")
    with open(rows, "r+b") as out:
        out.write(b"x")
    check(is_refused(job.run(2), "rows.txt: is not what was planned"), "rows that are not the plan's are refused")
    shutil.copy(os.path.join(one.home, "current", "rows.txt"), rows)
    plan = os.path.join(job.folder, "plan", "plan.json")
    with open(plan, encoding="utf-8") as file:
        text = file.read()
    with open(plan, "w", encoding="utf-8") as out:
        out.write(text[: len(text) // 2])
    check(is_refused(job.run(2), "plan.json"), "half a plan is refused")
    with open(plan, "w", encoding="utf-8") as out:
        out.write(text)
    check(job.in_force() is None, "and still nothing is in force")

    code, out, err = job.run(2)
    check(code == 0 and out["joined"] and out["missingParts"] == [], "the last one joins", (out, err))
    check(same_version(one, job) == [], "what came out is one worker's", same_version(one, job))


def test_jobs(folder, lists, one):
    job = Job(os.path.join(folder, "jobs"), lists, "--shards", str(SHARDS))
    first = write_list(os.path.join(folder, "first.txt"), 3000, "f")
    old = Job(job.data, [first], "--shards", "4", parts=2)
    check(old.run(0, "--job", "monday")[0] == 0, "half of a job")
    code, out, err = job.run(0, "--job", "tuesday")
    check(code == 0 and out["planned"], "another job begins anew", err)
    for part in range(1, PARTS):
        code, out, err = job.run(part, "--job", "tuesday")
    check(code == 0 and out["joined"] and same_version(one, job) == [], "and ends as if it had been the only one", err)
    check([code for code, _, _ in (old.run(part) for part in range(2))] == [0, 0],
          "the next version comes from other lists")
    full = Job(os.path.join(folder, "full"), [first], "--shards", "4")
    full.run(None)
    check(same_version(full, old) in ([], ["report.html"]), "and is what one worker gives", same_version(full, old))


def test_more_parts_than_shards(folder, lists):
    job = Job(os.path.join(folder, "few"), lists, "--shards", "2", parts=3)
    done = [job.run(part) for part in range(3)]
    check([code for code, _, _ in done] == [0, 0, 0] and done[2][1]["shardsMade"] == 0 and
          sum(out["joined"] for _, out, _ in done) >= 1 and job.in_force(), "parts without shards are done at once", done)


def test_killed(folder, lists, one):
    seed = int(os.environ.get("BLINDLIST_SEED", time.time_ns() % 2**32))
    choose = random.Random(seed)
    job = Job(os.path.join(folder, "killed"), lists, "--shards", str(SHARDS))
    start = time.monotonic()
    Job(os.path.join(folder, "measured"), lists, "--shards", str(SHARDS)).run(0)
    longest = time.monotonic() - start
    killed = 0
    for turn in range(KILLS):
        process = job.start(turn % (PARTS - 1))
        try:
            process.wait(choose.uniform(0, longest))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
        if job.in_force() is not None:
            break
    check(job.in_force() is None, f"{killed} of {KILLS} workers were killed, and nothing is in force", f"seed {seed}")
    done = [job.run(part) for part in range(PARTS)]
    check(all(code == 0 for code, _, _ in done) and done[-1][1]["joined"], "then all are done", (seed, done))
    check(same_version(one, job) == [], "with one worker's bytes", (seed, same_version(one, job)))
    left = [name for name in os.listdir(job.home) if name.endswith(".tmp")]
    check(left == [] and os.listdir(job.folder) == [".lock"], "and nothing is left", left)


def test_at_work(folder, lists):
    """A worker that stands still holds its part, and with it the job."""
    job = Job(os.path.join(folder, "busy"), lists, "--shards", str(SHARDS))
    check(job.run(0)[0] == 0, "a plan is there")
    fifo = os.path.join(folder, "fifo")
    os.mkfifo(fifo)
    held = Job(job.data, [fifo], "--shards", str(SHARDS)).start(1)
    end = wait_until(lambda: write_end(fifo))
    check(end is not None, "a worker has taken its part, and reads its list")
    check(is_refused(job.run(1), "another process makes this part"), "one part is not made twice at the same time")
    check(is_refused(job.run(2, "--job", "new"), "another job is at work"), "a job at work is not ended by another")
    held.kill()
    held.communicate()
    os.close(end)
    code, out, err = job.run(1)
    check(code == 0 and out["shardsMade"] == SHARDS // PARTS, "after it was killed its part is made", err)


def test_usage(folder, lists):
    job = Job(os.path.join(folder, "usage"), lists)
    for words in (["--part", "4/4"], ["--part", "1"], ["--part", "-1/4"], ["--part", "0/65537"], ["--part", "/"],
                  ["--part", "0/2x"], ["--job", "a"], ["--part", "0/2", "--job", "a/b"]):
        code, _, err = job.run(None, *words)
        check(code == 2 and words[-2] in err, f"{' '.join(words)}: wrong usage", err)
    check(not os.path.exists(job.data), "and nothing is made")


def main():
    folder = working_folder("parts")
    try:
        lists = [write_list(os.path.join(folder, "list.txt"), ROWS)]
        one = Job(os.path.join(folder, "one"), lists, "--shards", str(SHARDS))
        code, _, err = one.run(None)
        check(code == 0, "one worker makes a version", err)
        test_together(folder, lists, one)
        test_one_by_one(folder, lists, one)
        test_jobs(folder, lists, one)
        test_more_parts_than_shards(folder, lists)
        test_killed(folder, lists, one)
        test_at_work(folder, lists)
        test_usage(folder, lists)
    finally:
        shutil.rmtree(folder)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
