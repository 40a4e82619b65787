"""The certificates migration, SQLite to PostgreSQL: rates, memory, the journal's share, and resuming."""
import datetime
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import seeds_way
from measure import Contest, median, timed

TABLES = ["customers", "users", "technicians", "devices", "certificates", "vehicles"]
SEED_SAMPLE = 20_000


class Certificates:
    def __init__(self, bench, count):
        self.bench, self.count = bench, count
        self.legacy = os.path.join(bench.folder, f"legacy-{count}.db")
        if not os.path.exists(self.legacy):
            subprocess.run([bench.generator, "--certificates", str(count), "--out", self.legacy], check=True,
                           stdout=subprocess.DEVNULL)

    def command(self, database, work, *options):
        return [self.bench.migrate, "run", self.bench.driver, "--working-dir", work, "--progress", "none",
                "--set", f"source.path={self.legacy}", "--set", "sink.connector=postgres",
                "--set", f"sink.dsn={self.bench.server.dsn(database)}", "--verify", "none", *options]

    def migrate(self, *options):
        """One run into a new database `certificates`, which remains until the next."""
        server = self.bench.server
        server.run("postgres", "DROP DATABASE IF EXISTS certificates WITH (FORCE)")
        server.create("certificates")
        server.run("postgres", "CHECKPOINT")
        work = os.path.join(self.bench.folder, "certificates.work")
        shutil.rmtree(work, ignore_errors=True)
        return timed(self.command("certificates", work, *options), allowed=(0, 1),
                     log=os.path.join(self.bench.folder, "migrate.log"))


