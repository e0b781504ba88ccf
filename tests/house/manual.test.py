#!/usr/bin/env python3
"""Every command answers --help, and its help and its man page name the same options."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
SERVER = f"{BUILD}/blindlist-server"
OPTION = re.compile(r"^  (?:-(\w), )?--([a-z0-9-]+)", re.MULTILINE)

def run(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=PROGRAM_S)
    return done.returncode, done.stdout, done.stderr


def listed(text):
    """The names below `commands:`, as typed behind `blindlist`."""
    names = []
    if "\ncommands:\n" in text:
        for line in text.split("\ncommands:\n", 1)[1].splitlines():
            match = re.match(r"  ([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)?)  +\S", line)
            if not match:
                break
            names.append(match.group(1))
    return names


def documented(page):
    """Long options that a page lists (`.It Fl -name`, `.It Fl x , Fl Fl name`), and all it names."""
    with open(page, encoding="utf-8") as file:
        lines = file.read().splitlines()
    name = re.compile(r"Fl (?:-|Fl )([a-z0-9-]+)")
    listed_names = {n for line in lines if line.startswith(".It Fl") for n in name.findall(line)}
    return listed_names, {n for line in lines for n in name.findall(line)}


def compare(what, page, text, more_pages=()):
    """`more_pages`: of members of a group, when they have one of their own."""
    if not os.path.exists(page):
        check(False, f"{what}: has the page {page}")
        return
    in_help = {name for _, name in OPTION.findall(text)} - {"help", "version"}
    listed_names, named = documented(page)
    for more in more_pages:
        if os.path.exists(more):
            more_listed, more_named = documented(more)
            listed_names |= more_listed
            named |= more_named
    only_help = in_help - named
    only_page = listed_names - in_help - {"help", "version"}
    check(not only_help and not only_page, f"{what}: {page} has the options of --help",
          f"only in --help: {sorted(only_help)}\nonly in the page: {sorted(only_page)}")


def help_of(*words):
    code, out, err = run(*words, "--help")
    check(code == 0 and out.startswith("usage: ") and err == "", f"{' '.join(words)} --help",
          f"exit code {code}\n{out}{err}")
    check(all(len(line) <= 100 for line in out.splitlines()), f"{' '.join(words)} --help is narrow",
          "\n".join(line for line in out.splitlines() if len(line) > 100))
    return out


def check_tool():
    commands = listed(help_of(TOOL))
    code, out, _ = run(TOOL, "--version")
    check(code == 0 and re.fullmatch(r"blindlist \d+\.\d+\.\d+\n", out), "blindlist --version", out)
    code, out, err = run(TOOL)
    check(code == 2 and out == "" and "usage: " in err, "without a command: usage, exit code 2")
    code, out, err = run(TOOL, "no-such-thing")
    check(code == 2 and out == "" and "unknown command no-such-thing" in err, "an unknown command")
    if os.path.exists("docs/man/blindlist.1"):
        with open("docs/man/blindlist.1", encoding="utf-8") as file:
            page = file.read()
        for name in commands:
            check(f"blindlist-{name.split()[0]} 1" in page, f"blindlist.1 names {name}")
    for name in commands:
        text = help_of(TOOL, *name.split())
        members = listed(text)
        for member in members:
            text += help_of(TOOL, *member.split())
        compare(name, f"docs/man/blindlist-{name}.1", text,
                [f"docs/man/blindlist-{member.replace(' ', '-')}.1" for member in members])
        last = members[0] if members else name
        code, out, err = run(TOOL, *last.split(), "--no-such-option")
        check(code == 2 and out == "" and "--no-such-option" in err, f"{last}: an unknown option", err)


def check_pages():
    pages = sorted(f"docs/man/{name}" for name in os.listdir("docs/man")) \
        if os.path.isdir("docs/man") else []
    if not shutil.which("mandoc"):
        skip("mandoc is not installed")
        return
    for page in pages:
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check(done.returncode == 0, f"mandoc finds nothing in {page}", done.stdout)


check_tool()
if os.path.exists("pir-server/main.c"):
    compare("blindlist-server", "docs/man/blindlist-server.8", help_of(SERVER))
    compare("blindlist-server state", "docs/man/blindlist-server-state.8", help_of(SERVER, "state"))
check_pages()
sys.exit(finish())
