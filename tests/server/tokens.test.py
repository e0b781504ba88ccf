#!/usr/bin/env python3
"""Privacy Pass over real sockets, as spec/service.md sections 1.3 to 1.5 and 7 want it: the issuer's routes, every
malformed Authorization, what is looked at first and what it costs. Prints TAP; nothing but the standard library."""
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from paying import AGENT, DIRECTORY, Blinded, Client, first_key, header_of  # noqa: E402
from protobuf import field  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

TOOL = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
USE_CASE = "one.example.url.filtering"
JSON = "application/json; charset=utf-8"
TOKEN_ROUTES = ("/config", "/key", "/queries", "/report")
USER_KEY = "/token-key-for-user-token"
BODY_MAX = 10 << 20
PREFIX = bytes.fromhex(
    "30820152303d06092a864886f70d01010a3030a00d300b0609608648016503040202a11a301806092a864886f70d010108"
    "300b0609608648016503040202a2030201300382010f003082010a0282010100")


def run(*words):
    return subprocess.run([TOOL, *words], check=True, capture_output=True, text=True, timeout=PROGRAM_S).stdout


class Place:
    """The server under test, one connection to it, and a user token."""

    def __init__(self, folder):
        self.data, self.state = f"{folder}/data", f"{folder}/state"
        with open(f"{folder}/list", "w", encoding="utf-8") as file:
            file.writelines(f"row{i}.example\n" for i in range(50))
        run("compile", f"{folder}/list", "--use-case", USE_CASE, "--out", self.data)
        self.user_token = self.make_user_token("device")
        self.server = Server(self.data, "--state", self.state, auth="token")
        self.client = Client(self.server.port)
        self.spki = first_key(self.client)

    def make_user_token(self, label):
        return run("token", "create", "--state", self.state, "--label", label).strip()

    def ask(self, method, path, body=None, **headers):
        """(status, body, headers); a header of None is left away."""
        return self.client.ask(method, path, body, **{k: v for k, v in headers.items() if v is not None})

    def pay(self, value, path="/config", body=b"", **headers):
        return self.ask("POST", path, body, **{"User_Identifier": "device", "User_Agent": AGENT,
                                               "Authorization": value, **headers})

    def issue(self, body, user=None):
        return self.ask("POST", "/issue", body, Authorization=f"Bearer {user or self.user_token}")

    def token(self, **options):
        blinded = Blinded(self.spki, **options)
        status, signature, _ = self.issue(blinded.request)
        if status != 200:
            raise RuntimeError(f"/issue: {status} {signature}")
        return blinded.finish(signature)


def raw_of(value):
    return base64.urlsafe_b64decode(value.split("=", 1)[1])


def is_json_error(reply, status, words=""):
    """With the one form of errors, and without a challenge (payment.c says why)."""
    return (reply[0] == status and reply[2]["Content-Type"] == JSON and reply[2]["WWW-Authenticate"] is None and
            words in json.loads(reply[1])["error"]["message"] and list(json.loads(reply[1])) == ["error"])


# ---- the issuer ----

def test_directory(place):
    status, body, headers = place.ask("GET", DIRECTORY)
    document = json.loads(body)
    keys = document["token-keys"]
    check(status == 200 and document["issuer-request-uri"] == "/issue" and
          headers["Content-Type"] == "application/private-token-issuer-directory", "directory: form and type", body)
    check(len(keys) == 1 and keys[0]["token-type"] == 2 and "not-before" not in keys[0] and
          re.fullmatch(r"[A-Za-z0-9_-]{456}", keys[0]["token-key"]), "one key for everyone, in base64url", body)
    check(place.spki[:81] == PREFIX and place.spki[337:] == bytes.fromhex("0203010001") and len(place.spki) == 342,
          "the key's 342 bytes", place.spki.hex())
    check(re.search(r"public, max-age=\d+", headers["Cache-Control"]) and headers["ETag"][0] == '"',
          "it may be cached, and has a strong tag", headers)
    reply = place.ask("GET", DIRECTORY, User_Agent="other", User_Identifier="other")
    check(reply[1] == body and reply[2]["ETag"] == headers["ETag"], "the same bytes for everyone")
    check(place.ask("GET", DIRECTORY, If_None_Match=headers["ETag"])[0] == 304, "304 for who has it")
    reply = place.ask("GET", USER_KEY, Authorization=f"Bearer {place.user_token}")
    check(reply[:2] == (200, place.spki) and reply[2]["Content-Type"] is None, "a user is named the key that is listed")


