"""CPU and wall time of whole processes."""
import os
import statistics
import subprocess
import time


def run(command, **options):
    """Runs a command to its end: (CPU seconds, wall seconds, what it printed)."""
    start, before = time.monotonic(), os.times()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return cpu, time.monotonic() - start, done.stdout


def median_of(command, processes, **options):
    """Medians over so many processes: (CPU seconds, wall seconds)."""
    runs = [run(command, **options)[:2] for _ in range(processes)]
    return tuple(statistics.median(column) for column in zip(*runs))
