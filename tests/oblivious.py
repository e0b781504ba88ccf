"""A client of Oblivious HTTP that shares nothing with ours: X25519 in Python's numbers, the rest of RFC 9180, 9292 and
9458 from its text, AES-GCM and ChaCha20-Poly1305 by OpenSSL's library. tests/tap.py says how to reach this file.

    gateway = Gateway(client, "service.example")
    status, content, fields = gateway.ask("POST", "/config", b"", {"user-agent": "..."})
"""
import ctypes
import ctypes.util
import hashlib
import hmac
import secrets

PATH = "/.well-known/ohttp-gateway"
REQUEST_TYPE = "message/ohttp-req"
AES_128_GCM, CHACHA20 = 1, 3
ALGORITHMS = {AES_128_GCM: ("EVP_aes_128_gcm", 16), CHACHA20: ("EVP_chacha20_poly1305", 32)}
GET_TAG, SET_TAG = 0x10, 0x11  # EVP_CTRL_AEAD_GET_TAG and _SET_TAG
TAG_BYTES = 16
PRIME = 2 ** 255 - 19

crypto = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
for name in ("EVP_CIPHER_CTX_new", *(entry[0] for entry in ALGORITHMS.values())):
    getattr(crypto, name).restype = ctypes.c_void_p


class NotOpened(Exception):
    """The text was sealed for something else, or damaged."""


# ---- RFC 7748 ----

