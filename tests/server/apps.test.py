#!/usr/bin/env python3
"""Two apps on one server, asked over HTTP by their hosts: whose user token opens what, and that two hosts are none. Prints TAP."""
import http.client
import json
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
APPS = ["one", "two"]
work = working_folder("apps")


def tool(*words):
    return subprocess.run([f"{BUILD}/blindlist", *words], capture_output=True, text=True, timeout=PROGRAM_S)


def ask(port, host, method, target, bearer=None, body=None):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PROGRAM_S)
    client.request(method, target, body=body,
                   headers={"Host": host, **({"Authorization": "Bearer " + bearer} if bearer else {})})
    answer = client.getresponse()
    return answer.status, answer.read()


def status_of_two_hosts(port):
    with socket.create_connection(("127.0.0.1", port), PROGRAM_S) as client:
        client.sendall(b"GET /config HTTP/1.1\r\nHost: one.example\r\nHost: one.example\r\n\r\n")
        return int(client.recv(4096).split()[1])


def configuration():
    return {"data": "data", "state": "state",
            "apps": [{"name": name, "hosts": [f"{name}.example"], "useCases": [f"{name}.filtering"]} for name in APPS]}


def main():
    with open(f"{work}/list", "w", encoding="utf-8") as out:
        out.write("blocked.example\n")
    for name in APPS:
        made = tool("compile", f"{work}/list", "--use-case", f"{name}.filtering", "--out", f"{work}/data")
        check(made.returncode == 0, f"a dataset for {name}", made)
    with open(f"{work}/server.json", "w", encoding="utf-8") as out:
        json.dump(configuration(), out)
    users = {}
    for name in APPS:
        made = tool("token", "create", "--state", f"{work}/state", "--app", name)
        users[name] = made.stdout.split()[0] if made.stdout else ""
        check(made.returncode == 0 and users[name], f"a user token for {name}", made)
    server = Server(f"{work}/data", "--config", f"{work}/server.json", auth=None, with_data=False)
    directories = set()
    for name, other in (APPS, reversed(APPS)):
        host = f"{name}.example"
        directories.add(ask(server.port, host, "GET", "/.well-known/private-token-issuer-directory")[1])
        status, body = ask(server.port, host.upper() + ":443", "GET", "/config")
        check(status == 200 and f"{name}.filtering".encode() in body and f"{other}.filtering".encode() not in body,
              f"{host} has its use case alone", body)
        check(ask(server.port, host, "GET", f"/prefilter/{name}.filtering.json")[0] == 200 and
              ask(server.port, host, "GET", f"/prefilter/{other}.filtering.json")[0] == 404, "and its prefilter alone")
        check(ask(server.port, host, "GET", "/token-key-for-user-token", users[name])[0] == 200 and
              ask(server.port, host, "GET", "/token-key-for-user-token", users[other])[0] == 401,
              "the user token of another app opens nothing", server.log())
        check(ask(server.port, host, "POST", "/issue", users[name], b"short")[0] == 422 and
              ask(server.port, host, "POST", "/issue", users[other], b"short")[0] == 401, "and has nothing issued")
    check(len(directories) == 2 and all(directories), "each has keys of its own")
    check(ask(server.port, "three.example", "GET", "/config")[0] == 404, "a host that nobody has is 404")
    check(ask(server.port, "three.example", "GET", "/healthz")[0] == 200, "but for the health of the server")
    check(status_of_two_hosts(server.port) == 400, "two hosts are 400")
    check(server.end() == 0, "ends with 0", server.log())


if __name__ == "__main__":
    main()
    sys.exit(finish())
