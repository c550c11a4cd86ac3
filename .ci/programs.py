"""The program, run as a command, as a daemon, and against a course's life. Its path is the first argument of whoever imports this."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from stacks import ROOT

PROGRAM = Path(sys.argv[1])


def arthouse(*arguments, **environment):
    ended = subprocess.run([PROGRAM, *arguments], env={**os.environ, **environment}, text=True, capture_output=True, timeout=60)
    if ended.returncode:
        sys.exit(f"arthouse {' '.join(arguments)}: {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


@contextlib.contextmanager
def daemon(name, environment, number=1):
    """Runs a daemon until the end of the block, and expects a clean drain."""
    log = Path(os.environ["WORK"]) / f"{name}-{number}.log"
    with log.open("w") as out:
        process = subprocess.Popen([PROGRAM, name, "--http", "127.0.0.1:0"], env={**os.environ, **environment}, stdout=out, stderr=out)
    try:
        yield log
        process.send_signal(signal.SIGTERM)
        if code := process.wait(timeout=40):
            sys.exit(f"arthouse {name} ended with {code}\n{log.read_text()}")
    except BaseException:
        print(log.read_text()[-4000:], file=sys.stderr)
        raise
    finally:
        process.kill()
        process.wait()


def live(environment):
    """A course's life by a client that is not ours, on the stack's own resources; then nothing is wrong and nothing under way."""
    started = time.monotonic()
    environment = {**os.environ, **environment}
    subprocess.run([sys.executable, ROOT / "infra/samples/life.py"], env=environment, check=True, timeout=120)
    print(f"a course's life took {time.monotonic() - started:.1f} s")
    for _ in range(60):
        audit = subprocess.run([PROGRAM, "audit"], env=environment, text=True, capture_output=True, timeout=60)
        if audit.returncode == 0 and re.search(r"\b0 violations, 0 not settled", audit.stdout):
            print(audit.stdout.strip())
            return
        time.sleep(0.5)
    sys.exit(f"the audit is not content\n{audit.stdout}{audit.stderr}")
