"""Reading databases that a migration wrote: an SQLite file, or PostgreSQL by libpq's dsn through psql."""
import os
import re
import sqlite3
import subprocess


def open_target(name, schema="public"):
    """`name`: a file, or a dsn (`host=… dbname=…` or `postgresql://…`)."""
    if "://" in name or ("=" in name and not os.path.exists(name)):
        return PostgresTarget(name, schema)
    return SqliteTarget(name)


class SqliteTarget:
    def __init__(self, path):
        if not os.path.exists(path):
            raise SystemExit(f"{path}: there is no such database")
        self.database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def tables(self):
        return sorted(name for name, in self.database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"))

    def columns(self, table):
        return [row[1] for row in self.database.execute(f'PRAGMA table_info("{table}")')]

    def rows(self, table, columns, order):
        names = ", ".join(f'"{c}"' for c in columns)
        return self.database.execute(f'SELECT {names} FROM "{table}" ORDER BY ' + ", ".join(f'"{c}"' for c in order))

    def unique_columns(self, table):
        """The sets of columns that the database itself keeps unique."""
        found = set()
        for index in self.database.execute(f'PRAGMA index_list("{table}")'):
            if index[2]:
                found.add(tuple(row[2] for row in self.database.execute(f'PRAGMA index_info("{index[1]}")')))
        for row in self.database.execute(f'PRAGMA table_info("{table}")'):
            if row[5] == 1 and row[2].upper() == "INTEGER":
                found.add((row[1],))
        return found

    def types(self, table):
        return {}


ESCAPE = re.compile(r"\\(.)", re.DOTALL)
ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class PostgresTarget:
    def __init__(self, dsn, schema):
        self.dsn, self.schema = dsn, schema

    def query(self, sql):
        """Rows of texts (None for NULL), streamed through COPY."""
        environment = dict(os.environ, PGCLIENTENCODING="UTF8", PGTZ="UTC", PGDATESTYLE="ISO")
        process = subprocess.Popen(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.dsn, "-c", f"COPY ({sql}) TO STDOUT"],
            stdout=subprocess.PIPE, env=environment)
        for line in process.stdout:
            cells = line.decode("utf-8", "surrogateescape").rstrip("\n").split("\t")
            yield tuple(None if c == "\\N" else ESCAPE.sub(lambda m: ESCAPED.get(m[1], m[1]), c) if "\\" in c else c
                        for c in cells)
        if process.wait() != 0:
            raise SystemExit(f"psql cannot read the target: {sql}")

    def tables(self):
        return sorted(row[0] for row in self.query(
            f"SELECT tablename::text FROM pg_tables WHERE schemaname = '{self.schema}'"))

    def types(self, table):
        return dict(self.query("SELECT column_name::text, data_type::text FROM information_schema.columns "
                               f"WHERE table_schema = '{self.schema}' AND table_name = '{table}'"))

    def columns(self, table):
        return list(self.types(table))

    def rows(self, table, columns, order):
        types = self.types(table)
        missing = [c for c in columns if c not in types]
        if missing:
            raise SystemExit(f"table {table} lacks {', '.join(missing)}")
        names = ", ".join(f'"{c}"' for c in columns)
        sort = ", ".join(f'"{c}"' + (' COLLATE "C"' if types[c] == "text" else "") for c in order)
        readers = [READERS.get(types[c], str) for c in columns]
        for row in self.query(f'SELECT {names} FROM "{self.schema}"."{table}" ORDER BY {sort}'):
            yield tuple(None if cell is None else reader(cell) for cell, reader in zip(row, readers))

    def unique_columns(self, table):
        return {tuple(row[0].split(",")) for row in self.query(
            "SELECT (SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = "
            "i.indrelid AND a.attnum = ANY(i.indkey)) FROM pg_index i WHERE i.indisunique AND i.indpred IS NULL AND "
            f"i.indrelid = '\"{self.schema}\".\"{table}\"'::regclass")}


def timestamp(cell):
    """2020-01-01 20:00:00+00 -> 2020-01-01T20:00:00Z"""
    return cell.replace(" ", "T", 1).removesuffix("+00") + "Z"


READERS = {"integer": int, "bigint": int, "smallint": int, "boolean": lambda cell: 1 if cell == "t" else 0,
           "timestamp with time zone": timestamp}
