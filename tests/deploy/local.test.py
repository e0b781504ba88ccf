#!/usr/bin/env python3
"""A whole deployment on this machine, by one command: real nginx with the shipped configuration, HTTP/2, and a device
that asks through it. Prints TAP."""
import contextlib
import http.server
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from local import MISSING, Local, free_port  # noqa: E402
from patience import PATIENCE_S, wait_until  # noqa: E402
from served import working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402
from updating import BUILD, Done, environment  # noqa: E402

BODY_MAX = 10 << 20  # of the service: spec/service.md section 1.3
SECRET = "X-Forwarded-For: 198.51.100.7"


# ---- a device through it ----

def test_devices(local):
    for ask, identity in ((local.check, "ios18.2"), (local.check, "ios27.3"), (local.check_as_relayed, "ios18.2"),
                          (local.check_as_relayed, "ios27.3")):
        done = ask("--identity", identity, "--trace", "https://bad3.example/", "https://good.example/")
        asked = [line for line in done.out.splitlines() if line.startswith(("GET ", "POST "))]
        check(done.code == 3 and "denied   https://bad3.example/" in done.out and
              "allowed  https://good.example/" in done.out, f"{identity}, {ask.__name__}: one is denied, one allowed", done)
        check(len(asked) > 5 and all(line.endswith(" h2") for line in asked), "all of it by HTTP/2", done)
    done = local.check("https://good.example/")
    check(done.code == 0, "allowed alone is exit code 0", done)
    done = Done([*done_words(local), "https://bad3.example/"])
    check(done.code == 1 and "certificate" in done.err, "without --cacert the certificate is not believed", done)
    done = Done([*done_words(local), "--cacert", f"{local.folder}/none.pem", "https://bad3.example/"])
    check(done.code == 1 and "none.pem" in done.err, "a file of certificates that is not there is named", done)


def done_words(local):
    return [f"{BUILD}/blindlist", "check", "--server", local.url()]


# ---- those who run it ----

def test_admin(local):
    """Status page and metrics at the address that is printed, and by none of the names that nginx serves."""
    url = re.search(r"How the server is: (http://127\.0\.0\.1:\d+/)", local.out()).group(1)
    for path in ("", "readyz", "metrics"):
        done = local.curl(url + path)
        check(done.out == "1.1 200", f"/{path} is there for this machine", done)
        codes = [local.curl(local.url(host, f"/{path}")).out for host in ("gateway", "issuer", "service")]
        check(set(codes) == {"2 404"}, f"and /{path} for nobody else", codes)


# ---- what nginx takes and refuses ----

def test_limits(local):
    for host in ("gateway", "issuer", "service"):
        done = local.curl(local.url(host, "/healthz"))
        check(done.out == "2 200", f"{host} answers by HTTP/2", done)
    done = local.curl(local.url(path="/healthz"), "--http1.1")
    check(done.out == "1.1 200", "and by HTTP/1.1", done)
    for version in ("1.2", "1.3"):
        done = local.curl(local.url(path="/healthz"), f"--tlsv{version}", "--tls-max", version)
        check(done.out == "2 200", f"TLS {version}", done)
    done = local.curl(local.url(path="/healthz"), "--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")
    check(done.code == 35, "TLS 1.1 is refused", done)
    for host in ("other", "localhost"):
        done = local.curl(local.url(host, "/healthz"), "--insecure")
        check(done.code == 35, f"{host} is no name of ours", done)
    body = f"{local.folder}/body"
    for size, wanted in ((BODY_MAX, "2 401"), (BODY_MAX + 1, "2 413")):
        with open(body, "wb") as file:
            file.truncate(size)
        done = local.curl(local.url(path="/queries"), "--data-binary", f"@{body}")
        check(done.out == wanted, f"a body of {size} bytes is answered with {wanted[2:]}", done)
    done = local.curl(local.url(path="/healthz"), "--header", "X-Long: " + "a" * 9000)
    check(done.code != 0 or done.out in ("2 400", "2 431"), "a field of 9,000 bytes is refused", done)


