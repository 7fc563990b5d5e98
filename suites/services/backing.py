"""The servers that services lean on, real ones: PostgreSQL 15 and Redis 7, started for one test session.

They run as an ordinary user in a folder of their own and end with the thread that started them, even if its process
is killed; what a killed session left on disk, the next one removes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3  # type: ignore[import-untyped]
import httpx
import psutil
import psycopg
from botocore.config import Config  # type: ignore[import-untyped]
from psycopg import sql

from seatrial.errors import UsageError
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from psycopg.rows import TupleRow

_POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
_OWNER = "postgres"
_START = timedelta(seconds=20)
_ROLE = "catalog"
_PASSWORD = "not a secret: it guards a database that lives for one test session"  # noqa: S105
_SETTINGS = """
listen_addresses = ''
max_connections = 200
shared_buffers = 64MB
jit = off
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track = all
"""
# What does not outlive the session need not reach the disk.
_FLEETING = """
fsync = off
synchronous_commit = off
full_page_writes = off
"""


# Where each test session has its folder.
PLACE: Final = Path(tempfile.gettempdir()) / "seatrial-backing"


@contextlib.contextmanager
def _kept_still(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Keep *process* from doing anything during the block, while its connections stay open."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@dataclass(frozen=True)
class Scratch:
    """A folder for one test session, locked by the process that owns it for as long as that lives."""

    folder: Path

    @classmethod
    @contextlib.contextmanager
    def opened(cls, base: Path = PLACE) -> Iterator[Scratch]:
        """Remove what dead sessions left under *base*, then lend a new folder until the block ends."""
        base.mkdir(mode=0o711, parents=True, exist_ok=True)
        with contextlib.ExitStack() as held:
            # Until it is locked, a new folder looks like one that was left.
            with _locked(base):
                _sweep(base)
                folder = Path(tempfile.mkdtemp(dir=base))
                held.enter_context(_locked(folder))
            folder.chmod(0o711)
            try:
                yield cls(folder)
            finally:
                shutil.rmtree(folder)

    def room(self, name: str) -> Path:
        """Make a folder that the servers' user owns."""
        room = self.folder / name
        room.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(room, _OWNER, _OWNER)
        return room


def sweep(base: Path) -> tuple[Path, ...]:
    """Remove the folders under *base* whose owner is dead, end the servers still in them, and return the folders."""
    with _locked(base):
        return _sweep(base)


def _sweep(base: Path) -> tuple[Path, ...]:
    left = tuple(folder for folder in base.iterdir() if not _owner_lives(folder))
    for folder in left:
        for process in processes_in(folder):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        # Looked for rather than waited for: where nobody reaps orphans, a dead process stays in the table.
        eventually(partial(processes_in, folder), until=lambda left: not left, within=_START, what="they ended")
        shutil.rmtree(folder)
    return left


