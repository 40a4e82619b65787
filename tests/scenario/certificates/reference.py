#!/usr/bin/env python3
"""What the certificates migration must make of a legacy database, computed a second time and as plainly as possible.

    reference.py LEGACY.db [--out EXPECTED.json]

Written from the contract alone, one function a rule. References are expressed by natural keys (the legacy_id of the
row, the name_key of a technician), never by the target's ids. Readings of places where the contract leaves a choice are
marked "Reading:".
"""
import argparse
import datetime
import json
import re
import sqlite3
import sys
from collections import Counter

COLUMNS = {
    "customers": ["legacy_id", "name", "phone", "email", "city", "created_at"],
    "users": ["legacy_id", "customer_id", "username", "full_name", "email", "is_active"],
    "technicians": ["name_key", "name", "user_id"],
    "devices": ["legacy_id", "ecu_number", "model", "blocked"],
    "certificates": ["legacy_id", "number", "device_id", "customer_id", "issued_by", "calibration_technician_id",
                     "installation_technician_id", "speed_kmh", "installed_at", "calibrated_at", "expires_at",
                     "created_at", "status", "renewed_from_id", "remarks"],
    "vehicles": ["certificate_id", "brand", "model", "chassis_number", "registration_number", "is_new_registration"],
}
SOURCES = ["customers", "users", "devices", "certificates"]  # the types that have rows of their own in the source

WHITE_SPACE = " \t\r\n\v\f"  # and nothing else; a no-break space is text
TRUE_WORDS = {"1", "y", "yes", "true", "t", "on"}
STATUSES = {"active": "active", "renewed": "renewed", "nullified": "nullified", "cancelled": "cancelled",
            "canceled": "cancelled", "blocked": "blocked"}
DIGITS = str.maketrans({**{0x0660 + i: str(i) for i in range(10)}, **{0x06F0 + i: str(i) for i in range(10)}})
ASCII_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

# Hyphen-minus, hyphen, non-breaking hyphen, figure dash, en dash, em dash, horizontal bar.
# Reading: the minus sign (U+2212) is neither a hyphen nor a dash; blanks around it are U+0020 only.
DASH = "[-\u2010\u2011\u2012\u2013\u2014\u2015]"
INTEGER = re.compile("[0-9]+")
RANGE_END = re.compile(f" *{DASH} *[0-9]")
# Reading: `HH:MM` without seconds is preceded by a blank only; the rule lists `THH:MM:SS` but no `THH:MM`.
TIME = "(?: ([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?|T([0-9]{2}):([0-9]{2}):([0-9]{2}))?"
ISO_DATE = re.compile(f"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}}){TIME}")
DAY_FIRST_DATE = re.compile(f"([0-9]{{2}})([/-])([0-9]{{2}})\\2([0-9]{{4}}|[0-9]{{2}}){TIME}")
ZERO_DATE = re.compile("0000-00-00(?:[ T]00:00(?::00)?)?")
DUBAI = datetime.timedelta(hours=4)

NOT_A_DATE = object()


def text(value):
    """Decoded, trimmed; empty is None. `value` as sqlite3 gives it with text_factory = bytes."""
    if value is None:
        return None
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            value = value.decode("cp1256")
    return str(value).strip(WHITE_SPACE) or None


def text_with_digits(value):
    value = text(value)
    return None if value is None else value.translate(DIGITS)


def date(value):
    """ISO 8601 in UTC, None where there is none, or NOT_A_DATE."""
    value = text_with_digits(value)
    if value is None or ZERO_DATE.fullmatch(value):
        return None
    if found := ISO_DATE.fullmatch(value):
        year, month, day, *time = found.groups()
    elif found := DAY_FIRST_DATE.fullmatch(value):
        day, _, month, year, *time = found.groups()
    else:
        return NOT_A_DATE
    if len(year) == 2:
        year = ("20" if int(year) <= 69 else "19") + year
    hour, minute, second = (int(a or b or 0) for a, b in zip(time[:3], time[3:]))
    try:
        # Reading: the year 0000 is not a date (the calendar of both databases begins with 1).
        local = datetime.datetime(int(year), int(month), int(day), hour, minute, second)
        utc = local - DUBAI
    except (ValueError, OverflowError):
        return NOT_A_DATE
    return utc.isoformat() + "Z"


def speed(value):
    """(km/h or None, warning or None)"""
    value = text_with_digits(value)
    found = INTEGER.search(value) if value else None
    if not found:
        return None, None
    number = int(found.group())
    if number > 2147483647:
        return None, "speed_out_of_range"  # Reading: and no `speed_range` beside it
    return number, "speed_range" if RANGE_END.match(value, found.end()) else None


