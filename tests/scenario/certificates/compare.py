#!/usr/bin/env python3
"""Compares what the certificates migration wrote with what it had to write.

    compare.py --legacy LEGACY.db --target TARGET [--report final-migration-report.json]
    compare.py --same A B

TARGET, A, B: an SQLite file or a libpq dsn. The first form computes the reference and
compares row for row through natural keys; of the ids it only demands that they exist and are unique. The second
demands that two targets hold the same rows, ids included, in all tables but those named _migrate*.
Exit code 1 and the first differences where there are any.
"""
import argparse
import itertools
import json
import sys
from collections import Counter

import reference
from target import open_target

REFERENCES = {
    "users": {"customer_id": "customers"},
    "technicians": {"user_id": "users"},
    "certificates": {"device_id": "devices", "customer_id": "customers", "issued_by": "users",
                     "calibration_technician_id": "technicians", "installation_technician_id": "technicians",
                     "renewed_from_id": "certificates"},
    "vehicles": {"certificate_id": "certificates"},
}
ORDER = ["customers", "users", "technicians", "devices", "certificates", "vehicles"]
UNIQUE = {name: [(reference.COLUMNS[name][0],)] for name in ORDER} | {"devices": [("legacy_id",), ("ecu_number",)]}
TIMESTAMPS = {"created_at", "installed_at", "calibrated_at", "expires_at"}
BOOLEANS = {"is_active", "blocked", "is_new_registration"}
INTEGERS = {"speed_kmh": "integer", "legacy_id": "bigint"}


class Differences:
    def __init__(self, limit=20):
        self.count, self.limit = 0, limit

    def add(self, line):
        self.count += 1
        if self.count <= self.limit:
            print("  " + (line if len(line) <= 600 else line[:600] + " …"))

    def finish(self, what):
        if self.count > self.limit:
            print(f"  … and {self.count - self.limit} more")
        print(f"{what}: " + (f"{self.count} differences" if self.count else "equal"))
        return 1 if self.count else 0


def check_types(target, table, differences):
    """Of PostgreSQL, which knows types."""
    for column, found in target.types(table).items():
        if column not in reference.COLUMNS[table]:
            continue
        wanted = ("timestamp with time zone" if column in TIMESTAMPS else "boolean" if column in BOOLEANS
                  else INTEGERS.get(column))
        if wanted and found != wanted:
            differences.add(f"{table}.{column} is {found}, not {wanted}")


def check_unique(target, table, differences):
    kept = target.unique_columns(table)
    for columns in UNIQUE[table]:
        if columns not in kept:
            differences.add(f"{table}: the target does not keep {', '.join(columns)} unique")


def read_table(target, table, keys, differences):
    """The rows by natural key; `keys[table]` becomes {id: natural key}."""
    columns = reference.COLUMNS[table]
    found, ids = {}, keys.setdefault(table, {})
    raw = list(target.rows(table, ["id", *columns], ["id"]))
    for row in raw:
        if row[0] is None or row[0] in ids:
            differences.add(f"{table}: the id {row[0]} is " + ("empty" if row[0] is None else "there twice"))
        ids[row[0]] = row[1]
    links = [(columns.index(column), keys if other != table else {table: ids}, other)
             for column, other in REFERENCES.get(table, {}).items()]
    for row in raw:
        values = list(row[1:])
        for place, known, other in links:
            if values[place] is None:
                continue
            if values[place] not in known[other]:
                differences.add(f"{table} {row[1]}: {columns[place]} = {values[place]} is no row of {other}")
            values[place] = known[other].get(values[place], f"dangling {values[place]}")
        if values[0] in found:
            differences.add(f"{table}: {columns[0]} {values[0]!r} is there twice")
        found[values[0]] = tuple(values)
    return found


def compare_rows(table, expected, found, differences):
    columns = reference.COLUMNS[table]
    for key in sorted(expected.keys() - found.keys()):
        differences.add(f"{table} {key!r}: missing in the target, expected {dict(zip(columns, expected[key]))}")
    for key in sorted(found.keys() - expected.keys(), key=repr):
        differences.add(f"{table} {key!r}: not expected, but there is {dict(zip(columns, found[key]))}")
    for key in sorted(expected.keys() & found.keys()):
        if expected[key] != found[key]:
            for column, wanted, got in zip(columns, expected[key], found[key]):
                if wanted != got:
                    differences.add(f"{table} {key!r}: {column} is {got!r}, expected {wanted!r}")


