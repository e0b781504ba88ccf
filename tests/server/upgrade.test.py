#!/usr/bin/env python3
"""Another process takes over the listening socket of a server under load, several times: no request fails, no token is
taken twice, no key is lost. And what must not take over does not. Prints TAP."""
import os
import re
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from paid_load import Crowd  # noqa: E402
from local import free_port  # noqa: E402
from patience import PATIENCE_S, wait_until  # noqa: E402
from paying import Client, Exchange, Lost  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import BUILD, Done  # noqa: E402

TOOL = f"{BUILD}/blindlist"
SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD) is not None
USE_CASE = "one.example.url.filtering"
UPGRADES = 3 if SANITIZED else 6
DEVICES = 4
BETWEEN = 20  # tokens taken
TOOK_OVER = "another process has taken over"


def prepare(folder, data):
    with open(f"{folder}/list", "w", encoding="utf-8") as file:
        file.write("blocked.example\n")
    done = Done([TOOL, "compile", f"{folder}/list", "--use-case", USE_CASE, "--out", data])
    server = Server(data, "--state", f"{folder}/other.state")
    exchange = Exchange(TOOL, server.port, USE_CASE, "https://blocked.example/")
    check(done.code == 0 and server.end() == 0, "a dataset and a look-up", done)
    return exchange


def test_load(folder, data, exchange):
    """A crowd that keeps its connections open."""
    state = f"{folder}/state"
    options = ("--state", state, "--handover", f"{folder}/handover", "--admin", f"127.0.0.1:{free_port()}")
    user_token = Done([TOOL, "token", "create", "--state", state, "--label", "devices"]).out.strip()
    server = Server(data, *options, auth="token")
    crowd = Crowd(DEVICES, exchange, {exchange.answer}, user_token, seed=7)
    crowd.connect(server.port)
    end = crowd.start_load()
    codes = []
    for _ in range(UPGRADES):
        crowd.wait_taken(BETWEEN)
        before, server = server, Server(data, *options, auth="token", listen=f"127.0.0.1:{server.port}")
        codes.append(before.process.wait(PATIENCE_S))
        check(TOOK_OVER in before.log() and "under way" not in before.log(), "the one before ended with nothing undone",
              before.log())
    crowd.wait_taken(BETWEEN)
    end()
    check(codes == [0] * UPGRADES, f"{UPGRADES} processes took over, one from the other", codes)
    check(not any(crowd.lost.values()) and not any(crowd.refused.values()) and not crowd.wrong,
          f"of {crowd.sent} requests none failed", f"{crowd.lost} {crowd.refused}\n" + "\n".join(crowd.wrong[:10]))
    crowd.look_back()
    check(not crowd.wrong, "tokens are spent once, keys are there", "\n".join(crowd.wrong[:10]))
    return server, options


def test_idle(data, server, options):
    """A connection that was idle when the server was replaced is answered once more."""
    client = Client(server.port)
    first = client.ask("GET", "/healthz")
    admin = Client(int(options[-1].split(":")[1]))
    ready = admin.ask("GET", "/readyz")[0]
    admin.close()
    after = Server(data, *options, auth="token", listen=f"127.0.0.1:{server.port}")
    replies = [first]

    def is_told_to_go():
        replies.append(client.ask("GET", "/healthz"))
        return replies[-1][2]["connection"] == "close"
    check(server.wait_log(TOOK_OVER) and wait_until(is_told_to_go) and {reply[0] for reply in replies} == {200},
          "an idle connection is answered, and told to go", replies)
    check(server.process.wait(PATIENCE_S) == 0, "then the old process ends")
    client.close()
    admin = Client(int(options[-1].split(":")[1]))
    check((ready, admin.ask("GET", "/readyz")[0]) == (200, 200), "the admin address was handed over, too", ready)
    admin.close()
    return after


def is_served(server):
    client = Client(server.port)
    try:
        return client.ask("GET", "/healthz")[0] == 200
    except Lost:
        return False
    finally:
        client.close()


def begin_silence(folder, data):
    """A server that asks one which hangs, while the other tests go on."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{folder}/silent")
    listener.listen()
    words = [PROGRAM, "--data", data, "--auth", "none", "--listen", "127.0.0.1:0", "--handover", f"{folder}/silent"]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    Server.running.append(process)
    return process, listener


def end_silence(process, listener):
    said = process.communicate(timeout=PATIENCE_S)[1]
    check(process.returncode == 1 and "does not answer" in said, "a server that hangs is not waited for, and named", said)
    listener.close()


def test_failures(folder, data, server, options):
    """What comes to nothing leaves the server that serves."""
    words = [PROGRAM, "--listen", f"127.0.0.1:{server.port}", *options]
    done = Done([*words, "--data", f"{folder}/none"])
    check(done.code == 1 and "taking over" in done.err, "one that has no data asks for the socket and fails", done)
    done = Done([PROGRAM, "--data", data, "--listen", f"127.0.0.1:{server.port}", *options[:2]])
    check(done.code == 1 and "Address already in use" in done.err, "one that does not ask gets none", done)
    with socket.socket(socket.AF_UNIX) as curious:
        curious.connect(f"{folder}/handover")
        curious.sendall(b"x")
        wait_until(lambda: curious.recv(1) == b"")
    check(is_served(server) and TOOK_OVER not in server.log(), "one that says something else takes nothing", server.log())
    open(f"{folder}/note", "w", encoding="utf-8").close()
    done = Done([*words, "--data", data, "--handover", f"{folder}/note"])
    check(done.code == 1 and "no socket" in done.err and os.path.isfile(f"{folder}/note"), "a file is not replaced", done)
    done = Done([*words, "--data", data, "--handover", f"{folder}/" + "n" * 200])
    check(done.code == 1 and "longer than" in done.err, "nor is a path made that no socket can have", done)
    server.process.kill()
    server.process.wait()
    after = Server(data, *options, auth="token", listen=f"127.0.0.1:{server.port}")
    check(is_served(after) and "taking over" not in after.log(), "after a kill the next one starts by itself", after.log())
    check(after.end() == 0, "and ends")


def main():
    folder = working_folder("upgrade")
    data = f"{folder}/data"
    try:
        exchange = prepare(folder, data)
        silence = begin_silence(folder, data)
        server, options = test_load(folder, data, exchange)
        server = test_idle(data, server, options)
        test_failures(folder, data, server, options)
        end_silence(*silence)
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)


main()
sys.exit(finish())
