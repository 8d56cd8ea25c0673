"""The settings: which source wins, what is refused, and that secrets stay secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrun.config import LONGEST_SOCKET_PATH, Settings, default_data_dir, load_settings
from flowrun.errors import ConfigurationError


def refused(flags=None, environ=None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(flags, environ or {})
    return str(caught.value)


@pytest.fixture(autouse=True)
def _nobodys_own_files(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_the_defaults_follow_from_the_data_directory(data_dir):
    settings = load_settings({"data_dir": data_dir}, {})
    assert settings.database_path == data_dir / "flowrun.db"
    assert settings.socket == data_dir / "flowrun.sock"
    assert (settings.host, settings.port, settings.role) == ("127.0.0.1", 8080, "all")
    assert settings == Settings(data_dir=data_dir)


def test_the_data_directory_is_the_users_by_default(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / "flowrun"
    monkeypatch.setenv("XDG_DATA_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / ".local" / "share" / "flowrun"


def test_flags_win_over_the_environment_over_the_file_over_defaults(data_dir):
    data_dir.mkdir()
    (data_dir / "flowrun.toml").write_text('host = "10.0.0.1"\nport = 1\nlog_level = "debug"\n')
    environ = {"FLOWRUN_DATA_DIR": str(data_dir), "FLOWRUN_PORT": "2", "FLOWRUN_HOST": "10.0.0.2"}
    settings = load_settings({"host": "10.0.0.3", "port": None}, environ)
    assert (settings.host, settings.port, settings.log_level) == ("10.0.0.3", 2, "debug")
    assert settings.sources == {
        "data_dir": "FLOWRUN_DATA_DIR",
        "host": "flag",
        "port": "FLOWRUN_PORT",
        "log_level": str(data_dir / "flowrun.toml"),
    }


def test_the_config_file_can_be_named(tmp_path):
    file = tmp_path / "other.toml"
    file.write_text("port = 9000\n")
    assert load_settings({"config": file}, {}).port == 9000
    assert load_settings(None, {"FLOWRUN_CONFIG": str(file)}).port == 9000


def test_a_named_config_file_must_exist(tmp_path):
    assert "No such file" in refused({"config": tmp_path / "absent.toml"})


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('prot = 1\nlog_level = "loud"\n')
    environ = {"FLOWRUN_DATABSE_URL": "x", "FLOWRUN_PORT": "70000", "FLOWRUN_CONFIG": str(file)}
    said = refused({"host": "two words"}, environ)
    assert "FLOWRUN_DATABSE_URL: is not a setting of flowrun (did you mean 'FLOWRUN_DATABASE_URL'?)" in said
    assert "prot: is not a setting of flowrun (did you mean 'port'?)" in said
    assert "FLOWRUN_PORT: must be a whole number from 0 to 65,535" in said
    assert "log_level: must be one of debug, info, warning, error" in said
    assert "--host: must be an address or a host name" in said


def test_an_empty_variable_is_none():
    assert load_settings(None, {"FLOWRUN_PORT": "", "FLOWRUN_ENCRYPTION_KEY_FILE": ""}).port == 8080


def test_what_the_command_line_reads_is_no_mistake():
    assert load_settings(None, {"FLOWRUN_URL": "x", "FLOWRUN_KEY": "x", "FLOWRUN_TENANT": "acme"}).sources == {}


def test_a_secret_can_come_from_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("s3cret\n")
    assert load_settings(None, {"FLOWRUN_ENCRYPTION_KEY_FILE": str(file)}).encryption_key == "s3cret"


def test_a_secret_has_one_source(tmp_path):
    file = tmp_path / "key"
    file.write_text("s3cret\n")
    said = refused(None, {"FLOWRUN_ENCRYPTION_KEY_FILE": str(file), "FLOWRUN_ENCRYPTION_KEY": "x"})
    assert "are both set" in said


def test_only_secrets_can_come_from_a_file():
    assert "FLOWRUN_PORT_FILE: is not a setting" in refused(None, {"FLOWRUN_PORT_FILE": "/run/port"})


def test_secrets_are_never_shown():
    settings = Settings(encryption_key="s3cret", broker_url="redis://user:pa55@broker/0")
    assert "s3cret" not in repr(settings)
    assert "pa55" not in repr(settings)
    shown = settings.shown()
    assert shown["encryption_key"] == "********"
    assert shown["broker_url"] == "redis://user:********@broker/0"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("DATABASE_URL", "postgresql://db/flowrun", "comes with a later version"),
        ("DATABASE_URL", "mysql://db/flowrun", "must be sqlite:///"),
        ("DATABASE_URL", "sqlite:///", "must be sqlite:///"),
        ("BROKER_URL", "redis://broker", "comes with a later version"),
        ("BROKER_URL", "amqp://broker", "must be memory://"),
        ("ROLE", "api,worker", "comes with a later version"),
        ("ROLE", "everything", "must be 'all'"),
        ("HTTP_ALLOW", "10.0.0.0/8, not a host", "has 'not a host'"),
        ("PORT", "tcp://10.0.0.7:8080", "Kubernetes"),
        ("SHUTDOWN_GRACE", "soon", "duration"),
        ("SHUTDOWN_GRACE", "2h", "at most an hour"),
        ("WORKER_AGENT", "0", "from 1 to"),
        ("MAX_BODY_BYTES", "1.5", "whole number"),
        ("DATA_DIR", "  ", "not empty"),
    ],
)
def test_what_makes_no_sense_is_refused(variable, value, said):
    assert said in refused(None, {f"FLOWRUN_{variable}": value})


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [
        ("HTTP_ALLOW", "127.0.0.1, 10.0.0.0/8,db.internal", ("127.0.0.1", "10.0.0.0/8", "db.internal")),
        ("SHUTDOWN_GRACE", "2.5", 2.5),
        ("SHUTDOWN_GRACE", "1m30s", 90.0),
        ("HOST", "[::1]", "::1"),
        ("LOG_LEVEL", "DEBUG", "debug"),
        ("PORT", "0", 0),
    ],
)
def test_values_are_read_from_text(variable, value, read):
    assert getattr(load_settings(None, {f"FLOWRUN_{variable}": value}), variable.lower()) == read


def test_a_list_in_the_file_is_a_list(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('http_allow = ["127.0.0.1"]\nshutdown_grace = 3\n')
    settings = load_settings({"config": file}, {})
    assert (settings.http_allow, settings.shutdown_grace) == (("127.0.0.1",), 3.0)


def test_a_socket_path_that_is_too_long_is_refused(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    said = refused({"data_dir": tmp_path / ("d" * 120)})
    assert f"a socket's path may have {LONGEST_SOCKET_PATH}" in said
    assert "--socket" in said


def test_a_long_data_directory_gets_a_short_socket_under_the_runtime_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    one, other = (load_settings({"data_dir": tmp_path / (letter * 120)}, {}).socket for letter in "ab")
    assert one.parent == Path("/run/user/1000")
    assert one != other


def test_what_is_kept_is_given_as_ages_and_a_size(data_dir):
    settings = load_settings({"data_dir": data_dir}, {})
    assert (settings.keep_executions, settings.keep_logs, settings.keep_bytes) == (30 * 86_400, 30 * 86_400, None)
    assert settings.keep_conversations is None
    environ = {
        "FLOWRUN_KEEP_EXECUTIONS": "forever",
        "FLOWRUN_KEEP_LOGS": "90m",
        "FLOWRUN_KEEP_CONVERSATIONS": "365d",
        "FLOWRUN_KEEP_BYTES": "1.5 GiB",
    }
    settings = load_settings({"data_dir": data_dir}, environ)
    assert (settings.keep_executions, settings.keep_logs, settings.keep_bytes) == (None, 5_400, 3 << 29)
    assert settings.keep_conversations == 365 * 86_400
    data_dir.mkdir()
    (data_dir / "flowrun.toml").write_text('keep_executions = 86400\nkeep_bytes = "20GB"\n')
    settings = load_settings({"data_dir": data_dir}, {})
    assert (settings.keep_executions, settings.keep_bytes) == (86_400, 20_000_000_000)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("KEEP_EXECUTIONS", "0", "a minute at least"),
        ("KEEP_EXECUTIONS", "soon", "is not a duration"),
        ("KEEP_EXECUTIONS", "20y", "is not a duration"),
        ("KEEP_BYTES", "1MB", "16 MiB at least"),
        ("KEEP_BYTES", "much", "must be a size such as '20GiB', or 'unlimited'"),
    ],
)
def test_an_age_or_a_size_that_is_none_is_refused(data_dir, name, value, message):
    assert message in refused({"data_dir": data_dir}, {f"FLOWRUN_{name}": value})
