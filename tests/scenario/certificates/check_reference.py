#!/usr/bin/env python3
"""Checks the checkers: the reference against examples worked out by hand, and the comparison against damage.

    check_reference.py [GENERATOR]
"""
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import compare
import reference

DUBAI_NOON = "2024-02-29T08:00:00Z"
GENERATOR = None


class Rules(unittest.TestCase):
    def test_text(self):
        for value, wanted in [(None, None), (b"", None), (b" \t\r\n\v\f", None), (b" a  b ", "a  b"), (17, "17"),
                              ("\u00a0".encode(), "\u00a0"), (b"caf\xe9 \xc7\xe1", "café ال"),
                              ("سعيد".encode(), "سعيد"), (b"\xed\xa0\x80", b"\xed\xa0\x80".decode("cp1256"))]:
            self.assertEqual(reference.text(value), wanted, value)

    def test_date(self):
        bad = reference.NOT_A_DATE
        for value, wanted in [
                ("2024-02-29 12:00", DUBAI_NOON), ("29/02/2024 12:00:00", DUBAI_NOON), ("29-02-24 12:00", DUBAI_NOON),
                (" 2024-02-29T12:00:00 ", DUBAI_NOON), ("٢٩/٠٢/٢٠٢٤ ١٢:٠٠", DUBAI_NOON), ("۲۹-۰۲-۲۴ ۱۲:۰۰", DUBAI_NOON),
                ("01/01/69", "2068-12-31T20:00:00Z"), ("01-01-70", "1969-12-31T20:00:00Z"),
                ("1900-03-01", "1900-02-28T20:00:00Z"), ("", None), (None, None), ("0000-00-00", None),
                ("0000-00-00 00:00:00", None), ("29/02/2023", bad), ("2024-02-29T12:00", bad), ("00/00/0000", bad),
                ("2024-2-29", bad), ("29/02-2024", bad), ("29.02.2024", bad), ("2024-02-29  12:00", bad),
                ("2024-02-29 24:00", bad), ("2024-02-29 12:00:60", bad), ("\u00a02024-02-29", bad),
                ("2024-02-29Z", bad), ("12/13/2024", bad)]:
            self.assertEqual(reference.date(None if value is None else value.encode()), wanted, value)

    def test_speed(self):
        for value, wanted in [
                ("80 km/h", (80, None)), ("80KM", (80, None)), ("80-90", (80, "speed_range")), ("", (None, None)),
                ("80 – 90", (80, "speed_range")), ("80—90", (80, "speed_range")), ("-80", (80, None)),
                ("80\u00a0-\u00a090", (80, None)), ("٨٠ كم", (80, None)), ("km/h", (None, None)), ("80- km", (80, None)),
                ("2147483647", (2147483647, None)), ("2147483648", (None, "speed_out_of_range")), ("80 to 90", (80, None))]:
            self.assertEqual(reference.speed(value.encode()), wanted, value)

    def test_words(self):
        self.assertEqual([reference.boolean(v) for v in (b" Y ", b"ON", b"t", b"off", b"", None, 1)],
                         [1, 1, 1, 0, 0, 0, 1])
        self.assertEqual([reference.status(v) for v in (b" Canceled", b"BLOCKED", b"x", None)],
                         ["cancelled", "blocked", None, None])
        self.assertEqual(reference.ecu(" sl-a\u0661 ".encode()), "SL-A1")

    def test_technician_key(self):
        for value, wanted in [(" A. B.\tKhan ", "a b khan"), ("A . Khan", "a khan"), ("A.Khan", "akhan"), (" . ", None),
                              ("ANDR\u00c9 x", "andr\u00c9 x"), ("A\u00a0B", "a\u00a0b")]:
            self.assertEqual(reference.technician_key(value.encode()), wanted, value)

    def test_vehicle(self):
        self.assertEqual(reference.brand_and_model("Toyota \t Land Cruiser"), ("Toyota", "Land Cruiser"))
        self.assertEqual(reference.brand_and_model("Hiace"), ("Hiace", "Hiace"))


