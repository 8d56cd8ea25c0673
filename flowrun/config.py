"""The settings of a flowrun process: flags, then `FLOWRUN_*` variables, then the config file, then defaults."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from flowrun.errors import ConfigurationError, Issue

PREFIX = "FLOWRUN_"
CONFIG_FILE = "flowrun.toml"
CLIENT_NAMES = frozenset({"config", "url", "key", "key_file", "tenant", "web_token"})
"""What else may stand in `FLOWRUN_*` variables: the command line reads it, the service doesn't."""
LONGEST_SOCKET_PATH = 103
"""Bytes: what fits into a socket address on every POSIX system (104 with the closing zero on BSD and macOS)."""
LOG_LEVELS = ("debug", "info", "warning", "error")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?i?b)?", re.IGNORECASE)
_UNITS = {"b": 1} | {
    name: base**power
    for power, letter in enumerate("kmgt", 1)
    for name, base in ((f"{letter}b", 1000), (f"{letter}ib", 1024))
}
_SHORTEST_AGE = 60
_SMALLEST_SIZE = 16 << 20
_SQLITE = "sqlite:///"
_LATER = "comes with a later version"


def _whole_number(low: int, high: int) -> Callable[[Any], int]:
    def read(value: object) -> int:
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high:,}, not {value!r}")
        return value

    return read


def _port(value: object) -> int:
    if isinstance(value, str) and "://" in value:
        # Kubernetes sets NAME_PORT=tcp://… in every pod beside a Service called NAME.
        raise ValueError(f"must be a port number, not {value!r}; is it a Kubernetes service link? Disable those")
    return _whole_number(0, 65_535)(value)


def _seconds(value: object) -> float:
    if isinstance(value, str):
        from flowrun.formats.duration import parse_duration  # noqa: PLC0415 - the package loads YAML

        value = float(value) if _NUMBER.fullmatch(value.strip()) else parse_duration(value)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 3600:
        raise ValueError(f"must be a duration of at most an hour, such as '10s', not {value!r}")
    return float(value)


def _age(value: object) -> float | None:
    if isinstance(value, str) and value.strip().lower() == "forever":
        return None
    from flowrun.formats.duration import parse_duration  # noqa: PLC0415 - the package loads YAML

    seconds = float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else parse_duration(value)
    if seconds < _SHORTEST_AGE:
        raise ValueError(f"must be a minute at least, such as '30d', or 'forever', not {value!r}")
    return seconds


def _size(value: object) -> int | None:
    if isinstance(value, str):
        if value.strip().lower() == "unlimited":
            return None
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"must be a size such as '20GiB', or 'unlimited', not {value!r}")
        value = int(float(match[1]) * _UNITS[(match[2] or "b").lower()])
    if not isinstance(value, int) or isinstance(value, bool) or value < _SMALLEST_SIZE:
        raise ValueError(f"must be {_SMALLEST_SIZE >> 20} MiB at least, not {value!r}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text, and not empty")
    return value.strip()


def _path(value: object) -> Path:
    if isinstance(value, Path):
        return value.expanduser().absolute()
    return Path(_text(value)).expanduser().absolute()


def _host(value: object) -> str:
    host = _text(value).strip("[]")
    if not (_is_network(host) and "/" not in host) and not _HOST.fullmatch(host):
        raise ValueError(f"must be an address or a host name, not {value!r}")
    return host


def _hosts(value: object) -> tuple[str, ...]:
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, str) for entry in entries):
        raise ValueError("must be a list of addresses, networks or host names")
    found = tuple(entry.strip() for entry in entries if entry.strip())
    for entry in found:
        if not (_is_network(entry) or _HOST.fullmatch(entry)):
            raise ValueError(f"has {entry!r}, which is no address, no network (10.0.0.0/8) and no host name")
    return found


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _database_url(value: object) -> str:
    url = _text(value)
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme in {"postgresql", "postgres"}:
        raise ValueError(f"names PostgreSQL, which {_LATER}; leave it out for SQLite in the data directory")
    file = url.removeprefix(_SQLITE)
    if file == url or not file or "?" in file:
        raise ValueError(f"must be {_SQLITE}<path of the file>")
    return f"{_SQLITE}{Path(file).expanduser().absolute()}"


def _broker_url(value: object) -> str:
    url = _text(value)
    if url.partition(":")[0] in {"redis", "rediss"}:
        raise ValueError(f"names Redis, which {_LATER}; leave it out for the in-process queue")
    if url != "memory://":
        raise ValueError("must be memory://, the in-process queue")
    return url


