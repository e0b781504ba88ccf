#!/usr/bin/env python3
"""Two servers over one PostgreSQL: devices go to the one and the other with each request, tokens are spent once, a
server is killed, the database is restarted, crashes and hangs under load. Nothing that was accepted is lost, no token is
taken twice, and with the cause the refusals end. Prints TAP.

BLINDLIST_RESTARTS  how often the database is restarted [4; 2 for builds with a sanitizer]"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from paid_load import Crowd  # noqa: E402
from patience import PROGRAM_S, wait_until  # noqa: E402
from paying import AGENT, DIRECTORY, Blinded, Client, Exchange, first_key  # noqa: E402
from postgres import Missing, Postgres  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
SANITIZED = re.search(r"asan|ubsan|tsan|sanitize", BUILD) is not None
RESTARTS = int(os.environ.get("BLINDLIST_RESTARTS", "2" if SANITIZED else "4"))
USE_CASE = "one.example.url.filtering"
SEED = 1
DEVICES = 4
ENOUGH = 20  # requests of a kind before something happens
RACES = 10
PASSWORD = "correct-horse-battery"
work = working_folder("postgres")
data = f"{work}/data"


def run(program, *words, **more):
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=PROGRAM_S, **more)


def state_command(command, state):
    return run(PROGRAM, "state", *command, "--state", state)


class Hopping:
    """A device's connections, one to each server: it takes the next with each request."""

    def __init__(self, servers):
        self.clients = [Client(server.port) for server in servers]
        self.asked = 0

    def ask(self, *what, **headers):
        self.asked += 1
        return self.clients[self.asked % len(self.clients)].ask(*what, **headers)


class HoppingCrowd(Crowd):
    def __init__(self, exchange, user_token, servers):
        super().__init__(DEVICES, exchange, {exchange.answer}, user_token, SEED, refusals=(503,))
        self.connect_to(servers)

    def connect_to(self, servers):
        for device in self.devices:
            device.client = Hopping(servers)

    def answered(self):
        return self.issued + sum(len(device.taken_now) for device in self.devices)

    def wait_answers(self):
        """Whether many more requests are answered."""
        before = self.answered()
        return wait_until(lambda: self.answered() >= before + ENOUGH)

    def wait_refusals(self, count):
        """Whether so many more are refused."""
        before = sum(self.refused.values())
        return wait_until(lambda: sum(self.refused.values()) >= before + count)


