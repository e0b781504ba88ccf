#!/usr/bin/env python3
"""A PostgreSQL server of a test's own: in a temporary folder, on a socket in it, as a user who is not root, with
fsync on. tests/tap.py says how to reach this file.

    postgres.py [FOLDER]    prints the connection string, or `skip REASON`; serves until its input ends. For tests and
                            benchmarks that are not in Python. Its data lies below FOLDER; by default it is small, and
                            in memory where that has room.
"""
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from patience import PATIENCE_S, PROGRAM_S, wait_until

MEMORY = "/dev/shm"
MEMORY_LEAST_BYTES = 512 << 20  # a container may have 64 MB
SMALL = ["-c", "shared_buffers=16MB", "-c", "min_wal_size=16MB", "-c", "max_wal_size=64MB"]


class Missing(Exception):
    """There is no PostgreSQL here, or nobody to run it as."""


def find_programs():
    """The folder of the newest `postgres` and `initdb`."""
    folders = glob.glob("/usr/lib/postgresql/*/bin") + [os.path.dirname(shutil.which("initdb") or "/-")]
    folders = [f for f in folders if os.access(f"{f}/initdb", os.X_OK) and os.access(f"{f}/postgres", os.X_OK)]
    if not folders:
        raise Missing("PostgreSQL is not installed (package postgresql)")
    return max(folders, key=lambda folder: [int(n) for n in re.findall(r"\d+", folder)])


def other_user():
    """What subprocess needs so that a child is not root; {} when we are not."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise Missing("root may not run PostgreSQL, and there is no user postgres or nobody")


def memory_folder():
    """None: there is none, or no room in it."""
    has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_LEAST_BYTES
    return MEMORY if has_room else None


class Postgres:
    def __init__(self, below=None):
        self.programs = find_programs()
        self.who = other_user()
        self.folder = tempfile.mkdtemp(prefix="blindlist-postgres-", dir=below or memory_folder())
        self.settings = [] if below else SMALL
        self.process = None
        try:
            if self.who:
                os.chown(self.folder, self.who["user"], self.who["group"])
            self.run(f"{self.programs}/initdb", "--no-sync", "--auth=trust", "--username=blindlist", "--encoding=UTF8",
                     "--locale=C", "--wal-segsize=4", "-D", f"{self.folder}/data")
            self.start()
            self.sql("CREATE DATABASE blindlist", database="postgres")
        except BaseException:
            self.remove()
            raise

    def run(self, *words, **more):
        """A program of PostgreSQL's, as its user."""
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=PROGRAM_S, cwd=self.folder, **self.who, **more)
        if done.returncode != 0:
            raise RuntimeError(f"{words[0]}: {done.stdout}")
        return done.stdout

    def name(self, database="blindlist", user="blindlist"):
        """What --state takes."""
        return f"host={self.folder} dbname={database} user={user}"

    def sql(self, text, database="blindlist"):
        return self.run(f"{self.programs}/psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "blindlist",
                        "-d", database, "-c", text).strip()

    def start(self):
        log = os.open(f"{self.folder}/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.process = subprocess.Popen(
            [f"{self.programs}/postgres", "-D", f"{self.folder}/data", "-k", self.folder, "-c", "listen_addresses=",
             "-c", "fsync=on", *self.settings], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
            **self.who)
        os.close(log)
        asked = [f"{self.programs}/pg_isready", "-q", "-h", self.folder, "-d", "postgres", "-U", "blindlist"]
        wait_until(lambda: self.process.poll() is not None or subprocess.run(asked, check=False).returncode == 0)
        if self.process.poll() is not None:
            raise RuntimeError("PostgreSQL does not start: " + self.log())

    def log(self):
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self, how=signal.SIGINT):
        """SIGINT: at once, in order. SIGQUIT: as in a crash."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE_S)

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    try:
        server = Postgres(*sys.argv[1:2])
    except Missing as missing:
        print(f"skip {missing}", flush=True)
        return
    try:
        print(server.name(), flush=True)
        sys.stdin.read()
    finally:
        server.remove()


if __name__ == "__main__":
    main()