def _public_url(value: object) -> str:
    url = _text(value).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"must be an address such as https://flows.example.com, not {value!r}")
    return url


def _role(value: object) -> str:
    given = {part.strip() for part in _text(value).split(",")}
    if given <= {"api", "coordinator", "worker"}:
        raise ValueError(f"must be 'all': running the roles as separate processes {_LATER}")
    if given != {"all"}:
        raise ValueError(f"must be 'all', not {value!r}")
    return "all"


def _log_level(value: object) -> str:
    level = _text(value).lower()
    if level not in LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}, not {value!r}")
    return level


def default_data_dir() -> Path:
    """Where a user's data goes: `$XDG_DATA_HOME/flowrun`, else `~/.local/share/flowrun`."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share") / "flowrun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be configured. What is left empty follows from the data directory."""

    data_dir: Path = field(default_factory=default_data_dir)
    """Where the database, the socket and the lock file are."""
    database_url: str = field(default="", repr=False)
    """Default: `sqlite:///<data_dir>/flowrun.db`."""
    broker_url: str = field(default="memory://", repr=False)
    encryption_key: str | None = field(default=None, repr=False)
    """What stored secrets are encrypted with."""
    http_allow: tuple[str, ...] = ()
    """Private addresses, networks and hosts that outbound calls may reach; none by default."""
    host: str = "127.0.0.1"
    port: int = 8080
    """0 takes any free port."""
    public_url: str = ""
    """How the world reaches the service, for links in messages. Default: `http://<host>:<port>`."""
    socket: Path = field(default_factory=Path)
    """Default: `<data_dir>/flowrun.sock`, or a shorter path where that is too long for a socket."""
    role: str = "all"
    log_level: str = "info"
    worker_webhook: int = 64
    """How many nodes each worker runs at once."""
    worker_agent: int = 16
    worker_response: int = 64
    worker_scheduler: int = 32
    cache_executions: int = 2_000
    """How many running executions are kept in memory; the others are read again when they go on."""
    keep_executions: float | None = 30 * 86_400.0
    """Seconds that an execution is kept after its end; None (`forever` in a file) deletes none for its age."""
    keep_logs: float | None = 30 * 86_400.0
    """The same for what webhooks, events and schedules have done: the rows of the delivery logs."""
    keep_conversations: float | None = None
    """The same for what agents remember of a conversation, from its last turn."""
    keep_bytes: int | None = None
    """The size of the database file from which the oldest ended executions are deleted; None is no limit."""
    max_body_bytes: int = 1 << 20
    """The largest request body."""
    webhook_rate: int = 5_000
    """Requests per second that the webhooks of one tenant take together, twice as many in a burst."""
    shutdown_grace: float = 10.0
    """Seconds that running requests and nodes get to end after SIGTERM."""
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Where each value came from: `flag`, the name of a variable, the path of a file; absent for defaults."""

    def __post_init__(self) -> None:
        if not self.database_url:
            object.__setattr__(self, "database_url", f"{_SQLITE}{self.data_dir.absolute()}/flowrun.db")
        if self.socket == Path():
            object.__setattr__(self, "socket", _default_socket(self.data_dir.absolute()))

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return Path(self.database_url.removeprefix(_SQLITE))

    def shown(self) -> dict[str, object]:
        """Every setting as plain JSON, what is secret masked."""
        found: dict[str, object] = {}
        for name in _READERS:
            value: Any = getattr(self, name)
            if name in _SECRET and value:
                value = _masked(value)
            found[name] = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
        return found


_READERS: dict[str, Callable[[Any], Any]] = {
    "data_dir": _path,
    "database_url": _database_url,
    "broker_url": _broker_url,
    "encryption_key": _text,
    "http_allow": _hosts,
    "host": _host,
    "port": _port,
    "public_url": _public_url,
    "socket": _path,
    "role": _role,
    "log_level": _log_level,
    "worker_webhook": _whole_number(1, 10_000),
    "worker_agent": _whole_number(1, 10_000),
    "worker_response": _whole_number(1, 10_000),
    "worker_scheduler": _whole_number(1, 10_000),
    "cache_executions": _whole_number(1, 10_000_000),
    "keep_executions": _age,
    "keep_logs": _age,
    "keep_conversations": _age,
    "keep_bytes": _size,
    "max_body_bytes": _whole_number(1024, 1 << 30),
    "webhook_rate": _whole_number(1, 1_000_000),
    "shutdown_grace": _seconds,
}
_SECRET = ("database_url", "broker_url", "encryption_key")
_SECRET_FILES = frozenset(f"{name}_file" for name in _SECRET)


def load_settings(flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; a flag that is None was not given.

    Raises `ConfigurationError` that lists everything that is wrong, also unknown variables and keys.
    """
    variables = os.environ if environ is None else environ
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    problems: list[Issue] = []
    values: dict[str, tuple[str, object]] = {}
    from_environment = _environment(variables, problems)
    path = _config_file(given, variables)
    if path is not None:
        values.update(_file(path, problems))
    values.update(from_environment)
    values.update({name: ("flag", value) for name, value in given.items() if name != "config"})
    found = _read(values, problems)
    if problems:
        raise ConfigurationError("\n".join(["The configuration is not valid:", *(f"  {issue}" for issue in problems)]))
    settings = Settings(**found, sources={name: source for name, (source, _) in values.items()})
    _check_socket(settings)
    return settings


