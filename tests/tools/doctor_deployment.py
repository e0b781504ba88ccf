"""A deployment for the doctor: a real blindlist-server, a front before it that does what a test wants to be wrong, and
nginx with TLS before that, where there is nginx. tests/tap.py says how to reach tests/."""
import http.client
import http.server
import os
import shutil
import socket
import subprocess
import threading

from local import free_port
from patience import PATIENCE_S, PROGRAM_S, wait_until
from served import Server, working_folder
from updating import BUILD, Done, environment

BUNDLE_ID = "com.example.app"
USE_CASE = f"{BUNDLE_ID}.url.filtering"
HOST = "pir.example.com"
ISSUER = "issuer.example.com"
GATEWAY = "gateway.example.com"
HAS_NGINX = all(shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin") for name in ("nginx", "openssl"))

NGINX = """daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ }}
http {{
    access_log off; client_max_body_size 20m; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    proxy_http_version 1.1; proxy_set_header Host $host; proxy_buffering off;
    proxy_pass_header Date;
    ssl_certificate {folder}/right.pem; ssl_certificate_key {folder}/key.pem;
    {servers}
}}
"""
NGINX_OF_A_WAY = """
    server {{ listen 127.0.0.1:{right} ssl http2; location / {{ proxy_pass http://127.0.0.1:{front}; }} }}
    server {{ listen 127.0.0.1:{old} ssl; location / {{ proxy_pass http://127.0.0.1:{front}; }} }}
    server {{ listen 127.0.0.1:{wrong} ssl http2; ssl_certificate {folder}/wrong.pem;
              location / {{ proxy_pass http://127.0.0.1:{front}; }} }}
"""


class Answer:
    """Of the real server; a fault changes it."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Front(http.server.BaseHTTPRequestHandler):
    """Passes on, but for the fault of its way."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def pass_on(self, port=None):
        """To the server, or to another one."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.server.target, timeout=PROGRAM_S)
        try:
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in ("host", "connection", "content-length", "accept-encoding")}
            connection.request(self.command, self.path, self.body, headers)
            reply = connection.getresponse()
            return Answer(reply.status, dict(reply.getheaders()), reply.read())
        finally:
            connection.close()

    def serve(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        answer = self.server.fault(self, self.pass_on) if self.server.fault else self.pass_on()
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = serve


class Way(http.server.ThreadingHTTPServer):
    """A way to the server: its `fault` is a function of a request and of a function that passes it on. Where there is
    nginx, `ports` are those that it listens on before this way."""

    daemon_threads = True
    request_queue_size = 64  # more at once, and a connection takes a second

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), Front)
        self.target = target
        self.fault = None
        self.ports = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ByName(threading.Thread):
    """Takes TLS connections to one of two ports, by the host name that the handshake begins with."""

    def __init__(self, name, port, other_port):
        super().__init__(daemon=True)
        self.name_sent, self.named, self.other = name.encode(), port, other_port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            client = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other direction ends, too

    def serve(self, client):
        hello = client.recv(5, socket.MSG_WAITALL)
        hello += client.recv(int.from_bytes(hello[3:5], "big"), socket.MSG_WAITALL)
        with client, socket.create_connection(("127.0.0.1", self.named if self.name_sent in hello else self.other)) as server:
            server.sendall(hello)
            back = threading.Thread(target=self.pump, args=(server, client), daemon=True)
            back.start()
            self.pump(client, server)
            back.join()


class NameServer(threading.Thread):
    """Answers every question of the DNS with one TXT record; with an empty `value`, with none."""

    def __init__(self, value):
        super().__init__(daemon=True)
        self.value = value
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def run(self):
        while True:
            asked, whom = self.socket.recvfrom(4096)
            question = asked[12:asked.index(0, 12) + 5]
            text = bytes([len(self.value)]) + self.value.encode()
            record = b"\xc0\x0c\0\x10\0\1\0\0\0\x3c" + len(text).to_bytes(2, "big") + text if self.value else b""
            self.socket.sendto(asked[:2] + b"\x81\x80\0\1\0" + bytes([bool(record)]) + b"\0\0\0\0" + question +
                               record, whom)


class Deployment:
    """Is there until end(), with `ways` to it that may each be broken otherwise."""

    def __init__(self, rows, ways):
        self.folder = working_folder("doctor")
        self.rows = self.write("rows.txt", "".join(f"{row}\n" for row in rows))
        self.data = f"{self.folder}/data"
        self.public_key = self.run("sign", "--new-key", f"{self.folder}/sign.key").out.strip()
        self.other_key = self.run("sign", "--new-key", f"{self.folder}/other.key").out.strip()
        self.run("compile", self.rows, "--use-case", USE_CASE, "--out", self.data, "--shards", "2", "--sign-key",
                 f"{self.folder}/sign.key")
        self.filter = f"{self.data}/{USE_CASE}/current/prefilter.plist"
        names = ["--bundle-id", BUNDLE_ID, "--server", f"https://{HOST}", "--issuer", f"https://{ISSUER}"]
        self.profile = f"{self.folder}/filter.mobileconfig"
        self.run("ios", "profile", *names, "--token", "t", "--out", self.profile)
        self.run("ios", "init", *names, "--out", f"{self.folder}/app")
        self.info_plist = f"{self.folder}/app/App/Info.plist"
        self.other_filter = f"{self.folder}/other.plist"
        self.run("bloom", "build", self.write("other.txt", "other.example\n"), "--out", self.other_filter)
        state = f"{self.folder}/state"
        self.user_token = self.write("user-token", self.run("token", "create", "--state", state).out)
        self.real = Server(self.data, "--state", state, "--gateway", "--gateway-targets", f"{HOST},{ISSUER}", auth="token")
        self.closed_port = free_port()
        self.names = NameServer(f"apple-url-filter={BUNDLE_ID}")
        self.names.start()
        self.ways = [Way(self.real.port) for _ in range(ways)]
        self.nginx = None
        if HAS_NGINX:
            self.start_nginx()

    def write(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    @staticmethod
    def run(*words):
        done = Done([f"{BUILD}/blindlist", *words])
        if done.code != 0:
            raise RuntimeError(f"{words}: {done}")
        return done

    def make_certificate(self, name, host):
        subprocess.run(["openssl", "req", "-x509", "-key", f"{self.folder}/key.pem", "-out", f"{self.folder}/{name}.pem",
                        "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host},DNS:*.{host}"],
                       check=True, stderr=subprocess.DEVNULL, timeout=PROGRAM_S)

    def start_nginx(self):
        subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-out", f"{self.folder}/key.pem"],
                       check=True, stderr=subprocess.DEVNULL, timeout=PROGRAM_S)
        self.make_certificate("right", "example.com")
        self.make_certificate("wrong", "example.net")
        self.write("both.pem", "".join(open(f"{self.folder}/{name}.pem", encoding="utf-8").read()
                                       for name in ("right", "wrong")))
        for way in self.ways:
            way.ports.update((name, free_port()) for name in ("right", "old", "wrong"))
        servers = "".join(NGINX_OF_A_WAY.format(folder=self.folder, front=way.server_port, **way.ports) for way in self.ways)
        self.write("nginx.conf", NGINX.format(folder=self.folder, servers=servers))
        for way in self.ways:
            way.ports["old gateway"] = ByName(GATEWAY, way.ports["old"], way.ports["right"]).port
        path = environment()
        path["PATH"] = path.get("PATH", "") + ":/usr/sbin"
        self.nginx = subprocess.Popen(["nginx", "-e", f"{self.folder}/nginx.log", "-p", self.folder, "-c",
                                       f"{self.folder}/nginx.conf"], env=path, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not wait_until(lambda: os.path.exists(f"{self.folder}/nginx.pid") or self.nginx.poll() is not None) or \
                self.nginx.poll() is not None:
            raise RuntimeError("nginx does not start")

    def other_server(self):
        """A server of somebody else's, with another dataset of the same use case, a symmetric one."""
        data = f"{self.folder}/elsewhere"
        self.run("compile", f"{self.folder}/other.txt", "--use-case", USE_CASE, "--out", data, "--shards", "4", "--symmetric")
        return Server(data, "--state", f"{data}.state", "--gateway", auth="token")

    def options(self, way=None, **changes):
        """What the doctor is told of a way to it when all is right, but for the changes; None leaves an option away.
        `connect` may name a port of the way."""
        way = way or self.ways[0]
        told = {"server": f"https://{HOST}", "issuer": f"https://{ISSUER}", "bundle_id": BUNDLE_ID,
                "token_file": self.user_token, "keys": self.rows,
                "public_key": self.public_key, "dns": self.names.address}
        if self.nginx:
            told.update(cacert=f"{self.folder}/both.pem", connect="right")
        else:
            url = f"http://127.0.0.1:{way.server_port}"
            told.update(server=url, issuer=url, development=True)
        if self.nginx:  # they name what only nginx has
            told.update(profile=self.profile, info_plist=self.info_plist, gateway=f"https://{GATEWAY}")
        told.update(changes)
        if told.get("connect") in way.ports:
            told["connect"] = f"127.0.0.1:{way.ports[told['connect']]}"
        words = []
        for name, value in told.items():
            if value not in (None, False):
                words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [value])
        return words

    def end(self):
        if self.nginx:
            self.nginx.terminate()
            self.nginx.wait(PATIENCE_S)
        for way in self.ways:
            way.shutdown()
            way.server_close()
        code = self.real.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        return code
