"""How do several processes share one small table? SQLite in WAL mode, one short connection an operation.

Readers never wait for a writer; writers queue for up to `TIMEOUT` seconds. A connection is never kept, so a fork or a
thread cannot inherit one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

TIMEOUT = 10.0


def damaged(error: sqlite3.Error) -> bool:
    """Return whether `error` says that the file is no database, is corrupt, or has other tables than expected."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


@contextmanager
def transaction(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Yield a connection inside one write transaction, tables made; commits when the block ends well."""
    with _connection(path, schema) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        connection.commit()


@contextmanager
def snapshot(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Yield a connection for reading; what it sees does not change inside one statement."""
    with _connection(path, schema) as connection:
        yield connection


@contextmanager
def _connection(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=TIMEOUT, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        _prepare(connection, schema)
        yield connection


def _prepare(connection: sqlite3.Connection, schema: str) -> None:
    """Switch to WAL and make the tables; several processes may do so at once, and then all but one wait."""
    end = time.monotonic() + TIMEOUT
    while True:
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] != 1:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version = 1; COMMIT;")
            connection.execute("PRAGMA synchronous = NORMAL")
            return
        except sqlite3.OperationalError as error:
            if connection.in_transaction:
                connection.rollback()
            busy = (error.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > end:
                raise
            time.sleep(0.02)
