"""What a test in Python prints: a line for each check, then the plan (TAP). tests/tap.h for scripts.

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    from tap import check, finish, skip
"""
count = failed = 0


def check(holds, what, more=""):
    """One test; `more` is shown when it fails."""
    global count, failed
    count += 1
    failed += not holds
    print(f"{'ok' if holds else 'not ok'} {count} - {what}", flush=True)
    for line in [] if holds else str(more).splitlines()[:20]:
        print(f"# {line[:300]}", flush=True)


def skip(reason):
    """A test that cannot run here: counted, never passed."""
    global count
    count += 1
    print(f"ok {count} - # SKIP {reason}", flush=True)


def finish():
    """Prints the plan; the exit status."""
    print(f"1..{count}")
    return 1 if failed else 0
