#!/usr/bin/env python3
"""Several devices that ask at the same time: each answer has the bytes that it has alone, however many threads share
the work of a query. Prints TAP."""
import os
import re
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PATIENCE_S  # noqa: E402
from paying import AGENT, Client, Exchange  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
USE_CASE = "one.example.url.filtering"
# Of each device; with a sanitizer one takes up to two seconds.
QUERIES = 5 if "tsan" in BUILD else 20 if re.search("asan|ubsan|sanitize", BUILD) else 150
DEVICES = 3  # one more than a small machine has cores: threads come and go in the middle of a query


def ask(port, exchange, number, wrong):
    client, named = Client(port), {"User_Identifier": f"device-{number}", "User_Agent": AGENT}
    client.ask("POST", "/key", exchange.upload(1), **named)
    for _ in range(QUERIES):
        status, answer, _ = client.ask("POST", "/queries", exchange.query(1), **named)
        if status != 200 or answer != exchange.answer:
            wrong.append((number, status))
    client.close()


def main():
    folder = working_folder("together")
    try:
        with open(f"{folder}/list", "w", encoding="utf-8") as file:
            file.writelines(f"{row}.example\n" for row in ["blocked", *(f"site{i}" for i in range(20000))])
        subprocess.run([TOOL, "compile", f"{folder}/list", "--use-case", USE_CASE, "--out", f"{folder}/data"],
                       check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE_S)
        server = Server(f"{folder}/data", "--threads", "3")
        exchange = Exchange(TOOL, server.port, USE_CASE, "https://blocked.example/")
        wrong = []
        devices = [threading.Thread(target=ask, args=(server.port, exchange, i, wrong)) for i in range(DEVICES)]
        for device in devices:
            device.start()
        for device in devices:
            device.join()
        check(not wrong, f"{DEVICES} devices with {QUERIES} queries each: the same answer each time", wrong)
        check(server.end() == 0, "the server ends")
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
