"""Devices that pay a blindlist-server with tokens, quickly: hundreds a second. Blind signatures are made with nothing
but Python's numbers; key and query are those of a real look-up, kept on the way. tests/tap.py says how to reach this
file."""
import base64
import hashlib
import http.client
import http.server
import json
import secrets
import subprocess
import threading

from patience import PROGRAM_S
from protobuf import field, parse

AGENT = "com.apple.ciphermld/1.0 iOS/26.1 x"
DIRECTORY = "/.well-known/private-token-issuer-directory"
EXPONENT = 65537


class Lost(Exception):
    """The connection ended without an answer: nobody knows what became of the request."""


class Client:
    """One connection, kept open."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROGRAM_S)

    def ask(self, method, path, body=None, **headers):
        """(status, body, headers); `Lost` when the server is gone."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self.connection.request(method, path, body, named)
            reply = self.connection.getresponse()
            return reply.status, reply.read(), reply.headers
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Lost from error

    def close(self):
        self.connection.close()


# ---- tokens: RFC 9474, RFC 9578 ----

def encode_pss(message, salt_bytes=48):
    """EMSA-PSS-ENCODE: SHA-384, 2047 bits; tokens have a salt of 48 bytes."""
    salt = secrets.token_bytes(salt_bytes)
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(206 - salt_bytes) + b"\1" + salt
    mask = b"".join(hashlib.sha384(digest + i.to_bytes(4, "big")).digest() for i in range(5))
    masked = bytes(a ^ b for a, b in zip(block, mask))
    return bytes([masked[0] & 0x7f]) + masked[1:] + digest + b"\xbc"


def header_of(token):
    return "PrivateToken token=" + base64.urlsafe_b64encode(token).decode()


class Blinded:
    """A token in the making: `request` is the body for /issue. Also one that nobody should take: an issuer signs
    whatever it is given, so type and salt are the device's to choose."""

    def __init__(self, spki, token_type=2, salt_bytes=48):
        self.modulus = int.from_bytes(spki[81:337], "big")
        key_id = hashlib.sha256(spki).digest()
        self.message = (token_type.to_bytes(2, "big") + secrets.token_bytes(32) +
                        hashlib.sha256(b"challenge").digest() + key_id)
        self.encoded = int.from_bytes(encode_pss(self.message, salt_bytes), "big")
        blind = secrets.randbelow(self.modulus - 2) + 1
        self.unblind = pow(blind, -1, self.modulus)
        number = self.encoded * pow(blind, EXPONENT, self.modulus) % self.modulus
        self.request = b"\0\2" + key_id[-1:] + number.to_bytes(256, "big")

    def finish(self, signature):
        """The value of an Authorization header; None when the signature is wrong."""
        number = int.from_bytes(signature, "big") * self.unblind % self.modulus
        if pow(number, EXPONENT, self.modulus) != self.encoded:
            return None
        return header_of(self.message + number.to_bytes(256, "big"))


def first_key(client):
    """SPKI of the key that is asked for now: the last listed, which has begun for everybody."""
    keys = json.loads(client.ask("GET", DIRECTORY)[1])["token-keys"]
    return base64.urlsafe_b64decode(keys[-1]["token-key"])


# ---- a real look-up, kept ----

class Exchange:
    """What `blindlist check` sends about a URL and what it is answered: key and query work for any user."""

    def __init__(self, program, port, use_case, url):
        self.use_case = use_case
        self.bodies = bodies = {}

        class Recorder(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                client = Client(port)
                status, answer, _ = client.ask(self.command, self.path, body,
                                               **{name: self.headers.get(name, "")
                                                  for name in ("User-Agent", "User-Identifier")})
                client.close()
                bodies[self.path] = body, answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = forward

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as recorder:
            thread = threading.Thread(target=recorder.serve_forever)
            thread.start()
            done = subprocess.run([program, "check", "--server", f"http://127.0.0.1:{recorder.server_address[1]}",
                                   "--use-case", use_case, url], capture_output=True, text=True, timeout=PROGRAM_S)
            recorder.shutdown()
            thread.join()
        if done.returncode != 3:
            raise RuntimeError(f"{url} is not denied: {done.stdout}{done.stderr}")
        self.config = field(1, use_case.encode())
        query, self.answer = bodies["/queries"]
        self.pir_request = parse(parse(parse(query)[1][0])[2][0])
        metadata, self.key = (parse(parse(bodies["/key"][0])[1][0])[at][0] for at in (1, 2))
        self.key_id = parse(metadata)[2][0]

    def metadata(self, timestamp):
        return field(1, timestamp) + field(2, self.key_id)

    def upload(self, timestamp):
        """The body that uploads the key as one made then."""
        return field(1, field(1, self.metadata(timestamp)) + field(2, self.key))

    def query(self, timestamp):
        """The body that asks, with that key."""
        request = {**self.pir_request, 3: [self.metadata(timestamp)]}
        return field(1, field(1, self.use_case.encode()) +
                     field(2, b"".join(field(number, value) for number, values in sorted(request.items())
                                       for value in values)))

    @staticmethod
    def key_time(config_response):
        """When the key was made that the server has, by its answer to `config`; 0 = it has none."""
        return parse(parse(config_response)[2][0]).get(1, [0])[0]