def compare_target(expected, target, differences):
    present = set(target.tables())
    keys = {}
    for table in ORDER:
        if table not in present:
            differences.add(f"the table {table} is missing")
            keys[table] = {}
            continue
        lacking = set(reference.COLUMNS[table]) - set(target.columns(table))
        if lacking:
            differences.add(f"{table} lacks {', '.join(sorted(lacking))}")
            return
        check_types(target, table, differences)
        check_unique(target, table, differences)
        found = read_table(target, table, keys, differences)
        compare_rows(table, expected.tables[table], found, differences)


def compare_failures(expected, report, differences):
    found = Counter()
    for failure in report.get("failures", []):
        found[(failure.get("type"), str(failure.get("id")), failure.get("cause"))] += 1
        if not failure.get("message"):
            differences.add(f"report: the failure {failure} has no message")
    wanted = Counter(expected.failures)
    for failure in sorted((wanted - found).elements()):
        differences.add(f"report: the failure {' '.join(map(str, failure))} is missing")
    for failure in sorted((found - wanted).elements(), key=repr):
        differences.add(f"report: the failure {' '.join(map(str, failure))} is not expected")


def compare_counts(expected, report, differences, full):
    types = report.get("types", {})
    for name, counts in types.items():
        if counts["read"] != sum(counts[k] for k in ("written", "skipped", "dropped", "failed")):
            differences.add(f"report: {name}: read is not written + skipped + dropped + failed: {counts}")
    if not full:
        return
    for name, wanted in expected.counts().items():
        got = {k: types.get(name, {}).get(k, 0) for k in wanted}  # a type without rows may be left out
        if got != wanted:
            differences.add(f"report: {name}: {got}, expected {wanted}")
    for name in ("technicians", "vehicles"):  # not read anywhere; where they are counted, then by row
        written = types.get(name, {}).get("written")
        if written is not None and written != len(expected.tables[name]):
            differences.add(f"report: {name}: {written} written, the target has to hold {len(expected.tables[name])}")


def compare_report(expected, path, differences, full):
    """`full`: the report of one undisturbed run over everything; else what was already there is not counted again."""
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    compare_counts(expected, report, differences, full)
    compare_failures(expected, report, differences)
    found = {name: causes for name, causes in report.get("warnings", {}).items() if causes}
    wanted = expected.as_json()["warnings"] if full else found
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name, {}) != found.get(name, {}):
            differences.add(f"report: warnings of {name}: {found.get(name)}, expected {wanted.get(name)}")


def compare_same(first, second, differences):
    a, b = open_target(first), open_target(second)
    tables = {name for name in a.tables() + b.tables() if not name.startswith("_migrate")}
    for table in sorted(tables):
        if table not in a.tables() or table not in b.tables():
            differences.add(f"the table {table} is in one of the two only")
            continue
        columns = sorted(a.columns(table))
        if columns != sorted(b.columns(table)):
            differences.add(f"{table}: the columns differ")
            continue
        order = (["id"] if "id" in columns else []) + [c for c in columns if c != "id"]
        for one, other in itertools.zip_longest(a.rows(table, columns, order), b.rows(table, columns, order)):
            if one != other:
                differences.add(f"{table}: {show(columns, one)} against {show(columns, other)}")


def show(columns, row):
    return "no row" if row is None else dict(zip(columns, row))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--legacy", help="the legacy database that was migrated")
    parser.add_argument("--target", help="what the migration wrote")
    parser.add_argument("--report", help="final-migration-report.json of the run")
    parser.add_argument("--not-full", action="store_true",
                        help="the report is of a resumed or an incremental run: compare its failures, not its counts")
    parser.add_argument("--same", nargs=2, metavar=("A", "B"))
    parser.add_argument("--limit", type=int, default=20, help="how many differences are shown")
    arguments = parser.parse_args()
    differences = Differences(arguments.limit)
    if arguments.same:
        compare_same(*arguments.same, differences)
        return differences.finish("targets")
    if not arguments.legacy or not (arguments.target or arguments.report):
        parser.error("--legacy and --target or --report, or --same")
    expected = reference.compute(arguments.legacy)
    if arguments.target:
        compare_target(expected, open_target(arguments.target), differences)
    if arguments.report:
        compare_report(expected, arguments.report, differences, not arguments.not_full)
    return differences.finish("target and report" if arguments.report else "target")


if __name__ == "__main__":
    sys.exit(main())
