#!/usr/bin/env python3
"""The log of a server as lines of JSON: requests have numbers of their own, nothing of them is told, and clients are not told the
number. Prints TAP."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S, wait_until  # noqa: E402
from paying import Client  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
SECRETS = ("planted-path", "planted-user", "planted-token", "planted-agent", "planted-host")
work = working_folder("log")


def main():
    with open(f"{work}/list", "w", encoding="utf-8") as out:
        out.write("blocked.example\n")
    subprocess.run([f"{BUILD}/blindlist", "compile", f"{work}/list", "--use-case", "one.filtering", "--out", f"{work}/data"],
                   check=True, stdout=subprocess.DEVNULL, timeout=PROGRAM_S)
    server = Server(f"{work}/data", "--log-format", "json", "--debug")
    client, answers = Client(server.port), []
    for path in ("/config", "/planted-path", "/queries", "/key"):
        answers.append(client.ask("GET" if path == "/config" else "POST", path, None if path == "/config" else b"planted-token",
                                  User_Identifier="planted-user", User_Agent="planted-agent", Host="planted-host.example",
                                  Authorization="Bearer planted-token"))
    client.close()

    def requests():
        return [line for line in map(json.loads, server.log().splitlines()) if line["message"].startswith("request id=")]
    check(wait_until(lambda: len(requests()) == len(answers)), "each request has a line", server.log())
    check(server.end() == 0, "ends with 0")
    lines = [json.loads(line) for line in server.log().splitlines()]
    check(all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{12}Z", line["time"]) and line["level"] in ("debug", "info", "warn", "error")
              for line in lines), "all lines are JSON with time and level")
    check([(line["fields"]["route"], line["fields"]["status"]) for line in requests()] ==
          [("config-public", 200), ("unknown", 404), ("queries", 400), ("key", 400)], "with fields", requests())
    ids = [line["fields"]["id"] for line in requests()]
    check(len(set(ids)) == len(ids) and all(re.fullmatch("[0-9a-f]{16}", str(one)) for one in ids), "each has its number", ids)
    told = repr([(body, list(headers.items())) for _, body, headers in answers])
    check(not any(str(one) in told for one in ids), "which no client is told", told)
    check(not any(secret in server.log() for secret in SECRETS), "and nothing of a request is told", server.log())
    other = subprocess.run([f"{BUILD}/blindlist-server", "--data", f"{work}/data", "--log-format", "xml"], capture_output=True, text=True,
                           timeout=PROGRAM_S)
    check(other.returncode == 2 and "log-format" in other.stderr, "another format is wrong usage", other)


if __name__ == "__main__":
    try:
        main()
    finally:
        Server.end_all()
    sys.exit(finish())