def write_target(expected, path):
    """A flawless target, made from the reference itself; ids count from 1001."""
    database = sqlite3.connect(path)
    ids = {name: {key: 1001 + i for i, key in enumerate(table)} for name, table in expected.tables.items()}
    for name in compare.ORDER:
        columns = reference.COLUMNS[name]
        unique = ", ".join(f"UNIQUE({', '.join(c)})" for c in compare.UNIQUE[name])
        database.execute(f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, {', '.join(columns)}, {unique})")
        links = {columns.index(c): other for c, other in compare.REFERENCES.get(name, {}).items()}
        for key, row in expected.tables[name].items():
            cells = [ids[links[i]][v] if i in links and v is not None else v for i, v in enumerate(row)]
            places = ", ".join("?" * (len(cells) + 1))
            database.execute(f"INSERT INTO {name} VALUES ({places})", [ids[name][key], *cells])
    database.commit()
    return database


@unittest.skipUnless(len(sys.argv) > 1, "needs the generator")
class Comparison(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.legacy, self.path = (os.path.join(self.folder.name, name) for name in ("legacy.db", "target.db"))
        self.generate("--certificates", "1000")

    def generate(self, *arguments):
        subprocess.run([GENERATOR, "--out", self.legacy, *arguments], check=True, stdout=subprocess.DEVNULL)

    def differences(self, expected):
        found = compare.Differences(limit=0)
        compare.compare_target(expected, compare.open_target(self.path), found)
        return found.count

    def test_generator_is_deterministic(self):
        digests = set()
        for _ in range(2):
            self.generate("--seed", "3", "--certificates", "1000")
            self.generate("--mutate", "4")
            with open(self.legacy, "rb") as file:
                digests.add(file.read())
        self.assertEqual(len(digests), 1)

    def test_every_cause_and_warning_occurs(self):
        self.generate("--certificates", "5000")
        expected = reference.compute(self.legacy)
        self.assertEqual({(t, c) for t, _, c in expected.failures},
                         {("devices", "duplicate_ecu")} | {("certificates", c) for c in (
                             "invalid_date", "unknown_status", "missing_device", "missing_customer")})
        self.assertEqual({t: set(causes) for t, causes in expected.warnings.items()},
                         {"customers": {"invalid_date"}, "users": {"missing_customer"},
                          "certificates": {"invalid_date", "missing_predecessor", "missing_user", "speed_range",
                                           "missing_vehicle_type", "speed_out_of_range"}})

    def test_damage_is_found(self):
        expected = reference.compute(self.legacy)
        database = write_target(expected, self.path)
        self.assertEqual(self.differences(expected), 0)
        for damage in ("UPDATE certificates SET remarks = 'x' WHERE id = 1007",
                       "UPDATE certificates SET created_at = replace(created_at, 'Z', '.5Z') WHERE id = 1007",
                       "UPDATE certificates SET speed_kmh = '80' WHERE id = 1007",
                       "UPDATE certificates SET device_id = (SELECT max(id) FROM devices) WHERE id = 1007",
                       "UPDATE certificates SET customer_id = 5 WHERE id = 1007",
                       "UPDATE devices SET blocked = 1 - blocked WHERE id = 1003",
                       "DELETE FROM vehicles WHERE id = 1002",
                       "INSERT INTO technicians VALUES (9, 'nobody', 'Nobody', NULL)",
                       "UPDATE technicians SET name = name || '.' WHERE id = 1001",
                       "DROP TABLE vehicles"):
            database.execute("SAVEPOINT clean")
            database.execute(damage)
            database.execute("RELEASE clean")
            database.commit()
            self.assertGreater(self.differences(expected), 0, damage)
            database.close()
            os.remove(self.path)
            database = write_target(expected, self.path)
        database.close()


if __name__ == "__main__":
    GENERATOR = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None
    unittest.main(argv=sys.argv[:1])
