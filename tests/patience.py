"""How long a test waits for what must come. tests/patience.h for scripts; tests/tap.py says how to reach this file.

    check(wait_until(lambda: os.path.exists(path)), "it came")

A machine with other work to do may take a hundred times as long as an idle one. So a test waits for a condition,
never for a span of time; only one that fails waits until its patience ends.
"""
import time

PATIENCE_S = 120     # for something to happen
PROGRAM_S = 600      # for a program to end: less than what scripts/run-tests gives a test
LOOK_EVERY_S = 0.01


def wait_until(holds, seconds=PATIENCE_S):
    """Whether it holds before the time is over; its last value."""
    until = time.monotonic() + seconds
    while True:
        value = holds()
        if value or time.monotonic() > until:
            return value
        time.sleep(LOOK_EVERY_S)