# ---- upgrades and new keys ----

DAY_S = 86400
# What time does, done to the state: the issuer's key is as old as when its successor is listed, two days ahead, and the
# gateway's; then the successors begin.
AGEING = ({"issuer_key": 12 * DAY_S + 3600, "gateway_key": 28 * DAY_S + 3600},
          {"issuer_key": 2 * DAY_S, "gateway_key": 2 * DAY_S})


def age_keys(local, ages):
    with contextlib.closing(sqlite3.connect(f"{local.data}/blindlist-server.state", timeout=PATIENCE_S)) as state:
        for table, seconds in ages.items():
            state.execute(f"UPDATE {table} SET made_at = made_at - ?, not_before = not_before - ?", (seconds, seconds))
        state.commit()


def keys_of(local):
    with contextlib.closing(sqlite3.connect(f"{local.data}/blindlist-server.state", timeout=PATIENCE_S)) as state:
        return [state.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("issuer_key", "gateway_key")]


def test_upgrade(local):
    """Devices ask without a pause, by HTTP/2, some through the gateway, each look-up with connections, keys and tokens
    of its own."""
    stop, codes, wrong = threading.Event(), [], []

    def ask(how, identity):
        while not stop.is_set():
            done = how("--identity", identity, "https://bad3.example/", "https://good.example/")
            codes.append(done.code)
            wrong.extend([str(done)] if done.code != 3 else [])
    askers = [threading.Thread(target=ask, args=pair)
              for pair in ((local.check, "ios18.2"), (local.check_as_relayed, "ios27.3"))]
    for asker in askers:
        asker.start()
    for number, ages in enumerate(AGEING, 1):
        before = len(codes)
        wait_until(lambda: len(codes) > before + 2)
        age_keys(local, ages)
        local.process.send_signal(signal.SIGHUP)
        wait_until(lambda: local.out().count("another blindlist-server serves") == number)
    before = len(codes)
    wait_until(lambda: len(codes) > before + 2)
    stop.set()
    for asker in askers:
        asker.join()
    check(local.log().count("another process has taken over") == 2 and set(codes) == {3},
          "two upgrades under load: no request failed", f"{codes}\n{wrong[:1]}\n{local.out()}\n{local.log()}")
    check(keys_of(local) == [2, 2], "meanwhile issuer and gateway went over to new keys", keys_of(local))
    done = local.check_as_relayed("https://bad3.example/")
    check(done.code == 3, "with which devices are answered", done)


# ---- what the server is told, and what is written down ----

