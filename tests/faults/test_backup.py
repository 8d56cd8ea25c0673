"""Backups of a real service under load, restored and started elsewhere: what was accepted before is there and ends."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import pytest
from support import plain_http
from support.invariants import check_database
from support.service import Service

WORKFLOWS = {
    "chain": """
id: chain
nodes:
  - {id: in, type: webhook, params: {path: chain, auth: none}}
  - {id: double, type: transform, params: {set: {n: "{{ input.n * 2 }}"}}}
  - {id: big, type: if, params: {condition: input.n > 50}}
  - {id: code, type: code, params: {source: "return {'n': input['n'] + 1}"}}
  - {id: nap, type: delay, params: {for: 50ms}}
edges:
  - {source: in, target: double}
  - {source: double, target: big}
  - {source: big, target: code}
  - {source: big, target: nap, source_handle: "false"}
  - {source: code, target: nap}
""",
    "sleeps": """
id: sleeps
nodes:
  - {id: in, type: webhook, params: {path: sleeps, auth: none}}
  - {id: long, type: delay, params: {for: 4s}}
  - {id: after, type: transform, params: {value: "{{ trigger.body.n }}"}}
edges: [{source: in, target: long}, {source: long, target: after}]
""",
    "ticks": """
id: ticks
nodes:
  - {id: tick, type: schedule, params: {every: 1s, overlap: allow}}
  - {id: note, type: transform, params: {value: "{{ trigger.scheduled_at }}"}}
edges: [{source: tick, target: note}]
""",
}
CLIENTS = 4
BACKUPS = 3


class Load:
    """Clients that post until they are told to stop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.accepted: list[str] = []
        self.stop = asyncio.Event()
        self._goal, self._there = 0, asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(CLIENTS):
                tasks.create_task(self._client("sleeps" if number == 0 else "chain"))

    async def _client(self, path: str) -> None:
        async with plain_http.async_client(self.url, timeout=30) as client:
            number = 0
            while not self.stop.is_set():
                number += 1
                reply = await client.post(f"/webhooks/default/{path}", json={"n": number % 100})
                assert reply.status_code == 202, reply.text
                self.accepted += reply.json()["execution_ids"]
                if len(self.accepted) >= self._goal:
                    self._there.set()

    async def grown(self, by: int) -> None:
        """Wait until so many more are accepted."""
        self._goal = len(self.accepted) + by
        self._there.clear()
        await self._there.wait()


@pytest.mark.slow
async def test_a_backup_under_load_holds_everything_that_was_accepted_before_it_and_carries_on(tmp_path: Path) -> None:
    taken: list[tuple[Path, set[str]]] = []
    with Service(tmp_path / "data", log_level="warning") as service:
        for name, text in WORKFLOWS.items():
            (tmp_path / f"{name}.yaml").write_text(text)
            service.flowrun("apply", str(tmp_path / f"{name}.yaml"))
        service.flowrun("secrets", "set", "TOKEN", "--value-file", "-", stdin="s3cret")
        load = Load(service.url)
        running = asyncio.create_task(load.run())
        for number in range(BACKUPS):
            await load.grown(100)
            before, file = set(load.accepted), tmp_path / f"backup-{number}.db"
            done = await asyncio.to_thread(service.flowrun, "backup", str(file), "-o", "json")
            assert json.loads(done.stdout)["executions"] >= len(before)
            taken.append((file, before))
        load.stop.set()
        await running
        service.kill()

    for file, before in taken:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert check_database(file) >= len(before)
    file, before = taken[-1]
    assert under_way(file), "nothing was under way, so nothing is proven"
    await asyncio.to_thread(restored_service_ends_all, tmp_path, file, before)


def restored_service_ends_all(tmp_path: Path, file: Path, before: set[str]) -> None:
    assert not list(tmp_path.glob(".*.part*"))
    other = Service(tmp_path / "other", log_level="warning")
    done = other.flowrun("restore", str(file), "--yes")
    assert "Its secrets need the encryption key" in done.stderr
    (other.data_dir / "encryption.key").write_bytes((tmp_path / "data" / "encryption.key").read_bytes())
    (other.data_dir / "encryption.key").chmod(0o600)
    database = other.data_dir / "flowrun.db"
    inherited = under_way(database)
    with other:
        until = time.monotonic() + 60
        while inherited & under_way(database):
            assert time.monotonic() < until, "what was under way doesn't end"
            time.sleep(0.1)
        assert other.flowrun("doctor", check=False).returncode == 0
        assert other.stop() == 0
    check_database(database)
    statuses = rows(database, "SELECT id, status FROM executions")
    assert {statuses.get(execution_id) for execution_id in before} == {"completed"}
    fires = rows(database, "SELECT scheduled_at, execution_id FROM schedule_fires WHERE execution_id IS NOT NULL")
    assert len(set(fires.values())) == len(fires)


def under_way(database: Path) -> set[str]:
    return set(rows(database, "SELECT id, id FROM executions WHERE finished_at IS NULL"))


