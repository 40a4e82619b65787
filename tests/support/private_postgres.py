#!/usr/bin/env python3
"""A PostgreSQL server of one's own, in a temporary folder, on a private socket, gone with the process that started it.

    with PrivatePostgres() as server:
        dsn = server.create("legacy", encoding="SQL_ASCII")

    private_postgres.py COMMAND ...    runs the command with DSN in its environment and stops the server afterwards

Needs no rights; when root starts it, the server runs as the user postgres. Unavailable is raised where there is none.
"""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time


class Unavailable(Exception):
    pass


def find_programs():
    """The folder of initdb and postgres, the newest version first."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda f: float(f.split("/")[-2]), reverse=True)
    for folder in folders + os.environ.get("PATH", "").split(":"):
        if all(os.access(os.path.join(folder, name), os.X_OK) for name in ("initdb", "postgres")):
            return folder
    raise Unavailable("PostgreSQL's server (initdb, postgres) is not installed")


class PrivatePostgres:
    """`settings`: lines of postgresql.conf beyond the server's defaults, {"fsync": "off"}. `folder`: where its files
    go (default: a new temporary folder)."""

    def __init__(self, settings=None, folder=None):
        self.settings, self.parent = settings or {}, folder
        self.process = None

    def __enter__(self):
        programs = find_programs()
        if not shutil.which("psql"):
            raise Unavailable("psql is not installed")
        as_user = []
        owner = None
        if os.geteuid() == 0:
            try:
                owner = pwd.getpwnam("postgres")
            except KeyError:
                raise Unavailable("root cannot run PostgreSQL, and there is no user postgres") from None
            as_user = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        self.folder = tempfile.mkdtemp(prefix="pg-", dir=self.parent)
        if owner:
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        data = os.path.join(self.folder, "data")
        # The server ends with us, whatever ends us.
        self.prefix = ["setpriv", *as_user]
        try:
            subprocess.run([*self.prefix, f"{programs}/initdb", "-D", data, "-U", "migrate", "--auth=trust",
                            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"], check=True, cwd=self.folder,
                           stdout=subprocess.DEVNULL)
            settings = {"listen_addresses": "", "unix_socket_directories": self.folder, **self.settings}
            options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
            self.log = open(os.path.join(self.folder, "log"), "w", encoding="utf-8")
            self.process = subprocess.Popen(
                [*self.prefix, "--pdeathsig", "INT", f"{programs}/postgres", "-D", data, *options],
                cwd=self.folder, stdout=self.log, stderr=self.log)
            self.wait_until_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def wait_until_ready(self):
        for _ in range(600):
            if self.process.poll() is not None:
                with open(self.log.name, encoding="utf-8") as log:
                    raise RuntimeError("PostgreSQL ended at once: " + log.read()[-2000:])
            if subprocess.run(["psql", "-X", "-q", "-d", self.dsn("postgres"), "-c", "SELECT 1"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("PostgreSQL does not answer")

    def __exit__(self, *_):
        if self.process:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database):
        return f"host={self.folder} user=migrate dbname={database}"

    def run(self, database, sql):
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(database), "-c", sql], check=True,
                       stdout=subprocess.DEVNULL, env=dict(os.environ, PGOPTIONS="-c client_min_messages=warning"))

    def create(self, database, encoding="UTF8"):
        """-> the dsn of a new, empty database."""
        locale = "C.UTF-8" if encoding == "UTF8" else "C"
        self.run("postgres", f"CREATE DATABASE {database} TEMPLATE template0 ENCODING '{encoding}' LOCALE '{locale}'")
        return self.dsn(database)

    def drop(self, database):
        self.run("postgres", f"DROP DATABASE {database} WITH (FORCE)")


def main():
    try:
        with PrivatePostgres() as server:
            environment = dict(os.environ, DSN=server.create("migrate"))
            return subprocess.run(sys.argv[1:], env=environment).returncode
    except Unavailable as why:
        print(f"SKIP: {why}")
        return 77


if __name__ == "__main__":
    sys.exit(main())
