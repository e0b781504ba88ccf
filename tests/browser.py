"""Pictures of pages by headless Chromium, and what is in them. tests/tap.py says how to reach this file."""
import struct
import subprocess
import tempfile
import zlib

from patience import PROGRAM_S


def picture(url, path, width, height, is_dark=False):
    """Draws the page into a PNG file. Needs `chromium`."""
    with tempfile.TemporaryDirectory(prefix="blindlist-chromium-") as profile:
        return subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                               f"--user-data-dir={profile}", "--no-first-run", "--disable-extensions",
                               *(["--force-dark-mode"] if is_dark else []), f"--window-size={width},{height}",
                               f"--screenshot={path}", url], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PROGRAM_S)


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def unfilter(kind, row, before, step):
    """A row of a PNG file in the bytes that were filtered (PNG section 9.2), in place."""
    for i, byte in enumerate(row):
        left, above = row[i - step] if i >= step else 0, before[i]
        corner = before[i - step] if i >= step else 0
        row[i] = (byte + (0, left, above, (left + above) // 2, paeth(left, above, corner))[kind]) & 0xff


def read_png(path, most_rows=None):
    """(width, height, [(red, green, blue)]) of a PNG file of 8 bits a channel, with or without an alpha channel; of its first rows."""
    with open(path, "rb") as file:
        data = file.read()
    width, height, bits, colours = struct.unpack(">IIBB", data[16:26])
    step, at, packed = {2: 3, 6: 4}[colours], 8, b""
    if bits != 8:
        raise ValueError(f"{bits} bits a channel")
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    raw, pixels, before = zlib.decompress(packed), [], bytes(width * step)
    for start in range(0, (most_rows or height) * (1 + width * step), 1 + width * step):
        row = bytearray(raw[start + 1:start + 1 + width * step])
        unfilter(raw[start], row, before, step)
        pixels.extend(zip(row[0::step], row[1::step], row[2::step]))
        before = row
    return width, height, pixels