def boolean(value):
    value = text(value)
    return 1 if value is not None and value.translate(ASCII_LOWER) in TRUE_WORDS else 0


def status(value):
    """The status, or None where it is unknown."""
    value = text(value)
    return None if value is None else STATUSES.get(value.translate(ASCII_LOWER))


def ecu(value):
    """Reading: upper case is that of ASCII letters, as for technicians."""
    value = text_with_digits(value)
    return None if value is None else value.translate(ASCII_UPPER)


def technician_key(value):
    """None where it is blank."""
    value = text(value)
    if value is None:
        return None
    words = re.split(f"[{WHITE_SPACE}]+", value.replace(".", "").strip(WHITE_SPACE))
    return " ".join(words).translate(ASCII_LOWER) or None


def brand_and_model(vehicle_type):
    parts = re.split(f"[{WHITE_SPACE}]+", vehicle_type, maxsplit=1)
    return parts[0], parts[-1]


class Expected:
    """tables: {name: {key: row as a tuple in the order of COLUMNS}}; failures: {(type, id, cause)}; warnings:
    {type: Counter of causes}; counts: {type: {read, written, failed}} of a full run."""

    def __init__(self):
        self.tables = {name: {} for name in COLUMNS}
        self.failures = set()
        self.warnings = {}
        self.read = Counter()

    def put(self, table, row):
        self.tables[table][row[0]] = tuple(row)

    def fail(self, table, key, cause):
        self.failures.add((table, str(key), cause))

    def warn(self, table, cause):
        self.warnings.setdefault(table, Counter())[cause] += 1

    def counts(self):
        failed = Counter(failure[0] for failure in self.failures)
        return {name: {"read": self.read[name], "written": len(self.tables[name]), "failed": failed[name]}
                for name in SOURCES}

    def as_json(self):
        return {
            "tables": {name: {"columns": COLUMNS[name], "rows": sorted(self.tables[name].values())}
                       for name in COLUMNS},
            "failures": [{"type": t, "id": i, "cause": c} for t, i, c in sorted(self.failures)],
            "warnings": {name: dict(sorted(causes.items())) for name, causes in sorted(self.warnings.items())},
            "counts": self.counts(),
        }


def rows(source, table, columns):
    return source.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {columns[0]}")


def migrate_customers(source, expected):
    for key, name, phone, email, city, created_on in rows(
            source, "customers", ["customer_id", "name", "phone", "email", "city", "created_on"]):
        expected.read["customers"] += 1
        created_at = date(created_on)
        if created_at is NOT_A_DATE:
            created_at = None
            expected.warn("customers", "invalid_date")
        expected.put("customers", [key, text(name), text_with_digits(phone), text(email), text(city), created_at])


def migrate_users(source, expected):
    """-> {technician key: the smallest user_id with such a full name}"""
    by_name = {}
    for key, customer, username, full_name, email, is_active in rows(
            source, "users", ["user_id", "customer_id", "username", "full_name", "email", "is_active"]):
        expected.read["users"] += 1
        if customer is not None and customer not in expected.tables["customers"]:
            customer = None
            expected.warn("users", "missing_customer")
        expected.put("users", [key, customer, text(username), text(full_name), text(email), boolean(is_active)])
        name_key = technician_key(full_name)
        if name_key is not None:
            by_name.setdefault(name_key, key)
    return by_name


def migrate_devices(source, expected):
    """-> {ECU number: device_id}"""
    by_ecu = {}
    for key, number, model, blocked in rows(source, "devices", ["device_id", "ecu_number", "model", "is_blocked"]):
        expected.read["devices"] += 1
        number = ecu(number)
        if number is not None:
            if number in by_ecu:
                expected.fail("devices", key, "duplicate_ecu")
                continue
            by_ecu[number] = key
        expected.put("devices", [key, number, text(model), boolean(blocked)])
    return by_ecu


def optional_date(value, expected):
    value = date(value)
    if value is NOT_A_DATE:
        expected.warn("certificates", "invalid_date")
        return None
    return value


def technician(value, expected, user_by_name):
    """The key, after the technician was made if this is the first mention."""
    key = technician_key(value)
    if key is not None and key not in expected.tables["technicians"]:
        expected.put("technicians", [key, text(value), user_by_name.get(key)])
    return key


