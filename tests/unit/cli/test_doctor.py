"""`flowrun doctor` on real data directories, each with one thing wrong, and `flowrun migrate`."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from flowrun.persistence.database import DataLock, writing_engine
from flowrun.persistence.encryption import load_keyring
from flowrun.persistence.migrate import HEAD, migrate
from tests.support.stand_in import StandIn

NOW = time.time_ns() // 1_000_000
DAY = 86_400_000
WORKFLOW = "INSERT INTO workflows VALUES ('acme', 'w', 'W', '', ?, '[]', 1, '[]', ?, ?, 0, 0)"
EXECUTION = (
    "INSERT INTO executions (id, tenant_id, workflow_id, version, status, trigger_type, created_at)"
    " VALUES ('e1', 'acme', 'w', 1, 'waiting', 'manual', ?)"
)
SCHEDULE = "INSERT INTO schedules VALUES ('s1', 'acme', 'w', 'n', 's', '{}', 'active', 0, ?, NULL, 0, 0)"
SECRET = "INSERT INTO secrets VALUES ('acme', 'TOKEN', x'00', ?, 0, 0)"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    engine = writing_engine(path / "flowrun.db")
    migrate(engine, path / "flowrun.db")
    engine.dispose()
    return path


@pytest.fixture
def doctor(run, service, data_dir):
    service.on("GET", "/readyz", (200, {"ready": True, "epoch": 7}))

    def ask(*options: str) -> tuple[int, dict[str, dict]]:
        result = run("doctor", "--data-dir", str(data_dir), "-o", "json", *options)
        return result.exit_code, {one["check"]: one for one in json.loads(result.output)}

    return ask


def change(data_dir: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(data_dir / "flowrun.db")) as connection, connection:
        connection.execute(statement, values)


def test_a_directory_in_order_has_no_findings(doctor):
    code, found = doctor()
    assert code == 0
    assert {name for name, one in found.items() if one["level"] != "ok"} <= {"port", "disk"}
    assert {"database", "tables", "WAL", "file", "retention", "encryption key", "clock", "schedules", "executions"} <= (
        found.keys()
    )


@pytest.mark.parametrize(
    ("answer", "level", "says"),
    [
        ((200, {"epoch": 7}), "ok", "is the service's"),
        ((200, {"epoch": 6}), "warning", "in use"),
        ((200, [7]), "warning", "in use"),
        ((404, {"error": "nothing here"}), "warning", "in use"),
    ],
)
def test_the_port_may_be_had_by_the_service_itself_or_by_something_else(doctor, environment, answer, level, says):
    with StandIn(lambda _call: (*answer, 0.0)) as other:
        environment.setenv("FLOWRUN_PORT", str(other.port))
        found = doctor()[1]["port"]
    assert (found["level"], found["detail"].startswith(f"127.0.0.1:{other.port}")) == (level, True)
    assert says in found["detail"]


def test_a_port_that_says_nothing_is_taken_and_a_closed_one_free(doctor, environment):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        environment.setenv("FLOWRUN_PORT", str(mute.getsockname()[1]))
        environment.setattr("flowrun.cli.doctor._PORT_SECONDS", 0.05)
        assert doctor()[1]["port"]["level"] == "warning"
    assert doctor()[1]["port"]["detail"].endswith("is free")


def test_what_is_in_the_wal_alone_is_used_too(doctor, data_dir):
    with closing(sqlite3.connect(data_dir / "flowrun.db")) as connection:
        connection.execute("CREATE TABLE big AS SELECT zeroblob(3 << 20) AS x")
        connection.commit()
        assert re.search(r", 3\.\d MiB used by the database", doctor()[1]["disk"]["detail"])


@pytest.mark.usefixtures("service")
def test_people_are_told_what_to_do(run, data_dir):
    change(data_dir, EXECUTION, NOW - 8 * DAY)
    printed = run("doctor", "--data-dir", str(data_dir)).output
    assert "! executions       for more than 7 days: 1 waiting (the oldest is e1)" in printed
    assert "→ `flowrun executions show ID`" in printed


def test_a_clock_that_is_behind_is_a_problem(doctor, data_dir):
    change(data_dir, EXECUTION, NOW + DAY)
    code, found = doctor()
    assert (code, found["clock"]["level"]) == (1, "problem")


def test_overdue_schedules_are_a_problem_while_the_service_runs(doctor, service, data_dir):
    change(data_dir, SCHEDULE, NOW - DAY)
    assert doctor()[1]["schedules"]["level"] == "problem"
    service.socket.unlink()
    assert doctor()[1]["schedules"]["level"] == "warning"


def test_secrets_without_their_key_are_a_problem_and_no_key_is_made(doctor, data_dir, environment):
    change(data_dir, SECRET, "0123456789ab")
    code, found = doctor()
    assert (code, found["encryption key"]["level"]) == (1, "problem")
    assert "0123456789ab" in found["encryption key"]["detail"]
    assert not (data_dir / "encryption.key").exists()
    environment.setenv("FLOWRUN_ENCRYPTION_KEY", "a passphrase of many letters")
    assert doctor()[1]["encryption key"]["level"] == "problem"
    key = load_keyring("a passphrase of many letters", data_dir, b"").current
    change(data_dir, "UPDATE secrets SET key_id = ?", key)
    assert doctor()[1]["encryption key"]["level"] == "ok"


@pytest.mark.parametrize(
    ("node", "settings", "message"),
    [
        ({"type": "http", "params": {"url": "https://x/{{ secrets.GONE }}"}}, {}, "there is no secret 'GONE'"),
        ({"type": "webhook", "params": {"auth": {"type": "bearer", "secrets": ["OTHER"]}}}, {}, "no secret 'OTHER'"),
        ({"type": "send", "params": {"channel": "line"}}, {}, "there is no active channel 'line'"),
        ({"type": "webhook", "params": {"auth": {"type": "channel", "channel": "in"}}}, {}, "active channel 'in'"),
        ({"type": "workflow", "params": {"workflow_id": "sub"}}, {}, "there is no published workflow 'sub'"),
        ({"type": "workflow", "params": {"workflowId": "sub"}}, {}, "there is no published workflow 'sub'"),
        ({"type": "agent", "params": {"tools": [{"type": "workflow", "workflow_id": "tool"}]}}, {}, "workflow 'tool'"),
        ({"type": "noop"}, {"on_error": "handler"}, "there is no published workflow 'handler'"),
    ],
)
def test_what_published_workflows_name_and_nobody_has_set_is_a_problem(doctor, data_dir, node, settings, message):
    change(data_dir, WORKFLOW, json.dumps([{"id": "n", **node}]), "published", json.dumps(settings))
    code, found = doctor()
    assert (code, found["workflows"]["level"]) == (1, "problem")
    assert found["workflows"]["detail"].startswith("w of acme: ")
    assert message in found["workflows"]["detail"]
    change(data_dir, "UPDATE workflows SET status = 'archived'")
    assert doctor()[1]["workflows"]["level"] == "ok"


def test_what_is_set_or_known_only_when_it_runs_is_no_problem(doctor, data_dir):
    key = load_keyring(None, data_dir, b"").current
    change(data_dir, SECRET, key)
    nodes = [
        {"id": "a", "type": "http", "params": {"url": "{{ secrets['TOKEN'] }}", "body": "see secrets.NONE"}},
        {"id": "b", "type": "send", "params": {"channel": "{{ input.channel }}"}},
        {"id": "c", "type": "send", "disabled": True, "params": {"channel": "gone"}},
        {"id": "d", "type": "workflow", "params": {"workflow_id": "w"}},
    ]
    change(data_dir, WORKFLOW, json.dumps(nodes), "published", "{}")
    code, found = doctor()
    assert (code, found["workflows"]["level"]) == (0, "ok"), found["workflows"]


def test_keeping_everything_for_ever_is_a_warning(doctor, environment):
    environment.setenv("FLOWRUN_KEEP_EXECUTIONS", "forever")
    code, found = doctor()
    assert (code, found["retention"]["level"]) == (0, "warning")
    environment.setenv("FLOWRUN_KEEP_BYTES", "20GiB")
    kept = "keeps executions forever, logs 30d, conversations forever, up to 20 GiB"
    assert doctor()[1]["retention"]["detail"] == kept


def test_a_damaged_database_is_a_problem_that_says_how_to_go_on(doctor, data_dir):
    path = data_dir / "flowrun.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    code, found = doctor()
    assert (code, found["database"]["level"]) == (1, "problem")
    assert "flowrun restore" in found["database"]["advice"]


def test_fix_closes_files_and_lets_the_database_shrink(doctor, data_dir):
    path = data_dir / "flowrun.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum=NONE")
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")
    data_dir.chmod(0o755)
    path.chmod(0o644)
    (data_dir / "encryption.key").write_text("x" * 20)
    (data_dir / "encryption.key").chmod(0o644)
    code, found = doctor()
    assert (found["permissions"]["level"], found["file"]["level"]) == ("warning", "warning")
    code, found = doctor("--fix")
    assert code == 0
    assert (found["permissions"]["level"], found["file"]["level"]) == ("ok", "ok")
    assert (path.stat().st_mode & 0o777, (data_dir / "encryption.key").stat().st_mode & 0o777) == (0o600, 0o600)


@pytest.mark.usefixtures("service")
def test_fix_refuses_while_a_service_holds_the_directory(run, data_dir):
    with DataLock(data_dir):
        result = run("doctor", "--data-dir", str(data_dir), "--fix")
    assert result.exit_code == 2
    assert "Another flowrun" in result.stderr


def test_migrate_makes_and_checks_the_tables(run, data_dir, tmp_path):
    result = run("migrate", "--data-dir", str(tmp_path / "new"), "-o", "json")
    assert json.loads(result.output)["created"] is True
    assert f"has the tables of this version ({HEAD})" in run("migrate", "--data-dir", str(data_dir)).output
    with DataLock(data_dir):
        assert run("migrate", "--data-dir", str(data_dir)).exit_code == 2
