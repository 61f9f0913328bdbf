"""CPU and wall time of whole processes."""
import resource
import statistics
import subprocess
import time


def run(command, **options):
    """Runs a command to its end: (CPU seconds, wall seconds, what it printed)."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.stdout


def median_of(command, processes, **options):
    """Medians over so many processes: (CPU seconds, wall seconds)."""
    runs = [run(command, **options)[:2] for _ in range(processes)]
    return tuple(statistics.median(column) for column in zip(*runs))