def vehicle(certificate, vehicle_type, chassis, registration, expected):
    """Reading: the warning `missing_vehicle_type` is the certificate's, one a certificate."""
    vehicle_type, chassis, registration = text(vehicle_type), text(chassis), text(registration)
    if vehicle_type is not None:
        brand, model = brand_and_model(vehicle_type)
        expected.put("vehicles", [certificate, brand, model, chassis, registration, 0])
    elif chassis is not None or registration is not None:
        expected.warn("certificates", "missing_vehicle_type")


def failure_of(calibration, created, status_word, device, customer, expected):
    """Reading: a certificate without customer_id does not fail ("a NULL key is no reference")."""
    if calibration in (None, NOT_A_DATE) or created in (None, NOT_A_DATE):
        return "invalid_date"
    if status_word is None:
        return "unknown_status"
    if device is None:
        return "missing_device"
    if customer is not None and customer not in expected.tables["customers"]:
        return "missing_customer"
    return None


def migrate_certificates(source, expected, device_by_ecu, user_by_name):
    predecessors = {}
    for (key, number, ecu_number, customer, issued_by, calibration_technician, installation_technician, vehicle_type,
         chassis, registration, speed_limit, installed, calibrated, expires, created, status_word, renewed_from,
         remarks) in rows(source, "certificates",
                          ["cert_id", "cert_no", "ecu_number", "customer_id", "issued_by", "calibration_technician",
                           "installation_technician", "vehicle_type", "chassis_number", "registration_number",
                           "speed_limit", "installation_date", "calibration_date", "expiry_date", "created_at",
                           "status", "renewed_from", "remarks"]):
        expected.read["certificates"] += 1
        calibrated_at, created_at, status_word = date(calibrated), date(created), status(status_word)
        device = device_by_ecu.get(ecu(ecu_number))
        cause = failure_of(calibrated_at, created_at, status_word, device, customer, expected)
        if cause is not None:
            expected.fail("certificates", key, cause)
            continue
        kmh, warning = speed(speed_limit)
        if warning is not None:
            expected.warn("certificates", warning)
        if issued_by is not None and issued_by not in expected.tables["users"]:
            issued_by = None
            expected.warn("certificates", "missing_user")
        installed_at, expires_at = optional_date(installed, expected), optional_date(expires, expected)
        calibration_key = technician(calibration_technician, expected, user_by_name)
        installation_key = technician(installation_technician, expected, user_by_name)
        vehicle(key, vehicle_type, chassis, registration, expected)
        if renewed_from is not None:
            predecessors[key] = renewed_from
        if status_word == "blocked":
            row = expected.tables["devices"][device]
            expected.put("devices", [*row[:3], 1])
        expected.put("certificates", [key, text(number), device, customer, issued_by, calibration_key,
                                      installation_key, kmh, installed_at, calibrated_at, expires_at, created_at,
                                      status_word, renewed_from, text(remarks)])
    lose_missing_predecessors(predecessors, expected)


def lose_missing_predecessors(predecessors, expected):
    """Only now is it known which certificates were migrated; itself and rings are as good as any other."""
    certificates = expected.tables["certificates"]
    place = COLUMNS["certificates"].index("renewed_from_id")
    for key, predecessor in predecessors.items():
        if predecessor not in certificates:
            row = certificates[key]
            certificates[key] = row[:place] + (None,) + row[place + 1:]
            expected.warn("certificates", "missing_predecessor")


def compute(path):
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    source.text_factory = bytes
    expected = Expected()
    migrate_customers(source, expected)
    user_by_name = migrate_users(source, expected)
    device_by_ecu = migrate_devices(source, expected)
    migrate_certificates(source, expected, device_by_ecu, user_by_name)
    source.close()
    return expected


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("legacy", help="the legacy database, SQLite")
    parser.add_argument("--out", help="where the expected target goes as JSON; default: standard output")
    parser.add_argument("--summary", action="store_true", help="print the numbers alone")
    arguments = parser.parse_args()
    expected = compute(arguments.legacy)
    if arguments.summary:
        causes = Counter((t, c) for t, _, c in expected.failures)
        print(json.dumps({"rows": {name: len(table) for name, table in expected.tables.items()},
                          "failures": {f"{t}: {c}": n for (t, c), n in sorted(causes.items())},
                          "warnings": expected.as_json()["warnings"]}, indent=2))
        return
    out = open(arguments.out, "w", encoding="utf-8") if arguments.out else sys.stdout
    json.dump(expected.as_json(), out, ensure_ascii=False, indent=1)
    out.write("\n")


if __name__ == "__main__":
    main()
