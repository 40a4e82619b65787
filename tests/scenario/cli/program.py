"""What the tests of the program share: a folder of their own, a small migration in it, and ways to run the program."""
import json
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

MIGRATE = os.environ.get("MIGRATE_PROGRAM", "")
PATIENCE = 60  # seconds until a program that hangs is a failure

MIGRATION = """\
migration: people
working_dir: ./people.work
source:
  connector: sqlite
  path: legacy.db
  tables:
    - {table: towns, key: [id], rank: 0}
    - {table: people, key: [id], rank: 1}
transform:
  - use: fields
    rules:
      - {for: towns, keep: [name]}
      - for: people
        date: {fields: [born], formats: ["YYYY-MM-DD"], invalid: fail, cause: invalid_date}
      - {for: people, keep: [name, born, town]}
sink:
  connector: sqlite
  path: target.db
  tables:
    towns: {id: id, key: [legacy_id], columns: {id: bigint, legacy_id: bigint, name: text}}
    people: {id: id, key: [legacy_id], columns: {id: bigint, legacy_id: bigint, name: text, born: timestamptz, town: text}}
run: {max_failures: 0}
"""


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def all(self):
        return self.out + self.err


class ProgramTest(unittest.TestCase):
    """A fresh folder with legacy.db (3 towns, 6 people of whom one has no date of birth) and people.yaml."""

    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="migrate-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = self.folder / "people.yaml"
        self.file.write_text(MIGRATION)
        self.work = self.folder / "people.work"
        self.legacy = self.folder / "legacy.db"
        self.target = self.folder / "target.db"
        self.write(self.legacy,
                   "CREATE TABLE towns (id INTEGER PRIMARY KEY, name TEXT)",
                   "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, born TEXT, town TEXT)",
                   "INSERT INTO towns VALUES (1,'Ajman'),(2,'Dubai'),(3,'Hatta')",
                   "INSERT INTO people VALUES (1,'Ada','1990-01-02','Dubai'),(2,'Bo','1991-03-04','Hatta'),"
                   "(3,'Cy','not a date','Ajman'),(4,'Di','1980-05-06','Dubai'),(5,'Ed','1970-07-08','Dubai'),"
                   "(6,'Flo','1960-09-10','Hatta')")

    def write(self, database, *statements):
        connection = sqlite3.connect(database)
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def rows(self, query, database=None):
        # Read-only: looking must not create what is to be absent.
        connection = sqlite3.connect(f"file:{database or self.target}?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def mend_dates(self):
        self.write(self.legacy, "UPDATE people SET born='1999-12-31' WHERE id=3")

    def environment(self):
        environment = dict(os.environ)
        environment.pop("MIGRATE_PLUGIN_PATH", None)
        return environment

    def migrate(self, *words, stdin="", environment=None, user=None):
        done = subprocess.run([MIGRATE, *map(str, words)], input=stdin, capture_output=True, text=True,
                              cwd=self.folder, timeout=PATIENCE, env=environment or self.environment(), user=user)
        # A sanitizer's complaint or an uncaught exception is a failure whatever was expected.
        self.assertGreaterEqual(done.returncode, 0, f"died of signal {-done.returncode}\n{done.stdout}{done.stderr}")
        return Result(done.returncode, done.stdout, done.stderr)

    def expect(self, code, *words, **options):
        result = self.migrate(*words, **options)
        self.assertEqual(result.code, code, f"migrate {' '.join(map(str, words))}\n{result.out}{result.err}")
        return result

    def report(self):
        return json.loads((self.work / "final-migration-report.json").read_text())

    def status(self):
        return json.loads((self.work / "migration-status.json").read_text())

    def log(self):
        return [json.loads(line) for line in (self.work / "migration-log.jsonl").read_text().splitlines()]

    def start(self, *words, **options):
        return Running(self, words, **options)


class Running:
    """A program that goes on while the test does something else."""

    def __init__(self, test, words, environment=None, ignoring=None):
        self.test, self.text = test, ""
        ignore = (lambda: signal.signal(ignoring, signal.SIG_IGN)) if ignoring else None
        self.process = subprocess.Popen([MIGRATE, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, cwd=test.folder, preexec_fn=ignore,
                                        env=environment or test.environment())
        test.addCleanup(self.close)

    def read_until(self, words):
        """Waits for what the program says, not for time."""
        while words not in self.text:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not piece:
                self.test.fail(f"the program did not say {words!r}:\n{self.text}")
            self.text += piece.decode("utf-8", "replace")

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """Waits without closing its input, so that nothing but the stop can be what ends it."""
        while True:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            if not ready:
                self.test.fail(f"the program does not end:\n{self.text}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                break
            self.text += piece.decode("utf-8", "replace")
        return self.process.wait(PATIENCE)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def main():
    if not os.access(MIGRATE, os.X_OK):
        print(f"skipped: there is no program {MIGRATE or 'in MIGRATE_PROGRAM'}")
        sys.exit(77)
    unittest.main(verbosity=2)