class Upstream(http.server.BaseHTTPRequestHandler):
    """In the place of blindlist-server: keeps what it is told."""
    heads = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        Upstream.heads.append(dict(self.headers.items()))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Proxy:
    """A proxy before an address of the test's choice, in a folder of its own."""

    def __init__(self, local, words):
        self.local = local
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=environment())
        wait_until(lambda: self.get().code == 0 or self.process.poll() is not None)

    def get(self, path="/path-of-somebody", host="service"):
        return self.local.curl(f"https://{host}.localhost:{self.local.port}{path}", "--header", SECRET,
                               "--header", "Forwarded: for=198.51.100.7", "--header", "X-Real-IP: 198.51.100.7")

    def end(self):
        """All that it said."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate()[0].decode()


class Place:
    """What Local.curl() needs of a deployment."""
    url, curl, certificate, log = Local.url, Local.curl, Local.certificate, Local.log

    def __init__(self, folder, upstream):
        self.folder = folder
        self.port = free_port()
        done = Done(["deploy/nginx/configure-local", folder, str(self.port), upstream])
        check(done.code == 0, "the nginx configuration for this machine is made", done)


def test_told(name, make_words):
    """What a proxy tells the server of who asks, and what it writes down: with the server there, and gone."""
    Upstream.heads.clear()
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever).start()
    place = Place(working_folder("told"), f"127.0.0.1:{upstream.server_address[1]}")
    proxy = Proxy(place, make_words(place, upstream.server_address[1]))
    done = proxy.get()
    check(done.out == "2 200" and Upstream.heads, f"{name} is there", done)
    told = {key.lower(): value for head in Upstream.heads for key, value in head.items()}
    check(told.get("host", "").split(":")[0] == "service.localhost" and "198.51.100.7" not in str(told) and
          not set(told) & {"x-forwarded-for", "x-real-ip", "forwarded", "via"}, f"{name} passes the host and no address",
          told)
    upstream.shutdown()
    upstream.server_close()
    done = proxy.get()
    check(done.out == "2 502", "the server is gone", done)
    done = Done(["curl", "--silent", "--insecure", "--max-time", "10", place.url("other", "/path-of-somebody")])
    said = proxy.end() + "".join(open(f"{folder}/{file}", encoding="utf-8", errors="replace").read()
                                 for folder, _, files in os.walk(f"{place.folder}/nginx")
                                 for file in files if not file.endswith(".conf"))
    check("path-of-somebody" not in said and "198.51.100.7" not in said and "remote" not in said and
          "client: " not in said, f"{name} wrote nothing of it down", said)
    shutil.rmtree(place.folder, ignore_errors=True)


def nginx_words(place, _):
    return ["nginx", "-e", f"{place.folder}/nginx/error.log", "-p", f"{place.folder}/nginx",
            "-c", f"{place.folder}/nginx/nginx.conf"]


def caddy_words(place, upstream):
    """The shipped Caddyfile, with the test certificate and without its own administration."""
    with open("deploy/caddy/Caddyfile", encoding="utf-8") as file:
        text = file.read()
    text = text.replace(".blindlist.example", f".localhost:{place.port}").replace("127.0.0.1:8080", f"127.0.0.1:{upstream}")
    text = text.replace("{\n\t# Messages", "{\n\tadmin off\n\tauto_https disable_redirects\n\t# Messages", 1)
    text = text.replace("\t# No `log`", f"\tbind 127.0.0.1\n\ttls {place.certificate} {place.folder}/tls/privkey.pem\n"
                        "\t# No `log`", 1)
    with open(f"{place.folder}/Caddyfile", "w", encoding="utf-8") as file:
        file.write(text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", f"{place.folder}/Caddyfile"]


def test_caddy():
    if shutil.which("caddy") is None:
        skip("caddy is not installed")
        return
    done = Done(["caddy", "validate", "--adapter", "caddyfile", "--config", "deploy/caddy/Caddyfile"])
    check(done.code == 0, "Caddy takes its file", done)
    test_told("Caddy", caddy_words)


def main():
    os.environ["PATH"] += ":/usr/sbin"
    if MISSING:
        skip(f"{', '.join(MISSING)} not installed: no deployment on this machine")
        return
    folder = working_folder("local")
    local = Local(folder)
    try:
        test_devices(local)
        test_limits(local)
        test_admin(local)
        test_upgrade(local)
        said = "".join(local.log(name) for name in ("server.log", "nginx.log", "nginx/error.log"))
        check("bad3" not in said and "/queries" not in said and "client" not in said, "no log says who asked what", said)
        copy = f"{folder}/copy"
        server = f"{BUILD}/blindlist-server"
        state = f"{local.data}/blindlist-server.state"
        done = Done([server, "state", "backup", copy, "--state", state])
        check(done.code == 0, "a copy of the state is taken while it runs", done)
        check(local.end() == 0, "SIGTERM ends all", local.out())
        check(local.curl(local.url(path="/healthz")).code == 7, "and nobody listens any more")
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(state + end)
        done = Done([server, "state", "check", "--state", copy])
        shutil.copy(copy, state)
        local = Local(folder)
        again = local.check_as_relayed("https://bad3.example/")
        check(done.code == 0 and again.code == 3 and keys_of(local) == [2, 2],
              "with the state restored from it the same user token and keys are good", f"{done}\n{again}")
    finally:
        local.end()
        shutil.rmtree(folder, ignore_errors=True)
    test_told("nginx", nginx_words)
    test_caddy()


main()
sys.exit(finish())
