"""Pictures of pages by headless Chromium. tests/tap.py says how to reach this file."""
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


def size_and_corner(path):
    """(width, height) of a PNG file of 8 bits a channel and its first pixel, which no filter changes."""
    with open(path, "rb") as file:
        data = file.read()
    size, at, packed = struct.unpack(">II", data[16:24]), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return size, tuple(zlib.decompress(packed)[1:4])
