"""How such a migration is usually written: Python, ten threads, one certificate after the other, look-up caches loaded
beforehand, technicians got or created, one commit a certificate. Only its rate is of interest."""
import os
import queue
import sqlite3
import sys
import threading
import time

import psycopg2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario", "certificates"))
import reference  # noqa: E402

THREADS = 10


class Worker(threading.Thread):
    def __init__(self, dsn, work, caches, lock):
        super().__init__(daemon=True)
        self.connection = psycopg2.connect(dsn)
        self.work, self.caches, self.lock = work, caches, lock
        self.migrated, self.failed = 0, 0

    def run(self):
        while (row := self.work.get()) is not None:
            try:
                self.migrate(row)
                self.migrated += 1
            except (KeyError, ValueError):
                self.connection.rollback()
                self.failed += 1
        self.connection.close()

    def technician(self, cursor, name):
        key = reference.technician_key(name)
        if key is None:
            return None
        with self.lock:
            if key not in self.caches["technicians"]:
                cursor.execute("SELECT id FROM technicians WHERE name_key = %s", (key,))
                found = cursor.fetchone()
                if not found:
                    cursor.execute("INSERT INTO technicians (name_key, name) VALUES (%s, %s) RETURNING id",
                                   (key, reference.text(name)))
                    found = cursor.fetchone()
                    self.connection.commit()
                self.caches["technicians"][key] = found[0]
            return self.caches["technicians"][key]

    def migrate(self, row):
        key, number, ecu, customer, user, calibrated_by, installed_by, vehicle, chassis, plate, speed, *dates = row[:15]
        status, remarks = reference.status(row[15]), reference.text(row[17])
        installed, calibrated, expires, created = (reference.date(d) for d in dates)
        if calibrated in (None, reference.NOT_A_DATE) or created in (None, reference.NOT_A_DATE) or status is None:
            raise ValueError("not a certificate")
        installed, expires = (None if d is reference.NOT_A_DATE else d for d in (installed, expires))
        device = self.caches["devices"][reference.ecu(ecu)]
        customer = None if customer is None else self.caches["customers"][customer]
        with self.connection.cursor() as cursor:
            technicians = [self.technician(cursor, calibrated_by), self.technician(cursor, installed_by)]
            cursor.execute(
                "INSERT INTO certificates (legacy_id, number, device_id, customer_id, issued_by, "
                "calibration_technician_id, installation_technician_id, speed_kmh, installed_at, calibrated_at, "
                "expires_at, created_at, status, remarks) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s) "
                "RETURNING id", (key, reference.text(number), device, customer, self.caches["users"].get(user),
                                 *technicians, reference.speed(speed)[0], installed, calibrated, expires, created,
                                 status, remarks))
            certificate = cursor.fetchone()[0]
            vehicle = reference.text(vehicle)
            if vehicle is not None:
                cursor.execute(
                    "INSERT INTO vehicles (certificate_id, brand, model, chassis_number, registration_number) "
                    "VALUES (%s, %s, %s, %s, %s)", (certificate, *reference.brand_and_model(vehicle),
                                                    reference.text(chassis), reference.text(plate)))
        self.connection.commit()


def run(legacy, dsn, sample):
    """Certificates only, into tables where the masters lie already. -> (certificates, seconds)"""
    source = sqlite3.connect(legacy)
    source.text_factory = bytes
    columns = ("cert_id, cert_no, ecu_number, customer_id, issued_by, calibration_technician, installation_technician, "
               "vehicle_type, chassis_number, registration_number, speed_limit, installation_date, calibration_date, "
               "expiry_date, created_at, status, renewed_from, remarks")
    started = time.monotonic()
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        caches = {"technicians": {}}
        for table, key in (("devices", "ecu_number"), ("customers", "legacy_id"), ("users", "legacy_id")):
            cursor.execute(f"SELECT {key}, id FROM {table}")
            caches[table] = dict(cursor.fetchall())
    work, lock = queue.Queue(maxsize=1000), threading.Lock()
    workers = [Worker(dsn, work, caches, lock) for _ in range(THREADS)]
    for worker in workers:
        worker.start()
    for row in source.execute(f"SELECT {columns} FROM certificates ORDER BY cert_id LIMIT {sample}"):
        work.put(row, timeout=60)
    for _ in workers:
        work.put(None)
    for worker in workers:
        worker.join()
    done = sum(worker.migrated + worker.failed for worker in workers)
    return done, time.monotonic() - started


def main():
    done, seconds = run(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    print(f"{done} certificates in {seconds:.2f} s: {done / seconds:,.0f}/s")


if __name__ == "__main__":
    main()