def rows(database: Path, query: str) -> dict[str, str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return dict(connection.execute(query).fetchall())


@pytest.fixture
def stopped(tmp_path: Path) -> Service:
    service = Service(tmp_path / "data", log_level="warning")
    with service:
        assert service.stop() == 0
    return service


def test_a_backup_of_a_stopped_service_and_what_it_refuses(stopped: Service, tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    first = stopped.flowrun("backup", str(file))
    assert "0 executions" in first.stdout
    refused = stopped.flowrun("backup", str(file), check=False)
    assert (refused.returncode, "--force replaces it" in refused.stderr) == (1, True)
    stopped.flowrun("backup", str(file), "--force")
    for name in ("flowrun.db", "flowrun.db-wal"):
        own = stopped.flowrun("backup", str(stopped.data_dir / name), "--force", check=False)
        assert (own.returncode, "is the database itself" in own.stderr) == (1, True)
    for name in ("flowrun.lock", "encryption.key"):
        before = (stopped.data_dir / name).read_bytes()
        beside = stopped.flowrun("backup", str(stopped.data_dir / name), "--force", check=False)
        assert (beside.returncode, "is the service's own" in beside.stderr) == (1, True)
        assert (stopped.data_dir / name).read_bytes() == before
    (tmp_path / "letter").write_text("dear")
    other = stopped.flowrun("backup", str(tmp_path / "letter"), "--force", check=False)
    assert (other.returncode, "is no database" in other.stderr) == (1, True)
    nowhere = stopped.flowrun("backup", str(tmp_path / "no" / "b.db"), check=False)
    assert (nowhere.returncode, "No such file" in nowhere.stderr) == (1, True)
    missing = stopped.flowrun("backup", str(tmp_path / "c.db"), "--data-dir", str(tmp_path / "empty"), check=False)
    assert (missing.returncode, "There is no database" in missing.stderr) == (1, True)


def test_a_restore_keeps_the_database_before_and_asks(stopped: Service, tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    stopped.flowrun("backup", str(file))
    with stopped:
        stopped.flowrun("tenants", "create", "later")
        held = stopped.flowrun("restore", str(file), "--yes", check=False)
        assert held.returncode == 2
        assert "Another flowrun" in held.stderr
        stopped.kill()  # Its last commits are in the WAL alone.
    no = stopped.flowrun("restore", str(file), stdin="n\n", check=False)
    assert no.returncode == 1
    answer = json.loads(stopped.flowrun("restore", str(file), "--yes", "-o", "json").stdout)
    database = stopped.data_dir / "flowrun.db"
    tenants = "SELECT id, id FROM tenants"
    assert "later" not in rows(database, tenants)
    assert "later" in rows(Path(answer["kept"]), tenants)
    epoch = "SELECT 1, boot_epoch FROM instance"
    assert rows(database, epoch) == rows(Path(answer["kept"]), epoch)
    with stopped:
        assert stopped.flowrun("tenants", "list", "-o", "json").returncode == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"no database", "is no SQLite database"),
        ("CREATE TABLE notes (a)", "is no flowrun database"),
        ("newer", "was written by a newer flowrun"),
        ("torn", "is damaged"),
    ],
    ids=["missing", "text", "foreign", "newer", "torn"],
)
def test_what_is_no_backup_is_refused_and_nothing_is_touched(
    stopped: Service, tmp_path: Path, content: str | bytes | None, message: str
) -> None:
    file = tmp_path / "b.db"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content in {"newer", "torn"}:
        stopped.flowrun("backup", str(file))
        if content == "newer":
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("UPDATE alembic_version SET version_num = '9999'")
                connection.commit()
        else:
            whole = file.read_bytes()
            file.write_bytes(whole[: len(whole) // 2] + b"\xff" * 4096 + whole[len(whole) // 2 + 4096 : -4096])
    elif content is not None:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(content)
    before = (stopped.data_dir / "flowrun.db").read_bytes()
    refused = stopped.flowrun("restore", str(file), "--yes", check=False)
    assert (refused.returncode, message in refused.stderr) == (1, True), refused.stderr
    assert (stopped.data_dir / "flowrun.db").read_bytes() == before
    assert not list(stopped.data_dir.glob("*before-restore*"))


def test_a_damaged_database_is_replaced_and_kept_as_it_is(stopped: Service, tmp_path: Path) -> None:
    file, database = tmp_path / "b.db", stopped.data_dir / "flowrun.db"
    stopped.flowrun("backup", str(file))
    database.write_bytes(b"broken")
    database.with_name("flowrun.db-wal").write_bytes(b"old")
    doctor = stopped.flowrun("doctor", check=False)
    assert (doctor.returncode, "flowrun restore" in doctor.stdout) == (1, True)
    kept = Path(json.loads(stopped.flowrun("restore", str(file), "--yes", "-o", "json").stdout)["kept"])
    assert kept.read_bytes() == b"broken"
    with stopped:
        assert stopped.stop() == 0
