#!/usr/bin/env python3
"""The benchmarks; started by run_benchmarks.sh."""
import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from private_postgres import PrivatePostgres  # noqa: E402

import certificates  # noqa: E402
import tickets  # noqa: E402
import wide_table  # noqa: E402

SETTINGS = {"log_line_prefix": "%m [%p] ", "log_timezone": "UTC", "log_checkpoints": "off"}


class Bench:
    def __init__(self, build, folder, server):
        self.build, self.folder, self.server = build, folder, server
        self.migrate = os.path.join(build, "bin", "migrate")
        self.generator = os.path.join(build, "bin", "migrate-certificates-generator")
        self.driver = os.path.join(ROOT, "examples", "drivers", "certificates", "migration.yaml")

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def expect_rows(self, database, table, count):
        found = subprocess.run(["psql", "-X", "-qAt", "-d", self.server.dsn(database), "-c",
                                f"SELECT count(*) FROM {table}"], check=True, stdout=subprocess.PIPE, text=True).stdout
        if int(found) != count:
            raise SystemExit(f"{table} has {int(found)} rows instead of {count}")

    def machine(self):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")
        settings = subprocess.run(
            ["psql", "-X", "-qAt", "-F", " = ", "-d", self.server.dsn("postgres"), "-c",
             "SELECT name, current_setting(name) FROM pg_settings WHERE name IN ('server_version', 'fsync', "
             "'synchronous_commit', 'full_page_writes', 'wal_level', 'shared_buffers', 'max_wal_size') ORDER BY name"],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        return f"{model}, {os.cpu_count()} cores. PostgreSQL on a private socket: {', '.join(settings.splitlines())}.\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", help="table, certificates, memory, journal, resume, tickets; default: all")
    parser.add_argument("--build", required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where data sets and databases go, and stay for the next time")
    arguments = parser.parse_args()
    what = arguments.what or ["table", "certificates", "memory", "journal", "resume", "tickets"]
    rows, rounds = arguments.rows, arguments.rounds
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends and its folder goes
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="migrate-bench-"))
        folder = os.path.abspath(folder)
        os.makedirs(folder, exist_ok=True)
        server = stack.enter_context(PrivatePostgres(SETTINGS))
        server.create("bench")
        bench = Bench(os.path.abspath(arguments.build), folder, server)
        print(bench.machine(), flush=True)
        parts = {
            "table": lambda: wide_table.run(bench, rows, rounds),
            "certificates": lambda: certificates.rates(bench, rows, rounds),
            "memory": lambda: certificates.memory(bench, sorted({max(1, rows // 10), rows}), rounds),
            "journal": lambda: certificates.journal(bench, rows, rounds),
            "resume": lambda: certificates.resume(bench, rows, rounds),
            "tickets": lambda: tickets.run(bench, max(1, rows // 50), rounds),
        }
        for name in what:
            if name not in parts:
                parser.error(f"unknown benchmark {name}")
            print(parts[name](), flush=True)


if __name__ == "__main__":
    main()