def test_bearer(place):
    token = place.user_token
    values = (None, "", "Bearer", "Bearer ", f"bearer {token}", f"BEARER {token}", f"Basic {token}", token,
              f"Bearer  {token}", f"Bearer {token}x", f"Bearer {token[:-1]}", f"Bearer {token.swapcase()}",
              f"Bearer {token},", f"Bearer \"{token}\"", f"PrivateToken token={token}", "Bearer " + "x" * 5000)
    good = Blinded(place.spki).request
    for method, path, body in (("GET", USER_KEY, None), ("POST", "/issue", good)):
        wrong = [value for value in values if not is_json_error(place.ask(method, path, body, Authorization=value), 401,
                                                                "User token is unauthorized")]
        check(not wrong, f"{path}: 401 in JSON for {len(values)} that are no user's", wrong)


def test_issue(place):
    blinded = Blinded(place.spki)
    status, signature, headers = place.issue(blinded.request)
    check(status == 200 and len(signature) == 256 and headers["Content-Type"] == "application/private-token-response" and
          blinded.finish(signature), "a request is signed, as RFC 9578 says", (status, headers))
    good, modulus = blinded.request, blinded.modulus
    number = lambda value: good[:3] + value.to_bytes(256, "big")  # noqa: E731
    bad = {f"{size} bytes": (good * 4)[:size] for size in (0, 1, 2, 3, 258, 260, 300, 1024)}
    bad.update({f"type {word.hex()}": word + good[2:] for word in (b"\0\0", b"\0\1", b"\0\3", b"\2\0", b"\xff\xff")})
    bad.update({f"truncated id plus {more}": good[:2] + bytes([good[2] + more & 255]) + good[3:] for more in (1, 128, 255)})
    bad.update({name: number(value) for name, value in (("0", 0), ("1", 1), ("modulus", modulus),
                                                        ("modulus + 1", modulus + 1), ("all ones", 2 ** 2048 - 1))})
    wrong = [name for name, body in bad.items() if not is_json_error(place.issue(body), 422)]
    check(not wrong, f"/issue: 422 in JSON for {len(bad)} that are no request", wrong)
    wrong = [name for name, body in bad.items() if not is_json_error(place.issue(body, "nobody"), 401)]
    check(not wrong, "and 401 before that to who may not ask", wrong)
    check(place.issue(bytes(100000))[0] == 413, "what is no length of anything is 413")
    check(place.issue(good)[1] == signature, "one request is answered the same each time")
    check(place.issue(number(modulus - 1))[0] == 200, "the largest number is signed")


# ---- the header ----

