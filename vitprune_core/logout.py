"""Whether this host ends what a user leaves running at logout, and what to do about it.

systemd does so where `KillUserProcesses` is on: it ends every process of the login session, also
those that have made a session of their own.
"""

import getpass
import os
from collections.abc import Iterator
from configparser import ConfigParser, Error
from contextlib import suppress
from pathlib import Path

ADVICE = (
    "this host ends a user's processes at logout (KillUserProcesses=yes); runs outlive it with\n"
    "  loginctl enable-linger && systemd-run --user --scope vitprune …"
)
TRUE = ("yes", "true", "on", "1")
FOLDERS = ("usr/lib/systemd", "run/systemd", "etc/systemd")
"""Where logind's settings are, what counts more later."""


def advice(root: Path = Path("/")) -> str | None:
    """What to do so that a run outlives the logout; None where it does so anyway."""
    settings = _settings(root)
    if settings.get("killuserprocesses", "no").lower() not in TRUE or not _in_login_session(root):
        return None
    user = _user()
    only = settings.get("killonlyusers", "").split()
    spared = settings.get("killexcludeusers", "root").split()
    return ADVICE if (user in only if only else user not in spared) else None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in containers
        return str(os.getuid())


def _settings(root: Path) -> dict[str, str]:
    """Keys of logind.conf and its drop-ins, as systemd reads them."""
    found: dict[str, str] = {}
    for path in _files(root):
        parser = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
        with suppress(OSError, UnicodeDecodeError, Error):
            parser.read_string(path.read_text())
            found |= dict(parser["Login"]) if "Login" in parser else {}
    return found


def _files(root: Path) -> Iterator[Path]:
    """The main file that counts most, then every drop-in by name."""
    mains = [path for folder in FOLDERS if (path := root / folder / "logind.conf").is_file()]
    yield from mains[-1:]
    drops = {p.name: p for f in FOLDERS for p in (root / f / "logind.conf.d").glob("*.conf")}
    yield from (drops[name] for name in sorted(drops))


def _in_login_session(root: Path) -> bool:
    """Not in a scope or service of the user's own manager, which outlives the logout."""
    with suppress(OSError):
        groups = (root / "proc/self/cgroup").read_text()
        return any(part.startswith("session-") for part in groups.replace("\n", "/").split("/"))
    return bool(os.environ.get("XDG_SESSION_ID"))
