"""Enumeration of 2^20 coupled states by WebPPL and by Hearsay, in one run, as ratios of CPU time.

WebPPL (https://webppl.org) is installed by npm into build/peers. Its start and compilation are left out in the first
ratio and so are Hearsay's; the second compares whole processes. Bound for Hearsay: 190 terms in 2^20 states are 2·10^8
products if nothing is shared between states, and three sums over all states are taken (the evidence, and one for each
value that is asked for).
"""
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import timing  # noqa: E402

VERSION = "0.9.15"


def main():
    here = pathlib.Path(__file__).parent
    root = here.parents[2]
    build = pathlib.Path(os.environ.get("HEARSAY_BUILD", root / "build/release"))
    webppl = root / "build/peers/node_modules/.bin/webppl"
    if not webppl.exists():
        if shutil.which("npm") is None:
            print("npm is not installed: WebPPL is skipped")
            return
        webppl.parents[2].mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", f"webppl@{VERSION}"], cwd=webppl.parents[2], check=True)

    script = here / "coupled.hsy"
    environment = dict(os.environ, HEARSAY_SCRIPT=str(script))
    command = [str(build / "bench_soft"), "--benchmark_filter=BM_script", "--benchmark_format=json"]
    timed = json.loads(timing.run(command, env=environment)[2])["benchmarks"][0]
    ours = timed["real_time"] / 1000  # milliseconds of CPU, measured inside
    whole = timing.median_of([str(build / "hearsay"), "run", str(script)], 15)[0]
    answer = json.loads(timing.run([str(build / "hearsay"), "run", "--json", str(script)])[2].splitlines()[0])["value"]

    runs = []
    for _ in range(3):
        cpu, _, printed = timing.run([str(webppl), str(here / "coupled.wppl"), "--require", str(here / "coupling")])
        runs.append((json.loads(printed.splitlines()[0]), cpu))
    theirs = min(r["seconds"] for r, _ in runs)  # its best
    their_whole = min(cpu for _, cpu in runs)
    p = runs[0][0]["p"]
    if not math.isclose(p, answer, rel_tol=1e-9):
        sys.exit(f"the answers differ: WebPPL {p}, Hearsay {answer}")
    print(f"P(x[1]) = {answer}, by both")
    print(f"inference alone  WebPPL {theirs:8.3f} s  Hearsay {1000 * ours:8.2f} ms  ratio {theirs / ours:8.0f}")
    print(f"whole process    WebPPL {their_whole:8.3f} s  Hearsay {1000 * whole:8.2f} ms  ratio {their_whole / whole:8.0f}")


main()