def test_forms(place):
    token = raw_of(place.token())
    text = base64.urlsafe_b64encode(token).decode()
    std = base64.b64encode(token).decode()
    bad401 = ("", " ", "PrivateToken", "PrivateToken ", f"PrivateToken {text}", text, f"token={text}",
              f"Bearer {text}", f"Bearer token={text}", f"PrivateTokens token={text}", f"Private Token token={text}",
              f"PrivateToken,token={text}", f"PrivateToken token ={text}=", f"PrivateToken token={text}=",
              f"PrivateToken token={text}==", f"PrivateToken token=\"{text}", f"PrivateToken token={text}\"",
              f"PrivateToken token='{text}'", f"PrivateToken token=\" {text}\"", f"PrivateToken token={text[:100]} {text[100:]}",
              f"PrivateToken token={text[:-1]}!", f"PrivateToken token={text[:-1]}\xe9", f"PrivateToken tokens={text}",
              f"PrivateToken token={text}, token={text}", f"PrivateToken token={text}, more", f"PrivateToken token={text};",
              f"PrivateToken challenge={text}", f"PrivateToken token={text}, Basic dGVzdA==")
    bad400 = ("PrivateToken token=", 'PrivateToken token=""', "PrivateToken token=AAAA", f"PrivateToken token={text}AAAA",
              f"PrivateToken token={text}AA==", f"PrivateToken token={text}{text}", f"PrivateToken token={text[:-4]}", header_of(token[:353]).rstrip("="))
    for path in TOKEN_ROUTES:
        reply = place.pay(None, path)
        check(is_json_error(reply, 401), f"{path} without Authorization: 401", reply)
    for status, values in ((401, bad401), (400, bad400)):
        wrong = [(value[:40], reply[0]) for value in values for reply in [place.pay(value)] if not is_json_error(reply, status)]
        check(not wrong, f"{len(values)} malformed headers: {status}", wrong)
    wrong = [size for size in range(0, 600) if size != 354 and place.pay(header_of((token * 2)[:size]))[0] != 400]
    check(not wrong, "every other length: 400", wrong)
    wrong = [value[:60] for value in (f"PrivateToken token={std}", f'PrivateToken token="{text}"', f'PrivateToken token="{std}"',
                                      f"privatetoken token={text}", f"PrivateToken token={text}, extra=\"a, token=b\"",
                                      f"PrivateToken max-age=10, token=\"{text}\"", f"PrivateToken   token = {text} ,")
             if is_json_error(place.pay(value, User_Agent=None), 400, "User-Agent") is False]
    check(not wrong, "both forms and both alphabets are read, unknown parameters passed over", wrong)
    check(place.pay(header_of(token))[0] == 200, "after all that the token is good")
    with_two = [("Authorization", header_of(token)), ("Authorization", header_of(token))]
    client = Client(place.server.port).connection
    client.putrequest("POST", "/config")
    for name, value in with_two + [("User-Agent", AGENT), ("User-Identifier", "device"), ("Content-Length", "0")]:
        client.putheader(name, value)
    client.endheaders()
    check(client.getresponse().status == 401, "two headers are no token")
    client.close()


def test_forgeries(place):
    token = raw_of(place.token())
    modulus = int.from_bytes(place.spki[81:337], "big")

    def changed(at, by=1):
        return token[:at] + bytes([token[at] ^ by]) + token[at + 1:]
    signature = int.from_bytes(token[98:], "big")
    cases = {"type": changed(1), "type's first byte": changed(0), "nonce": changed(2), "nonce's end": changed(33),
             "challenge digest": changed(34), "key id": changed(66), "key id's last byte": changed(97),
             "signature": changed(98), "signature's end": changed(353), "no signature": token[:98] + bytes(256),
             "signature 1": token[:98] + (1).to_bytes(256, "big"), "modulus": token[:98] + modulus.to_bytes(256, "big"),
             "all ones": token[:98] + b"\xff" * 256, "all zero": bytes(354), "-signature":
             token[:98] + (modulus - signature).to_bytes(256, "big")}
    if signature + modulus < 1 << 2048:
        cases["signature + modulus"] = token[:98] + (signature + modulus).to_bytes(256, "big")
    for path in TOKEN_ROUTES:
        wrong = [name for name, value in cases.items() if not is_json_error(place.pay(header_of(value), path), 401)]
        check(not wrong, f"{path}: {len(cases)} changed tokens are refused", wrong)
    check(place.pay(header_of(token))[0] == 200, "they did not spend the good one")
    for name, options in (("another type, well signed", {"token_type": 1}), ("type 3", {"token_type": 3}),
                          ("no salt", {"salt_bytes": 0}), ("a salt of 32 bytes", {"salt_bytes": 32}),
                          ("of 47", {"salt_bytes": 47}), ("of 49", {"salt_bytes": 49}), ("of 100", {"salt_bytes": 100})):
        check(is_json_error(place.pay(place.token(**options)), 401), f"signed, but with {name}: 401")
    reply = place.pay(header_of(changed(97)))
    check(str(token[97] ^ 1) not in json.loads(reply[1])["error"]["message"], "the answer shows nothing of the token", reply)


