"""The 1:1 copy of one table of 16 columns, SQLite to PostgreSQL."""
import os
import shutil
import sqlite3

from measure import Contest, timed

COLUMNS = [("id", "bigint"), ("account_id", "bigint"), ("quantity", "bigint"), ("flags", "bigint"),
           ("parent_id", "bigint"), ("price", "double precision"), ("weight", "double precision"), ("code", "text"),
           ("name", "text"), ("email", "text"), ("city", "text"), ("country", "text"), ("state", "text"),
           ("created", "text"), ("changed", "text"), ("note", "text")]
SQLITE = {"bigint": "INTEGER", "double precision": "REAL", "text": "TEXT"}
CITIES = ["Dubai", "Abu Dhabi", "Sharjah", "Al Ain", "Zürich", "São Paulo", "دبي", "Oslo"]

MIGRATION = """\
migration: wide-table
working_dir: ./wide-table.work
source:
  connector: sqlite
  path: {source}
  tables:
    - {{table: wide, key: [id]}}
sink:
  connector: postgres
  dsn: "{dsn}"
  create: false
  tables:
    wide: {{key: [id]}}
run: {{verify: none}}
"""


def rows(count):
    """About 200 bytes each; the same ones every time."""
    state = 42
    for i in range(1, count + 1):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        r = state >> 24
        day = f"20{r % 25:02d}-{r % 12 + 1:02d}-{r % 28 + 1:02d}"
        yield (i, r % 100_000, r % 1000, r % 7, None if r % 10 == 0 else r % count + 1, r % 1_000_000 / 100,
               r % 9973 / 8, f"A-{r % 10_000_000:07d}", f"Customer number {r % 500_000}", f"user{i}@example.com",
               CITIES[r % 8], None if r % 20 == 0 else "AE", ("open", "closed", "on hold")[r % 3],
               day + "T08:30:00Z", day + "T17:45:10Z",
               None if r % 4 == 0 else "A short remark on this row, with a few words more than needed.")


def make_files(folder, count):
    """-> (the SQLite file, the same rows as ready-made COPY text)"""
    database, text = os.path.join(folder, f"wide-{count}.db"), os.path.join(folder, f"wide-{count}.txt")
    if os.path.exists(database) and os.path.exists(text):
        return database, text
    for path in (database, text):
        if os.path.exists(path):
            os.remove(path)
    connection = sqlite3.connect(database + ".new")
    columns = ", ".join(f"{name} {SQLITE[kind]}" + (" PRIMARY KEY" if name == "id" else "") for name, kind in COLUMNS)
    connection.execute(f"CREATE TABLE wide({columns})")
    with open(text, "w", encoding="utf-8") as out:
        def both():
            for row in rows(count):
                out.write("\t".join("\\N" if cell is None else str(cell) for cell in row) + "\n")
                yield row
        connection.executemany(f"INSERT INTO wide VALUES ({', '.join('?' * len(COLUMNS))})", both())
    connection.commit()
    connection.close()
    os.rename(database + ".new", database)
    return database, text


def run(bench, count, rounds):
    database, text = make_files(bench.folder, count)
    results = []
    for keyed in (False, True):
        def fresh():
            columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
            bench.server.run("bench", "DROP TABLE IF EXISTS wide CASCADE; DROP TABLE IF EXISTS _migrate_receipts; "
                             f"CREATE TABLE wide({columns}{', PRIMARY KEY (id)' if keyed else ''})")
            bench.server.run("bench", "CHECKPOINT")

        dsn = bench.server.dsn("bench")

        def check():
            bench.expect_rows("bench", "wide", count)

        def migrate():
            fresh()
            work = os.path.join(bench.folder, "wide.work")
            shutil.rmtree(work, ignore_errors=True)
            migration = os.path.join(bench.folder, "wide.yaml")
            with open(migration, "w", encoding="utf-8") as out:
                out.write(MIGRATION.format(source=database, dsn=dsn))
            sample = timed([bench.migrate, "run", migration, "--working-dir", work, "--progress", "none"],
                           log=os.path.join(bench.folder, "migrate.log"))
            check()
            return sample

        def psql():
            fresh()
            sample = timed(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-c",
                            f"\\copy wide FROM '{text}'"], log=os.path.join(bench.folder, "psql.log"))
            check()
            return sample

        def pgloader():
            fresh()
            load = os.path.join(bench.folder, "wide.load")
            with open(load, "w", encoding="utf-8") as out:
                out.write(f"LOAD DATABASE FROM sqlite://{database}\n"
                          f"INTO postgresql://migrate@unix:{bench.server.folder}:5432/bench\n"
                          "WITH data only, include no drop, create no tables, create no indexes, reset no sequences, "
                          "no foreign keys;\n")
            sample = timed(["pgloader", load], log=os.path.join(bench.folder, "pgloader.log"))
            check()
            return sample

        contest = Contest(f"{count:,} rows of 16 columns, SQLite to PostgreSQL, table "
                          + ("with primary key" if keyed else "without index"), rounds)
        contest.add("psql \\copy", count, psql)
        contest.add("migrate run", count, migrate)
        if shutil.which("pgloader"):
            contest.add("pgloader", count, pgloader)
        contest.run(bench.say)
        results.append(contest.table("psql \\copy"))
        if "pgloader" in contest.ways:
            ratio = contest.rate("migrate run") / contest.rate("pgloader")
            results.append(f"`migrate run` is {ratio:.1f} times as fast as pgloader.\n")
    return "\n".join(results)
