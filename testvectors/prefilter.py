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


def whole_path(path):
    """Segments of the path with "." and ".." resolved."""
    segments = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del segments[-1:]
        elif segment not in (".", ""):
            segments.append(segment)
    return segments


def sub_urls(url):
    """All spellings a device asks for, sorted. The URLs of the vectors have no empty segments."""
    scheme, host, port, path, query, fragment = re.fullmatch(
        r"(?i)(https?)://(?:[^/?#@]*@)?(\[[0-9a-f:.]+\]|[^/?#:@\[\]]+)(?::([0-9]*))?"
        r"([^?#]*)(\?[^#]*)?(#.*)?", url, re.DOTALL).groups(default="")
    host = ascii_host(host).removesuffix(".")
    if host.startswith("[") or re.fullmatch(r"[0-9]+(\.[0-9]+){3}", host):
        hosts = [host]
    else:
        labels = host.split(".")
        if labels[0] == "www" and len(labels) > 2:
            del labels[0]
        hosts = [".".join(labels[i:]) for i in range(max(len(labels) - 1, 1))]
    port = port or {"http": "80", "https": "443"}[scheme.lower()]
    segments = whole_path(path)
    prefixes = ["".join("/" + s for s in segments[:n]) for n in range(len(segments) + 1)]
    forms = {p + slash for p in prefixes for slash in ("", "/")}
    # Query and fragment: behind the full path only.
    ends = {query, query + fragment if len(fragment) > 1 else query} if len(query) > 1 else {
        fragment if len(fragment) > 1 else ""}
    forms |= {prefixes[-1] + slash + end for slash in ("", "/") for end in ends}
    return sorted({(h + p + form).lower() for h in hosts for p in ("", ":" + port)
                   for form in forms})
