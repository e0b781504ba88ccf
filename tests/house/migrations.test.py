#!/usr/bin/env python3
"""Both kinds of state have the same tables with the same columns: a migration of one has its twin in the other. Prints
TAP."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import check, finish  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Which of two keys came first: SQLite has the rowid for that.
ONLY_POSTGRES = {"evaluation_key": {"number"}}


def migrations(name):
    """The SQL of all of them, in order."""
    with open(f"{TOP}/pir-server/store/{name}", encoding="utf-8") as file:
        source = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
    array = re.search(r"migrations\[\] = \{(.*?)\n\};", source, re.DOTALL).group(1)
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', array))


def tables(sql):
    """The names of the columns of each table."""
    found = {}
    for name, body in re.findall(r"CREATE TABLE (\w+) \(((?:[^()]|\([^()]*\))*)\)", sql):
        columns = [part.split()[0] for part in re.sub(r"\([^()]*\)", "", body).split(",")]
        found[name] = {column for column in columns if column.islower()}
    for name, column in re.findall(r"ALTER TABLE (\w+) ADD (?:COLUMN )?([a-z_]+) ", sql):
        found[name].add(column)
    return found


def main():
    sqlite, postgres = (tables(migrations(f"store_{kind}.c")) for kind in ("sqlite", "postgres"))
    check(len(sqlite) > 6 and "retire_at" in sqlite["issuer_key"], "the tables are found", sqlite)
    check(set(sqlite) == set(postgres), "both have the same tables", set(sqlite) ^ set(postgres))
    for name, columns in sorted(sqlite.items()):
        expected = columns | ONLY_POSTGRES.get(name, set())
        check(postgres.get(name) == expected, f"{name}: both have the same columns", (columns, postgres.get(name)))
    less = tables(migrations("store_sqlite.c").replace("retire_at", "retired", 1))
    check(less != sqlite, "another name of a column is noticed")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