# ---- what is looked at first, and what it costs ----

def test_order(place):
    value = place.token()
    for path in ("/config", "/key", "/queries"):
        check(is_json_error(place.pay(None, path, User_Identifier=None, User_Agent=None), 401), f"{path}: the token first")
        check(is_json_error(place.pay(value, path, User_Identifier=None, User_Agent=None), 400,
                            "Missing 'User-Identifier' header"), "then the identifier")
        check(is_json_error(place.pay(value, path, User_Agent=None), 400, "Missing 'User-Agent' header"), "then the agent")
    check(place.pay(value, "/queries", bytes(BODY_MAX + 1))[:2] == (413, b""), "then the size: 413, empty")
    check(place.pay(value, "/nothing")[:2] == (404, b"") and place.ask("GET", "/key", Authorization=value)[0] == 404,
          "other routes and methods are 404 whoever asks")
    check(place.pay(value, User_Agent="what is this", User_Identifier="")[0] == 200,
          "none of these cost the token; an agent need not be a device's, an identifier not be there")
    for path in ("/config", "/key", "/queries"):
        value = place.token()
        check(is_json_error(place.pay(value, path, b"\x0a\x7f"), 400), f"{path}: what is no Protobuf is 400")
        check(is_json_error(place.pay(value, path), 401), "and has cost the token")


def test_spending(place):
    value = place.token()
    check(place.pay(value)[0] == 200 and is_json_error(place.pay(value), 401), "a token opens one request")
    wrong = [path for path in TOKEN_ROUTES if not is_json_error(place.pay(value, path), 401)]
    check(not wrong, "and no other route", wrong)
    counts = []
    for _ in range(10):
        value, got = place.token(), []
        go = threading.Barrier(8)

        def spend():
            client = Client(place.server.port)
            go.wait()
            got.append(client.ask("POST", "/config", b"", User_Identifier="device", User_Agent=AGENT, Authorization=value)[0])
            client.close()
        threads = [threading.Thread(target=spend) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts.append((got.count(200), got.count(401)))
    check(counts == [(1, 7)] * 10, "of eight at once one passes, ten times", counts)
    value, kept = place.token(), place.token()
    place.pay(value)
    place.server.end()
    place.server = Server(place.data, "--state", place.state, auth="token")
    place.client = Client(place.server.port)
    check(first_key(place.client) == place.spki, "a restart keeps the key")
    check(place.pay(value)[0] == 401 and place.pay(kept)[0] == 200, "and knows what was spent")


def test_user_tokens(place):
    def user_key(token):
        return place.ask("GET", USER_KEY, Authorization=f"Bearer {token}")
    check(is_json_error(user_key("unknown"), 401), "a user token that is unknown: 401")
    token = place.make_user_token("late")
    check(user_key(token)[0] == 200, "added while the server runs: it works")
    blinded = [Blinded(place.spki) for _ in range(2)]
    values = [one.finish(place.issue(one.request, token)[1]) for one in blinded]
    check(place.pay(values[0])[0] == 200, "its tokens are taken")
    run("token", "revoke", "late", "--state", place.state)
    check(place.pay(values[1])[0] == 200, "revoked: tokens from before still are")
    check(is_json_error(user_key(token), 401) and is_json_error(place.issue(Blinded(place.spki).request, token), 401),
          "and no new ones are given out")


def test_report(place):
    check(is_json_error(place.pay(None, "/report", b"[]"), 401), "a report without a token: 401")
    value = place.token()
    reply = place.ask("POST", "/report", b"\x0a\x01x", Authorization=value)
    check(reply[:2] == (200, b"") and reply[2]["Content-Type"] is None, "with one: 200, without identifier or agent", reply)


def main():
    folder = working_folder("tokens")
    try:
        place = Place(folder)
        for test in (test_directory, test_bearer, test_issue, test_forms, test_forgeries, test_order, test_spending,
                     test_user_tokens, test_report):
            test(place)
        log = place.server.log()
        check(place.user_token not in log and "row1" not in log, "the log names nobody", log)
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
