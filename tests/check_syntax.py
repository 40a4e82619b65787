#!/usr/bin/env python3
"""check_syntax.py BUILD [--jobs N]: compiles what a build directory has not compiled yet, without making code of it.

For a lane that only asks whether a compiler takes every file. Precompiled headers must be there already.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys


class Unit:
    """One entry of compile_commands.json."""

    def __init__(self, entry):
        self.file, self.directory = entry["file"], entry["directory"]
        self.command = shlex.split(entry["command"])
        # Without ccache and what it is told.
        while not re.search(r"(\+\+|clang|gcc)(-\d+)?$", self.command[0]):
            self.command.pop(0)
        at = self.command.index("-o")
        self.output = os.path.join(self.directory, self.command[at + 1])
        del self.command[at : at + 2]

    def read(self):
        done = subprocess.run([*self.command, "-fsyntax-only"], cwd=self.directory, capture_output=True, text=True)
        return self.file, done.returncode, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    with open(os.path.join(arguments.build, "compile_commands.json"), encoding="utf-8") as file:
        units = [Unit(entry) for entry in json.load(file)]
    units = [unit for unit in units if not os.path.exists(unit.output)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for number, (file, status, said) in enumerate(pool.map(Unit.read, units), 1):
            if status or number % 20 == 0 or number == len(units):
                print(f"[{number}/{len(units)}] {os.path.relpath(file)}", flush=True)
            if status:
                failed += 1
                print(said, flush=True)
    print(f"{len(units)} further files read, {failed} refused")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
