#!/usr/bin/env python3
"""Runs the certificates migration with the real program and compares target and report with the reference.

    run.py CASE --migrate PROGRAM --generator PROGRAM [--keep FOLDER] [--kills N] [--seed N]

Cases: full, delta, kill; each with --to sqlite (default) or postgres; full also with --from postgres, whose encoding is
then SQL_ASCII. Exit code 77: skipped, the reason is printed.
"""
import argparse
import contextlib
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import compare  # noqa: E402
import reference  # noqa: E402
from private_postgres import PrivatePostgres, Unavailable  # noqa: E402

DRIVER = os.path.join(ROOT, "examples", "drivers", "certificates", "migration.yaml")
DONE, DONE_WITH_FAILURES = 0, 1


class Scenario:
    def __init__(self, arguments, folder, server):
        self.arguments, self.folder, self.server = arguments, folder, server
        self.databases = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def new_target(self, name):
        """-> (how compare.py names it, the options of `migrate`)"""
        if self.arguments.to == "postgres":
            self.databases += 1
            dsn = self.server.create(f"target{self.databases}")
            return dsn, ["--set", "sink.connector=postgres", "--set", f"sink.dsn={dsn}"]
        path = self.path(name + ".db")
        return path, ["--set", f"sink.path={path}"]

    def generate(self, *options):
        legacy = self.path("legacy.db")
        subprocess.run([self.arguments.generator, "--out", legacy, *options], check=True, stdout=subprocess.DEVNULL)
        return legacy

    def source_options(self, legacy):
        if self.arguments.source == "sqlite":
            return ["--set", f"source.path={legacy}"]
        self.databases += 1
        dsn = self.server.create(f"legacy{self.databases}", encoding="SQL_ASCII")
        copy_to_postgres(legacy, dsn)
        return ["--set", "source.connector=postgres", "--set", f"source.dsn={dsn}"]

    def command(self, work, *options):
        return [self.arguments.migrate, "run", DRIVER, "--working-dir", self.path(work), "--progress", "none", *options]

    def migrate(self, work, *options, allowed=(DONE, DONE_WITH_FAILURES)):
        command = self.command(work, *options)
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if result.returncode not in allowed:
            print(result.stdout.decode("utf-8", "replace")[-4000:])
            raise SystemExit(f"exit code {result.returncode} of: {' '.join(command)}")

    def compare(self, *options):
        result = subprocess.run([sys.executable, "-B", os.path.join(HERE, "compare.py"), *options], check=False)
        if result.returncode != 0:
            raise SystemExit("compare.py " + " ".join(options))

    def report(self, work):
        return os.path.join(self.path(work), "final-migration-report.json")


def copy_to_postgres(legacy, dsn):
    """The rows as they are, byte for byte (of a blob: its bytes as text)."""
    database = sqlite3.connect(legacy)
    database.text_factory = bytes
    process = subprocess.Popen(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn], stdin=subprocess.PIPE,
                               env=dict(os.environ, PGCLIENTENCODING="SQL_ASCII"))
    for name, sql in database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall():
        create = re.sub(r"\bINTEGER\b", "bigint", sql.decode())
        process.stdin.write(create.encode() + b";\nCOPY " + name + b" FROM STDIN;\n")
        for row in database.execute(f"SELECT * FROM {name.decode()}"):
            process.stdin.write(b"\t".join(map(copy_cell, row)) + b"\n")
        process.stdin.write(b"\\.\n")
    process.stdin.close()
    if process.wait() != 0:
        raise SystemExit("the legacy database cannot be copied to PostgreSQL")


def copy_cell(value):
    if value is None:
        return b"\\N"
    if not isinstance(value, bytes):
        return str(value).encode()
    for special, escaped in ((b"\\", b"\\\\"), (b"\t", b"\\t"), (b"\n", b"\\n"), (b"\r", b"\\r")):
        value = value.replace(special, escaped)
    return value


def full(scenario):
    for name, options in {"plain": [], "reordered": ["--reordered", "--wide-keys", "--seed", "9"],
                          "filthy": ["--dirt", "30", "--seed", "5", "--certificates", "2000"],
                          "empty": ["--certificates", "0"]}.items():
        print(f"full, {name}:", flush=True)
        legacy = scenario.generate(*options)
        target, sink = scenario.new_target(name)
        scenario.migrate(name, *scenario.source_options(legacy), *sink, "--verify", "standard")
        scenario.compare("--legacy", legacy, "--target", target, "--report", scenario.report(name))