def start_both(state):
    """At once: of two that find no issuer key, one makes it."""
    servers = [None, None]

    def start(i):
        servers[i] = Server(data, "--state", state, auth="token")
    threads = [threading.Thread(target=start, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return servers


def test_same(database, servers):
    clients = [Client(server.port) for server in servers]
    check(database.sql("SELECT count(*) FROM blindlist.issuer_key") == "1", "of two servers one makes the issuer's key")
    for path in (DIRECTORY, "/config", f"/prefilter/{USE_CASE}.json"):
        replies = [client.ask("GET", path) for client in clients]
        check(replies[0][0] == 200 and replies[0][1] == replies[1][1] and
              replies[0][2]["ETag"] == replies[1][2]["ETag"], f"{path} is the same on both", replies)


def race_for(token, servers, exchange):
    """What a token gives that is shown twice to both, at once."""
    clients = [Client(server.port) for server in servers + servers]
    start = threading.Barrier(len(clients))
    replies = [None] * len(clients)

    def show(i):
        clients[i].ask("GET", "/healthz")
        start.wait()
        replies[i] = clients[i].ask("POST", "/config", exchange.config, User_Identifier="racer", User_Agent=AGENT,
                                    Authorization=token)[:2]
    threads = [threading.Thread(target=show, args=(i,)) for i in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


def get_token(client, user_token):
    blinded = Blinded(first_key(client))
    status, signature, _ = client.ask("POST", "/issue", blinded.request, Authorization=f"Bearer {user_token}")
    return blinded.finish(signature) if status == 200 else None


def test_races(servers, exchange, user_token):
    client = Client(servers[0].port)
    won, lost = [], []
    for _ in range(RACES):
        replies = race_for(get_token(client, user_token), servers, exchange)
        won.append(sum(status == 200 for status, _ in replies))
        lost.append(sum(status == 401 and b"spent before" in answer for status, answer in replies))
    check(won == [1] * RACES and lost == [3] * RACES, "a token that is shown to both at once is taken once", (won, lost))


def test_user_tokens(state, servers):
    clients = [Client(server.port) for server in servers]
    secret = run(TOOL, "token", "create", "--state", state, "--label", "short-lived").stdout.strip()
    check(all(get_token(client, secret) for client in clients), "a user token that was made is known to both")
    done = run(TOOL, "token", "revoke", "short-lived", "--state", state)
    check(done.returncode == 0 and not any(get_token(client, secret) for client in clients),
          "and to none when it is revoked", done)


def test_hopping(crowd, servers):
    end = crowd.start_load()
    wait_until(lambda: crowd.answered() > 10 * ENOUGH)
    end()
    crowd.look_back()
    check(not crowd.wrong and not any(crowd.refused.values()),
          "devices that go to the one and the other with each request are served", "\n".join(crowd.wrong))
    asked = [client.asked for client in (device.client for device in crowd.devices)]
    check(min(asked) > 2 * len(servers), "each of them went to both", asked)


def test_look_up(state, servers, user_token):
    """As a device does it; the key that one server is given is found by the other."""
    for server in servers:
        done = run(TOOL, "check", "--server", f"http://127.0.0.1:{server.port}", "--use-case", USE_CASE, "--token",
                   user_token, "https://blocked.example/")
        check(done.returncode == 3, "blindlist check", done)
    done = state_command(["check", "--json"], state)
    check(done.returncode == 0 and json.loads(done.stdout)["evaluationKeys"] > 0, "state check, while they run", done)
    done = state_command(["vacuum"], state)
    check(done.returncode == 0, "state vacuum, while they run", done)
    done = state_command(["backup", f"{work}/copy"], state)
    check(done.returncode == 1 and "pg_dump" in done.stderr and not os.path.exists(f"{work}/copy"),
          "state backup names the tool that does it", done)


def test_kill(crowd, servers, state):
    end = crowd.start_load()
    crowd.wait_answers()
    servers[0].process.kill()
    servers[0].process.wait(PROGRAM_S)
    end()
    crowd.connect_to(servers[1:])
    crowd.look_back()
    check(not crowd.wrong, "one is killed: the other knows all that was accepted", "\n".join(crowd.wrong))
    servers[0] = Server(data, "--state", state, auth="token")
    crowd.connect_to(servers)
    crowd.look_back()
    check(not crowd.wrong, "and it is back", "\n".join(crowd.wrong))


def ask_state(server):
    """The answer to something that the state alone knows; 401 when all is well."""
    return Client(server.port).ask("GET", "/token-key-for-user-token", Authorization="Bearer nobody")


def check_others(server, what):
    client = Client(server.port)
    others = [client.ask("GET", path)[0] for path in ("/config", DIRECTORY, "/healthz", f"/prefilter/{USE_CASE}.json")]
    check(set(others) == {200}, f"{what}: what needs no state goes on", others)


def outage(crowd, servers, begin, finish_it, what, refusals):
    """The database goes under load until so much was refused, and comes back."""
    end = crowd.start_load()
    served = crowd.wait_answers()
    begin()
    refused = crowd.wait_refusals(refusals)
    check_others(servers[0], what)
    if refusals == ENOUGH:
        status, answer, headers = ask_state(servers[0])
        check(status == 503 and int(headers["Retry-After"]) > 0 and b"message" in answer,
              f"{what}: 503 with Retry-After", (status, answer))
    finish_it()
    recovered = crowd.wait_answers() and wait_until(lambda: all(ask_state(server)[0] == 401 for server in servers))
    end()
    check(served and refused and recovered, f"{what}: refused, then served, without a restart",
          (served, refused, recovered, crowd.refused))
    crowd.look_back()
    check(not crowd.wrong, f"{what}: nothing is lost, nothing taken twice", "\n".join(crowd.wrong))


def processes_of(database):
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    found = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if database.process.pid in (pid, parent):
            found.append(pid)
    return found


def test_outages(crowd, servers, database):
    for i in range(RESTARTS):
        how = signal.SIGINT if i % 2 == 0 else signal.SIGQUIT
        what = "restarted" if i % 2 == 0 else "crashed"
        outage(crowd, servers, lambda how=how: database.stop(how), database.start, what, ENOUGH)

    def send(what):
        for pid in processes_of(database):
            os.kill(pid, what)
    # Each refusal takes the five seconds for which a statement is waited for.
    outage(crowd, servers, lambda: send(signal.SIGSTOP), lambda: send(signal.SIGCONT), "hanging", 1)
    check(all(server.process.poll() is None for server in servers), "the servers lived on")


def test_passwords(database):
    database.sql(f"CREATE ROLE secretive LOGIN PASSWORD '{PASSWORD}'")
    database.sql("CREATE DATABASE secrets OWNER secretive")
    hba = f"{database.folder}/data/pg_hba.conf"
    with open(hba, encoding="utf-8") as file:
        rules = file.read()
    with open(hba, "w", encoding="utf-8") as file:
        file.write("local all secretive scram-sha-256\n" + rules)
    database.sql("SELECT pg_reload_conf()")
    # Some time later.
    asked = [f"{database.programs}/psql", "-w", "-c", "SELECT", database.name("secrets", "secretive")]
    check(wait_until(lambda: run(*asked).returncode != 0), "PostgreSQL asks for passwords")
    state = f"postgresql://secretive:{PASSWORD}@/secrets?host={database.folder}"
    server = Server(data, "--state", state, auth="token")
    server.end()
    check(PASSWORD not in server.log() and "nobody has a user token" in server.log(), "a password is not logged",
          server.log())
    for wrong in (state.replace(PASSWORD, PASSWORD + "x"), state.replace("?host", "?hosts"),
                  state.replace("/secrets", "/nosuch")):
        done = run(PROGRAM, "--data", data, "--listen", "127.0.0.1:0", "--state", wrong)
        check(done.returncode == 1 and ("cannot connect" in done.stderr or "libpq" in done.stderr),
              "a database that cannot be opened", done)
        check(PASSWORD not in done.stderr + done.stdout, "and its password is not told", done)


def test_gone(database, state):
    database.stop()
    done = run(PROGRAM, "--data", data, "--listen", "127.0.0.1:0", "--state", state)
    check(done.returncode == 1 and "cannot connect" in done.stderr and "PostgreSQL state blindlist at" in done.stderr,
          "no database at the start: it says so and ends", done)


def prepare():
    with open(f"{work}/list", "w", encoding="utf-8") as file:
        file.writelines(f"{row}.example\n" for row in ["blocked"] + [f"site{i}" for i in range(200)])
    done = run(TOOL, "compile", f"{work}/list", "--use-case", USE_CASE, "--out", data)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    server = Server(data, "--state", f"{work}/other.state")
    exchange = Exchange(TOOL, server.port, USE_CASE, "https://blocked.example/")
    server.end()
    return exchange


def main():
    database = None
    try:
        database = Postgres()
        exchange = prepare()
        state = database.name()
        servers = start_both(state)
        test_same(database, servers)
        user_token = run(TOOL, "token", "create", "--state", state, "--label", "devices").stdout.strip()
        test_races(servers, exchange, user_token)
        test_user_tokens(state, servers)
        test_look_up(state, servers, user_token)
        crowd = HoppingCrowd(exchange, user_token, servers)
        test_hopping(crowd, servers)
        test_kill(crowd, servers, state)
        test_outages(crowd, servers, database)
        crowd.show_all()
        check(not crowd.wrong and len(crowd.taken) > ENOUGH, "every token, once more: none is taken again",
              (len(crowd.taken), crowd.wrong))
        check([server.end() for server in servers] == [0, 0], "they end when asked to")
        done = state_command(["check"], state)
        check(done.returncode == 0, "the state is whole", done)
        test_passwords(database)
        test_gone(database, state)
    except Missing as missing:
        skip(missing)
    finally:
        Server.end_all()
        if database is not None:
            database.remove()
        shutil.rmtree(work, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
