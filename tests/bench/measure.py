"""Timing of programs, and tables of the results."""
import os
import statistics
import subprocess
import tempfile
from collections import namedtuple

TIME = "/usr/bin/time"
Sample = namedtuple("Sample", "seconds cpu mebibytes")  # wall clock; client's CPU; client's peak resident memory


def timed(command, allowed=(0,), log=None):
    """Runs the command; its output goes to the file `log`. Raises where its exit code is none of `allowed`."""
    # GNU time forks from a small process: a child's peak memory starts with that of the process that it was forked from.
    with tempfile.NamedTemporaryFile("r") as usage, open(log or os.devnull, "wb") as out:
        code = subprocess.run([TIME, "-q", "-f", "%e %U %S %M", "-o", usage.name, *command], stdout=out,
                              stderr=subprocess.STDOUT, check=False).returncode
        seconds, user, system, kibibytes = (float(word) for word in usage.read().split()[-4:])
    if code not in allowed:
        tail = open(log, encoding="utf-8", errors="replace").read()[-3000:] if log else ""
        raise SystemExit(f"exit code {code} of {' '.join(command)}\n{tail}")
    return Sample(seconds, user + system, kibibytes / 1024)


def median(samples):
    return Sample(*(statistics.median(values) for values in zip(*samples)))


class Contest:
    """Ways to do the same work, measured in alternation."""

    def __init__(self, title, rounds):
        self.title, self.rounds = title, rounds
        self.ways = {}

    def add(self, name, rows, measure):
        """`measure()` prepares, does the work once, and returns the Sample of the work alone."""
        self.ways[name] = (rows, measure, [])

    def run(self, progress):
        for number in range(self.rounds):
            for name, (rows, measure, samples) in self.ways.items():
                samples.append(measure())
                progress(f"{self.title}, round {number + 1}, {name}: {rows / samples[-1].seconds:,.0f}/s, "
                         f"{samples[-1].seconds:.2f} s")

    def rate(self, name):
        rows, _, samples = self.ways[name]
        return rows / median(samples).seconds

    def table(self, yardstick):
        """Markdown; the ratio is that of medians, to the way `yardstick`."""
        lines = [f"### {self.title} (medians of {self.rounds})", "",
                 f"| way | rows/s | lowest–highest | of `{yardstick}` | client CPU s | client peak MiB |",
                 "|---|---|---|---|---|---|"]
        for name, (rows, _, samples) in self.ways.items():
            middle = median(samples)
            rates = sorted(rows / sample.seconds for sample in samples)
            lines.append(f"| {name} | {rows / middle.seconds:,.0f} | {rates[0]:,.0f}–{rates[-1]:,.0f} | "
                         f"{self.rate(name) / self.rate(yardstick):.3f} | {middle.cpu:.2f} | {middle.mebibytes:.0f} |")
        return "\n".join(lines) + "\n"