def _read(values: Mapping[str, tuple[str, object]], problems: list[Issue]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (source, value) in values.items():
        try:
            found[name] = _READERS[name](value)
        except ValueError as error:
            problems.append(Issue(_place(name, source), str(error)))
    return found


def _place(name: str, source: str) -> str:
    if source == "flag":
        return f"--{name.replace('_', '-')}"
    return source if source.startswith(PREFIX) else f"{source}: {name}"


def _environment(variables: Mapping[str, str], problems: list[Issue]) -> dict[str, tuple[str, object]]:
    found: dict[str, tuple[str, object]] = {}
    for variable, value in sorted(variables.items()):
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name in CLIENT_NAMES:
            continue
        if not value and (name in _READERS or name in _SECRET_FILES):
            continue  # compose files pass on what isn't set as an empty text
        if name in _READERS:
            found[name] = (variable, value)
        elif name not in _SECRET_FILES:
            known = [PREFIX + known.upper() for known in (*_READERS, *sorted(_SECRET_FILES | CLIENT_NAMES))]
            problems.append(Issue(variable, "is not a setting of flowrun", _closest(variable, known)))
        elif (plain := variable.removesuffix("_FILE")) in variables:
            problems.append(Issue(variable, f"and {plain} are both set: keep one of them"))
        else:
            content = _content(variable, Path(value), problems)
            found[name.removesuffix("_file")] = (variable, content)
    return {name: pair for name, pair in found.items() if pair[1] is not None}


def _content(variable: str, path: Path, problems: list[Issue]) -> str | None:
    try:
        return path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Issue(variable, f"names a file that cannot be read: {_reason(error)}"))
        return None


def _config_file(given: Mapping[str, object], variables: Mapping[str, str]) -> Path | None:
    named = given.get("config") or variables.get(PREFIX + "CONFIG")
    if named:
        return Path(str(named)).expanduser()
    data_dir = given.get("data_dir") or variables.get(PREFIX + "DATA_DIR") or default_data_dir()
    beside = Path(str(data_dir)).expanduser() / CONFIG_FILE
    return beside if beside.is_file() else None


def _file(path: Path, problems: list[Issue]) -> dict[str, tuple[str, object]]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(Issue(str(path), f"cannot be read: {_reason(error)}"))
        return {}
    problems.extend(
        Issue(f"{path}: {key}", "is not a setting of flowrun", _closest(key, list(_READERS)))
        for key in sorted(document.keys() - _READERS.keys())
    )
    return {key: (str(path), value) for key, value in document.items() if key in _READERS}


def _closest(name: str, known: list[str]) -> str | None:
    return next(iter(get_close_matches(name, known, n=1, cutoff=0.75)), None)


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _default_socket(data_dir: Path) -> Path:
    socket = data_dir / "flowrun.sock"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH or not Path(runtime).is_absolute():
        return socket
    from hashlib import sha256  # noqa: PLC0415 - rarely needed

    return Path(runtime) / f"flowrun-{sha256(os.fsencode(data_dir)).hexdigest()[:16]}.sock"


def _check_socket(settings: Settings) -> None:
    size = len(os.fsencode(settings.socket))
    if size > LONGEST_SOCKET_PATH:
        raise ConfigurationError(
            f"The path of the socket has {size} bytes, and a socket's path may have {LONGEST_SOCKET_PATH}: "
            f"{settings.socket}. Choose a shorter one with --socket or FLOWRUN_SOCKET."
        )


def _masked(value: str) -> str:
    """A URL without its password; any other secret as stars."""
    if "://" not in value:
        return "********"
    parts = urlsplit(value)
    if parts.password is None:
        return value
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:********@{parts.netloc.rpartition('@')[2]}"))
