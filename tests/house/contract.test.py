#!/usr/bin/env python3
"""tests/CONTRACT.md: each test that it names is there, and each line of spec/service.md that it has to show is shown
(where the project's shared/spec is at hand). Prints TAP."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import check, finish, skip  # noqa: E402

SPEC = os.environ.get("BLINDLIST_SPEC", "../shared/spec/service.md")
LINES = 33  # of section 8


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def rows():
    """[(line, what, file, test)]"""
    found = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in read("tests/CONTRACT.md").splitlines()
             if line.startswith("| ")]
    return [row for row in found if row[0] != "line"]


def asked_for():
    """What sections 1 to 7 mark: the section and the words behind."""
    section, found = "", []
    for line in read(SPEC).split("\n## 8.")[0].splitlines():
        heading = re.match(r"#+ (\d(?:\.\d)?)\.? ", line)
        section = heading.group(1) if heading else section
        found += [(section, words) for words in re.findall(r"(?<!\")(Ours: .{3,12})", line + " " * 12)]
    return found


table = rows()
shown = [row[0] for row in table]
broken = [row for row in table if len(row) != 4 or not all(row)]
check(not broken and len(table) > LINES, f"{len(table)} rows of four columns", broken)
for row in [row for row in table if row[2:] == ["-", "open"]]:
    skip(f"{row[0]}: no test yet")
    table.remove(row)
lacking = [f"{row[2]}: {row[3]}" for row in table if not os.path.isfile(row[2]) or row[3] not in read(row[2])]
check(not lacking, "each named test is there", "\n".join(lacking))
lacking = [f"8.{number}" for number in range(1, LINES + 1) if f"8.{number}" not in shown]
check(not lacking, "each line of section 8 has a test", lacking)
if os.access(SPEC, os.R_OK):
    lacking = [f"{section} {words.strip()}" for section, words in asked_for()
               if not any(one.startswith(f"{section} {words.strip()}"[:len(one)]) for one in shown)]
    check(not lacking, "each \"Ours:\" of sections 1 to 7 has a test", "\n".join(lacking))
else:
    skip(f"{SPEC} is not at hand")
sys.exit(finish())