def x25519(scalar, point):
    k = int.from_bytes(scalar, "little") & ((1 << 255) - 8) | (1 << 254)
    u = int.from_bytes(point, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3, swapped = 1, 0, u, 1, 0
    for bit in range(254, -1, -1):
        now = k >> bit & 1
        if swapped ^ now:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swapped = now
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % PRIME, b * b % PRIME, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % PRIME, u * (da - cb) ** 2 % PRIME
        x2, z2 = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


BASE = (9).to_bytes(32, "little")


# ---- RFC 5116 ----

def aead(number, key, nonce, text, seals):
    cipher = ctypes.c_void_p(getattr(crypto, ALGORITHMS[number][0])())
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    body, tag = (text, b"") if seals else (text[:-TAG_BYTES], text[-TAG_BYTES:])
    out, size = ctypes.create_string_buffer(len(body) + TAG_BYTES), ctypes.c_int()
    try:
        crypto.EVP_CipherInit_ex(context, cipher, None, key, nonce, int(seals))
        if not seals:
            crypto.EVP_CIPHER_CTX_ctrl(context, SET_TAG, TAG_BYTES, ctypes.create_string_buffer(tag, TAG_BYTES))
        crypto.EVP_CipherUpdate(context, out, ctypes.byref(size), body, len(body))
        is_good = crypto.EVP_CipherFinal_ex(context, ctypes.create_string_buffer(32), ctypes.byref(size))
        if seals:
            last = ctypes.create_string_buffer(TAG_BYTES)
            crypto.EVP_CIPHER_CTX_ctrl(context, GET_TAG, TAG_BYTES, last)
            tag = last.raw
    finally:
        crypto.EVP_CIPHER_CTX_free(context)
    if is_good != 1:
        raise NotOpened
    return out.raw[:len(body)] + (tag if seals else b"")


# ---- RFC 5869, RFC 9180 ----

def extract(salt, secret):
    return hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()


def expand(key, info, size):
    out = block = b""
    while len(out) < size:
        block = hmac.new(key, block + info + bytes([len(out) // 32 + 1]), hashlib.sha256).digest()
        out += block
    return out[:size]


def labeled(suite):
    return (lambda salt, label, secret: extract(salt, b"HPKE-v1" + suite + label + secret),
            lambda key, label, info, size: expand(key, size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, size))


def sender(public, number, info):
    """(enc, key, nonce, exporter secret) of a context in base mode."""
    private = secrets.token_bytes(32)
    enc = x25519(private, BASE)
    kem_extract, kem_expand = labeled(b"KEM\x00\x20")
    shared = kem_expand(kem_extract(b"", b"eae_prk", x25519(private, public)), b"shared_secret", enc + public, 32)
    do_extract, do_expand = labeled(b"HPKE\x00\x20\x00\x01" + number.to_bytes(2, "big"))
    context = b"\0" + do_extract(b"", b"psk_id_hash", b"") + do_extract(b"", b"info_hash", info)
    secret = do_extract(shared, b"secret", b"")
    size = ALGORITHMS[number][1]
    exporter = do_expand(secret, b"exp", context, 32)
    return (enc, do_expand(secret, b"key", context, size), do_expand(secret, b"base_nonce", context, 12),
            do_expand(exporter, b"sec", b"message/bhttp response", size))


# ---- RFC 9292 ----

def varint(number):
    for size, mark in ((1, 0), (2, 0x40), (4, 0x80), (8, 0xc0)):
        if number < 1 << (8 * size - 2):
            text = number.to_bytes(size, "big")
            return bytes([text[0] | mark]) + text[1:]
    raise ValueError(number)


def counted(text):
    return varint(len(text)) + text


def request(method, host, path, content=b"", fields=(), scheme="https", chunk=None):
    """Known length; in pieces of `chunk` bytes when there is one."""
    control = b"".join(counted(text.encode()) for text in (method, scheme, host, path))
    lines = b"".join(counted(name.encode()) + counted(value.encode()) for name, value in dict(fields).items())
    if chunk is None:
        return b"\0" + control + counted(lines) + counted(content) + b"\0"
    pieces = b"".join(counted(content[at:at + chunk]) for at in range(0, len(content), chunk))
    return b"\2" + control + lines + b"\0" + pieces + b"\0" + b"\0"


class Reader:
    def __init__(self, text):
        self.text, self.at = text, 0

    def take(self, size):
        self.at += size
        return self.text[self.at - size:self.at]

    def number(self):
        first = self.take(1)[0]
        return int.from_bytes(bytes([first & 0x3f]) + self.take((1 << (first >> 6)) - 1), "big")

    def counted(self):
        return self.take(self.number())


def read_response(text):
    """(status, content, fields) of a response of known length."""
    reader = Reader(text)
    if reader.number() != 1:
        raise ValueError("no response of known length")
    status, head, fields = reader.number(), Reader(reader.counted()), {}
    while head.at < len(head.text):
        key = head.counted().decode()
        fields[key] = head.counted().decode()
    return status, reader.counted(), fields


# ---- RFC 9458 ----

class Keys:
    """The first configuration of application/ohttp-keys."""

    def __init__(self, text):
        config = text[2:2 + int.from_bytes(text[:2], "big")]
        self.key_id, self.public = config[0], config[3:35]
        self.suites = [config[at + 2:at + 4] for at in range(37, len(config), 4)]
        if config[1:3] != b"\0\x20":
            raise ValueError("another KEM than X25519")


class Sealed:
    """An encapsulated request on its way."""

    def __init__(self, keys, text, number=AES_128_GCM):
        header = bytes([keys.key_id]) + b"\0\x20\0\1" + number.to_bytes(2, "big")
        self.number = number
        self.enc, key, nonce, self.secret = sender(keys.public, number, b"message/bhttp request\0" + header)
        self.text = header + self.enc + aead(number, key, nonce, text, True)

    def open(self, answer):
        size = ALGORITHMS[self.number][1]
        prk = extract(self.enc + answer[:size], self.secret)
        return aead(self.number, expand(prk, b"key", size), expand(prk, b"nonce", 12), answer[size:], False)


class Gateway:
    """Requests for one host, through the gateway that `client` (tests/paying.py) is connected to."""

    def __init__(self, client, host, number=AES_128_GCM):
        self.client, self.host, self.number = client, host, number
        self.keys = self.fetch_keys()

    def fetch_keys(self):
        return Keys(self.client.ask("GET", PATH)[1])

    def post(self, text, **headers):
        return self.client.ask("POST", PATH, text, **{"Content_Type": REQUEST_TYPE, **headers})

    def send(self, text):
        """Of an inner request, whatever it is: (status, content, fields), or the refusal in clear with its status negative."""
        sealed = Sealed(self.keys, text, self.number)
        status, body, headers = self.post(sealed.text)
        if status != 200:
            return -status, body, headers
        return read_response(sealed.open(body))

    def ask(self, method, path, content=b"", fields=(), **more):
        return self.send(request(method, self.host, path, content, fields, **more))
