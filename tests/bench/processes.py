"""Whole processes, from their start to their last answer: medians of 21.

Bounds: a process that does nothing but start (`hearsay --help`) is printed beside the others. coin.hsy may take 60 ms.
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import timing  # noqa: E402


def main():
    root = pathlib.Path(__file__).parents[2]
    hearsay = str(pathlib.Path(os.environ.get("HEARSAY_BUILD", root / "build/release")) / "hearsay")
    rows = [("start alone", [hearsay, "--help"])]
    rows += [(e.name, [hearsay, "run", str(e)]) for e in sorted((root / "examples").glob("*.hsy"))]
    print(f"{'':28}{'CPU ms':>10}{'wall ms':>10}")
    for name, command in rows:
        cpu, wall = timing.median_of(command, 21)
        print(f"{name:28}{1000 * cpu:10.1f}{1000 * wall:10.1f}")


main()