@contextlib.contextmanager
def _locked(folder: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold the lock of *folder*; raises BlockingIOError if *how* does not wait and somebody has it.

    A lock is known to every process of the machine. The number of its owner would not be: in another namespace of
    processes it has another one, or none.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def processes_in(folder: Path) -> tuple[psutil.Process, ...]:
    """Return the processes whose working directory is in *folder*, as that of every server here is."""
    found = []
    for process in psutil.process_iter():
        # Processes come and go, and those of others keep their directory to themselves.
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
    return tuple(found)


def _owner_lives(folder: Path) -> bool:
    try:
        with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:  # its owner has just removed it
        return True


def _as_owner(command: Sequence[str | Path], *, ends_with_us: signal.Signals) -> list[str]:
    words = ["setpriv", "--pdeathsig", ends_with_us.name.removeprefix("SIG")]
    if os.geteuid() == 0:
        user = pwd.getpwnam(_OWNER)
        words += ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    return [*words, *map(str, command)]


@dataclass
class PostgreSQL:
    """One PostgreSQL server, reached by a socket in its own folder."""

    room: Path
    process: subprocess.Popen[bytes] | None = None
    _made: int = 0

    @classmethod
    def created(cls, scratch: Scratch) -> PostgreSQL:
        """Make a new server; it is not started yet."""
        return cls._created(scratch.room("postgresql"), _SETTINGS + _FLEETING)

    @classmethod
    def durable(cls, scratch: Scratch) -> PostgreSQL:
        """Make a new server that has on disk what it has acknowledged, as where services run."""
        return cls._created(scratch.room("durable"), _SETTINGS)

    @classmethod
    def _created(cls, room: Path, settings: str) -> PostgreSQL:
        server = cls(room)
        data = server.room / "data"
        subprocess.run(
            _as_owner(
                [
                    *(_POSTGRESQL / "initdb", "--pgdata", data, "--username", "postgres", "--no-sync"),
                    *("--encoding", "UTF8", "--locale", "C.UTF-8", "--auth", "scram-sha-256", "--auth-local", "trust"),
                ],
                ends_with_us=signal.SIGKILL,
            ),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(f"{settings}unix_socket_directories = '{server.room}'\n")
        # The superuser comes in by trust, services by password, as they do in a cluster.
        (data / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n", encoding="utf-8")
        return server

    def start(self) -> None:
        """Start the server and return once it answers."""
        log = (self.room / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                _as_owner([_POSTGRESQL / "postgres", "-D", self.room / "data"], ends_with_us=signal.SIGINT),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._answers, until=bool, within=_START, what=f"PostgreSQL answers (log: {self.room / 'log'})")

    def stop(self) -> None:
        """Stop the server at once, breaking every connection; nothing happens if it is not running."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(_START.total_seconds())
            self.process = None

    def kill(self) -> None:
        """End the server and all it consists of without warning; nothing happens if it is not running."""
        if self.process is not None:
            for process in processes_in(self.room):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait(_START.total_seconds())
            self.process = None

    def prepare_role(self) -> None:
        """Create the role of the services."""
        with self.administration() as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(_ROLE), sql.Literal(_PASSWORD))
            )
            connection.execute("CREATE EXTENSION pg_stat_statements")

    @contextlib.contextmanager
    def administration(self, database: str = "postgres") -> Iterator[psycopg.Connection[TupleRow]]:
        """Lend a superuser's connection, each statement of which is its own transaction."""
        with psycopg.connect(host=str(self.room), user="postgres", dbname=database, autocommit=True) as connection:
            yield connection

    def new_database(self, service: str = "catalog") -> Database:
        """Create an empty database, named after *service*, that belongs to the services' role."""
        self._made += 1
        database = Database(host=str(self.room), name=f"{service}_{self._made}", username=_ROLE, password=_PASSWORD)
        with self.administration() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(*map(sql.Identifier, (database.name, database.username)))
            )
        return database

    def forget_statements(self) -> None:
        """Begin the count of statements anew."""
        with self.administration() as connection:
            connection.execute("SELECT pg_stat_statements_reset()")

    def statements(self, database: Database, pattern: str) -> int:
        """Return how many statements like *pattern* the server itself has finished in *database*."""
        with self.administration() as connection:
            row = connection.execute(
                "SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
                " WHERE d.datname = %s AND s.query ILIKE %s",
                (database.name, pattern),
            ).fetchone()
        assert row is not None
        return int(row[0])

    def waiting_for_a_lock(self, database: Database) -> int:
        """Return how many sessions of *database* wait for a lock now."""
        with self.administration() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'",
                (database.name,),
            ).fetchone()
        assert row is not None
        return int(row[0])

    def _answers(self) -> bool:
        try:
            with self.administration():
                return True
        except psycopg.OperationalError:
            if self.process is not None and self.process.poll() is not None:
                raise UsageError(f"PostgreSQL ended at once; see {self.room / 'log'}.") from None
            return False


@dataclass(frozen=True)
class Database:
    """One database, and how a service logs in to it."""

    host: str
    name: str
    username: str
    password: str = field(repr=False)


@dataclass
class RedisServer:
    """One Redis server on a free port of this machine's own address.

    If it *remembers*, what it has answered to is there again when it is started after a kill; else it has forgotten it.
    """

    room: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    remembers: bool = False

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server, on the port it had before if it was started before, and return once it answers."""
        self.port = self.port or _free_port()
        with (self.room / "log").open("ab") as log:
            self.process = subprocess.Popen(
                _as_owner(
                    [
                        *("redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.room),
                        *("--save", "", "--appendonly", "yes" if self.remembers else "no", "--maxclients", "200"),
                    ],
                    ends_with_us=signal.SIGKILL,
                ),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._answers, until=bool, within=_START, what=f"Redis answers (log: {self.room / 'log'})")

    def kill(self) -> None:
        """End the server without warning; nothing happens if it is not running."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def frozen(self) -> AbstractContextManager[None]:
        """Keep the server from answering during the block, while its connections stay open."""
        assert self.process is not None
        return _kept_still(self.process)

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise UsageError(f"Redis ended at once; see {self.room / 'log'}.")
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


@dataclass
class ObjectStore:
    """An emulator of S3 (moto's server), which keeps its objects in memory, on a free port of this machine."""

    room: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the port it had before if it was started before, and return once it answers."""
        self.port = self.port or _free_port()
        server = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(self.port)]
        with (self.room / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *server], stdout=log, stderr=log, start_new_session=True
            )
        eventually(self._answers, until=bool, within=_START, what=f"the emulator of S3 answers ({self.room / 'log'})")

    def kill(self) -> None:
        """End it without warning, and with it all it held; nothing happens if it is not running."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def frozen(self) -> AbstractContextManager[None]:
        """Keep it from answering during the block, while its connections stay open."""
        assert self.process is not None
        return _kept_still(self.process)

    def reset(self) -> None:
        """Forget all buckets and objects."""
        httpx.post(f"{self.url}/moto-api/reset", trust_env=False).raise_for_status()

    def keys(self, bucket: str) -> list[str]:
        """Return the keys of all objects in *bucket*."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def unfinished(self, bucket: str) -> int:
        """Return how many uploads in parts were begun in *bucket* and neither completed nor aborted."""
        return len(self.client().list_multipart_uploads(Bucket=bucket).get("Uploads", ()))

    def client(self) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return a client that talks to it."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator asks for any
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        )

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise UsageError(f"The emulator of S3 ended at once; see {self.room / 'log'}.")
        try:
            return httpx.get(f"{self.url}/moto-api/", trust_env=False).is_success
        except httpx.HTTPError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