def dump(bench, folder):
    """The migrated rows as ready-made files, and the tables as they were created. -> (tables, keys, foreign keys)"""
    dsn = bench.server.dsn("certificates")
    for table in TABLES:
        subprocess.run(["psql", "-X", "-q", "-d", dsn, "-c", f"\\copy {table} TO '{folder}/{table}.txt'"], check=True)
    names = [option for table in TABLES for option in ("-t", table)]
    sections = {}
    for section in ("pre-data", "post-data"):
        text = subprocess.run(["pg_dump", "-d", dsn, f"--section={section}", *names], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        sections[section] = [part.strip() for part in re.split(r";\n", text) if "TABLE" in part or "INDEX" in part
                             or "SEQUENCE" in part]
    foreign = [part for part in sections["post-data"] if "FOREIGN KEY" in part]
    keys = [part for part in sections["post-data"] if "FOREIGN KEY" not in part]
    return sections["pre-data"], keys, foreign


def rates(bench, count, rounds):
    work = Certificates(bench, count)
    bench.say("a first migration, whose rows the others load")
    work.migrate()
    folder = os.path.join(bench.folder, "ready-made")
    os.makedirs(folder, exist_ok=True)
    tables, keys, foreign = dump(bench, folder)
    server = bench.server

    def recreate(statements):
        server.run("postgres", "DROP DATABASE IF EXISTS copied WITH (FORCE)")
        server.create("copied")
        for statement in statements:
            server.run("copied", statement)
        server.run("postgres", "CHECKPOINT")

    def copy(statements):
        recreate(statements)
        script = os.path.join(folder, "load.sql")
        with open(script, "w", encoding="utf-8") as out:
            out.writelines(f"\\copy {table} FROM '{folder}/{table}.txt'\n" for table in TABLES)
        return timed(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", server.dsn("copied"), "-f", script],
                     log=os.path.join(bench.folder, "psql.log"))

    sample = min(SEED_SAMPLE, count)

    def seeds():
        recreate(tables + keys + foreign)
        for table in ("customers", "users", "devices"):
            subprocess.run(["psql", "-X", "-q", "-d", server.dsn("copied"), "-c",
                            f"\\copy {table} FROM '{folder}/{table}.txt'"], check=True)
        for table in ("technicians", "certificates", "vehicles"):
            server.run("copied", f"CREATE SEQUENCE bench_{table}; ALTER TABLE {table} ALTER id DROP IDENTITY IF EXISTS, "
                                 f"ALTER id SET DEFAULT nextval('bench_{table}')")
        return timed([sys.executable, "-B", seeds_way.__file__, work.legacy, server.dsn("copied"), str(sample)],
                     log=os.path.join(bench.folder, "seed.log"))

    contest = Contest(f"{count:,} certificates, SQLite to PostgreSQL", rounds)
    contest.add("psql \\copy, same keys", count, lambda: copy(tables + keys))
    contest.add("psql \\copy, same and foreign keys", count, lambda: copy(tables + keys + foreign))
    contest.add("migrate run", count, work.migrate)
    contest.add(f"Python, 10 threads, row by row ({sample:,})", sample, seeds)
    contest.run(bench.say)
    ratio = contest.rate("migrate run") / contest.rate(f"Python, 10 threads, row by row ({sample:,})")
    return (contest.table("psql \\copy, same keys") + f"\nThe migrated tables have {len(keys)} keys and indexes and "
            f"{len(foreign)} foreign keys. `migrate run` is {ratio:.0f} times as fast as Python, row by row.\n")


def memory(bench, counts, rounds):
    lines = [f"### Peak memory of `migrate run` (medians of {rounds})", "",
             "| certificates | peak MiB | certificates/s | migration.db MiB |", "|---|---|---|---|"]
    for count in counts:
        work, samples = Certificates(bench, count), []
        for _ in range(rounds):
            samples.append(work.migrate())
            bench.say(f"memory, {count:,}: {samples[-1].mebibytes:.1f} MiB")
        store = os.path.join(bench.folder, "certificates.work", "migration.db")
        size = sum(os.path.getsize(store + s) for s in ("", "-wal") if os.path.exists(store + s)) / (1 << 20)
        middle = median(samples)
        lines.append(f"| {count:,} | {middle.mebibytes:.1f} | {count / middle.seconds:,.0f} | {size:.1f} |")
    return "\n".join(lines) + "\n"


def journal(bench, count, rounds):
    """With the store on disk and in memory. The receipts in the target are part of both."""
    work = Certificates(bench, count)
    contest = Contest(f"{count:,} certificates with the journal on disk and in memory", rounds)
    contest.add("store: memory", count, lambda: work.migrate("--set", "store.connector=memory"))
    contest.add("store: sqlite", count, work.migrate)
    contest.run(bench.say)
    share = 1 - contest.rate("store: sqlite") / contest.rate("store: memory")
    return contest.table("store: memory") + f"\nThe durable journal costs {share:.1%} of the run.\n"


def resume(bench, count, rounds):
    """Killed as late as something is still to be loaded; the server's log tells when the restarted program's statements arrive."""
    work = Certificates(bench, count)
    whole = work.migrate().seconds
    server = bench.server
    firsts = {"statement": [], "load": [], "commit": []}
    rests, at = [], 0.75
    while len(rests) < rounds:
        server.run("postgres", "DROP DATABASE IF EXISTS certificates WITH (FORCE)")
        server.create("certificates")
        folder = os.path.join(bench.folder, "certificates.work")
        shutil.rmtree(folder, ignore_errors=True)
        command = work.command("certificates", folder)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=whole * at)
            at -= 0.05
            bench.say(f"resume: the run had ended already; next kill at {at:.0%}")
            continue
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        server.run("postgres", "ALTER DATABASE certificates SET log_statement = 'all'")
        with open(server.log.name, encoding="utf-8", errors="replace") as log:
            log.seek(0, os.SEEK_END)
            mark = log.tell()
        started = time.time()
        rests.append(timed(command, allowed=(0, 1)).seconds)
        for what, moment in first_statements(server.log.name, mark).items():
            firsts[what].append(moment - started)
        bench.say(f"resume: {rests[-1]:.2f} s to the end, first load after {firsts['load'][-1]:.3f} s")
    middle = {what: sorted(values)[len(values) // 2] for what, values in firsts.items()}
    return (f"### Resuming {count:,} certificates, killed at {at:.0%} of {whole:.1f} s (medians of {rounds})\n\n"
            "| from the program's start to | s |\n|---|---|\n"
            f"| its first statement on the target | {middle['statement']:.3f} |\n"
            f"| its first row loaded (COPY or INSERT) | {middle['load']:.3f} |\n"
            f"| the first chunk committed | {middle['commit']:.3f} |\n"
            f"| the end of the migration | {sorted(rests)[len(rests) // 2]:.2f} |\n")


def first_statements(path, mark):
    """The moments of the first statement, the first load and the first commit after it."""
    found = {}
    with open(path, encoding="utf-8", errors="replace") as log:
        log.seek(mark)
        for line in log:
            part = re.match(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC .*LOG:  (?:statement|execute [^:]*): (.*)", line)
            if not part:
                continue
            moment = datetime.datetime.fromisoformat(part[1]).replace(tzinfo=datetime.timezone.utc).timestamp()
            found.setdefault("statement", moment)
            if re.match(r"\s*(COPY|INSERT)\b", part[2], re.IGNORECASE) and "TO STDOUT" not in part[2].upper():
                found.setdefault("load", moment)
            if "load" in found and re.match(r"\s*(COMMIT|END)\b", part[2], re.IGNORECASE):
                found.setdefault("commit", moment)
                return found
    raise SystemExit(f"the server's log shows no committed load: {found}")
