"""The prefilter in plain Python: hashes, positions, bits, and the sub-URLs that are looked up in it."""
import math
import re
import unicodedata

WRAP = 1 << 32


def fnv1a(data):
    h = 0x811C9DC5
    for byte in data:
        h = (h ^ byte) * 0x01000193 % WRAP
    return h


def fnv1(data):
    """The other order, which some builders take by mistake."""
    h = 0x811C9DC5
    for byte in data:
        h = h * 0x01000193 % WRAP ^ byte
    return h


def murmur3(data, seed):
    def turn(x, r):
        return (x << r | x >> (32 - r)) % WRAP

    def scramble(k):
        return turn(k * 0xCC9E2D51 % WRAP, 15) * 0x1B873593 % WRAP

    h, whole = seed, len(data) // 4 * 4
    for i in range(0, whole, 4):
        h = (turn(h ^ scramble(int.from_bytes(data[i:i + 4], "little")), 13) * 5 + 0xE6546B64) % WRAP
    h ^= scramble(int.from_bytes(data[whole:], "little"))
    h ^= len(data) % WRAP
    h = (h ^ h >> 16) * 0x85EBCA6B % WRAP
    h = (h ^ h >> 13) * 0xC2B2AE35 % WRAP
    return h ^ h >> 16


def geometry(count, rate):
    bits = math.ceil(-(count * math.log(rate)) / (math.log(2) * math.log(2)))
    return bits, math.ceil(bits / count * math.log(2)), (bits + 7) // 8


def positions(h1, h2, bits, hashes):
    return [(h1 + i * h2) % WRAP % bits for i in range(hashes)]


def positions_without_wrap(h1, h2, bits, hashes):
    return [(h1 + i * h2) % bits for i in range(hashes)]


def bit_array(bits, places, low_first=True):
    out = bytearray((bits + 7) // 8)
    for k in places:
        out[k // 8] |= 1 << (k % 8 if low_first else 7 - k % 8)
    return bytes(out)


def ascii_host(host):
    """Lower case, Punycode where a label is not ASCII."""
    labels = []
    for label in unicodedata.normalize("NFC", host.lower()).split("."):
        if label.isascii():
            labels.append(label)
        else:
            labels.append("xn--" + label.encode("punycode").decode())
    return ".".join(labels)


def sub_urls(url):
    scheme, host, port, path, query, fragment = re.fullmatch(
        r"(?i)(https?)://(?:[^/?#@]*@)?(\[[0-9a-f:.]+\]|[^/?#:@\[\]]+)(?::([0-9]*))?"
        r"([^?#]*)(\?[^#]*)?(#.*)?", url, re.DOTALL).groups()
    host = ascii_host(host)
    if host.startswith("[") or re.fullmatch(r"[0-9]+(\.[0-9]+){3}", host):
        hosts = [host]
    else:
        labels = host.rstrip(".").split(".")
        if labels[0] == "www" and len(labels) > 2:
            labels = labels[1:]
        first_of_all = max(len(labels) - 2, 0)
        hosts = [".".join(labels[i:]) for i in range(first_of_all, -1, -1)]
    port = port or {"http": "80", "https": "443"}[scheme.lower()]
    segments = [s for s in path.split("/") if s]
    paths = [""] + ["/"]
    for count in range(1, len(segments) + 1):
        prefix = "/" + "/".join(segments[:count])
        paths += [prefix, prefix + "/"]
    full = paths[-2:]
    if query is not None:
        paths = paths + [p + query for p in full]
    if fragment is not None:
        paths = paths + [p + (query or "") + fragment for p in full]
    return sorted({(h + p + rest).lower() for h in hosts for p in ("", ":" + port) for rest in paths})