def delta(scenario):
    legacy = scenario.generate("--certificates", "5000")
    target, sink = scenario.new_target("delta")
    options = [*scenario.source_options(legacy), *sink]
    scenario.migrate("delta", *options)
    scenario.compare("--legacy", legacy, "--target", target, "--report", scenario.report("delta"))
    for seed in ("11", "12", None):
        print(f"delta, changes {seed}:", flush=True)
        if seed:
            scenario.generate("--mutate", seed)
        scenario.migrate("delta", *options, "--mode", "incremental")
        scenario.compare("--legacy", legacy, "--target", target, "--report", scenario.report("delta"), "--not-full")


def run_until_killed(command, seconds):
    """-> True: killed; False: it had ended before."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        code = process.wait(timeout=seconds)
        if code not in (DONE, DONE_WITH_FAILURES):
            raise SystemExit(f"exit code {code} of: {' '.join(command)}")
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def kill(scenario):
    """Each round: a fresh target, one to three kills at seeded moments, then until the end; the moments of the first
    kills are spread evenly over the time that an undisturbed run takes."""
    numbers = random.Random(scenario.arguments.seed)
    legacy = scenario.generate("--certificates", str(scenario.arguments.certificates))
    options = [*scenario.source_options(legacy), "--batch-size", "500", "--verify", "none"]
    undisturbed, sink = scenario.new_target("undisturbed")
    started = time.monotonic()
    scenario.migrate("undisturbed", *options, *sink)
    seconds = time.monotonic() - started
    scenario.compare("--legacy", legacy, "--target", undisturbed, "--report", scenario.report("undisturbed"))
    expected = reference.compute(legacy)
    print(f"undisturbed: {seconds:.2f} s; seed {scenario.arguments.seed}", flush=True)
    kills, rounds, wanted = 0, 0, scenario.arguments.kills
    while kills < wanted or rounds < wanted:
        if rounds > 3 * wanted:
            raise SystemExit(f"only {kills} of {wanted} kills hit a running program")
        name = f"killed{rounds}"
        target, sink = scenario.new_target(name)
        command = scenario.command(name, *options, *sink)
        moments = [seconds * (rounds % wanted + numbers.random()) / wanted]
        moments += [seconds * numbers.random() / 2 for _ in range(numbers.randrange(3))]
        hits = [moment for moment in moments if run_until_killed(command, moment)]
        kills, rounds = kills + len(hits), rounds + 1
        scenario.migrate(name, *options, *sink)
        moments = ", ".join(f"{moment:.3f}" for moment in hits)
        print(f"round {rounds}: killed at {moments or 'no moment'}", flush=True)
        differences = compare.Differences()
        compare.compare_same(undisturbed, target, differences)
        compare.compare_report(expected, scenario.report(name), differences, full=False)
        if differences.finish("targets and failures"):
            raise SystemExit(f"round {rounds} differs from the undisturbed run")
        if scenario.arguments.to == "postgres":
            scenario.server.drop(f"target{scenario.databases}")
        else:
            os.remove(target)
        shutil.rmtree(scenario.path(name))
    print(f"{kills} kills in {rounds} rounds")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=["full", "delta", "kill"])
    parser.add_argument("--migrate", required=True)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--from", dest="source", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--to", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--certificates", type=int, default=20000, help="of the kill case")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="the folder for everything, which is then kept")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends and the folder goes
    for program in (arguments.migrate, arguments.generator, DRIVER):
        if not os.path.exists(program):
            print(f"SKIP: {program} is not there")
            return 77
    with contextlib.ExitStack() as stack:
        if arguments.keep:
            folder = arguments.keep
            os.makedirs(folder, exist_ok=True)
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="certificates-"))
        server = None
        if "postgres" in (arguments.source, arguments.to):
            try:
                # Only migrate is killed here, never the server.
                server = stack.enter_context(PrivatePostgres({"fsync": "off"}))
            except Unavailable as why:
                print(f"SKIP: {why}")
                return 77
        {"full": full, "delta": delta, "kill": kill}[arguments.case](Scenario(arguments, folder, server))
    return 0


if __name__ == "__main__":
    sys.exit(main())
