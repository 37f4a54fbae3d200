"""Several processes of one command, as a launcher starts them: told apart by the environment alone."""

import os
import signal
import subprocess
import sys
import time

CODE = "import sys; from knowshift.cli import main; main(sys.argv[1:])"


def launch(arguments, count):
    """Start `count` processes of `probe` with the same arguments."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", CODE, *map(str, arguments)],
            env=os.environ
            | {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]


def finish(started):
    """Wait for all; what each printed on standard output and standard error."""
    try:
        said = [process.communicate(timeout=900) for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * len(started), said
    return said


def kill_halfway(arguments, run, pattern):
    """Start two processes and kill -9 both as soon as `run` holds a file of that pattern."""
    started = launch(arguments, 2)
    while all(process.poll() is None for process in started) and not list(run.glob(pattern)):
        time.sleep(0.002)
    for process in started:
        process.kill()
    said = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2, said
