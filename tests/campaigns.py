"""The attacks that tests carry out, and the table of them in the README, which the tests write.

A test that is part of one is marked with its row and how often it attacks, in `make test` and in
`make torture`; a fixture tells it the number:

    @pytest.mark.campaign("kills", 25, 500)
    def test_killed_at_random_times_a_run_ends_at_the_same_bytes(times): ...

Where the number is found and not chosen, the test calls `counted(number)`. Tests of one row add up.
With `--write-counts` a session in which nothing failed writes what it counted into its column.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- campaigns -->\n", "<!-- /campaigns -->"
COLUMNS = ("make test", "make torture")
ROWS = {
    "kills": (
        "`kill -9` at a random time, then resume",
        "events, weights, masks and images' results of a run left alone; no step done again but "
        "the one it was in",
    ),
    "points": (
        "`kill -9` at a named point (before, in and after the steps of a commit, a pruning, a "
        "repair, a resume, an adoption) or before a call to the disk",
        "what has a name is whole; the same bytes",
    ),
    "calls": (
        "a call to the disk fails, writes half or kills: every call of a run, in seven ways",
        "the old state or the new, never a third",
    ),
    "omissions": (
        "a piece of the state left out of a checkpoint",
        "the result differs: it is seen",
    ),
    "checkpoints": ("a damaged checkpoint", "rejected, kept aside, the one before is used"),
    "files": (
        "a damaged file of a run, a study or a shared dense model",
        "told with its name, or made again; never a traceback",
    ),
    "logs": ("a damaged log", "read to its end; what is whole is counted as such"),
    "presets": (
        "a wrong preset, workload, study or word of a command",
        "exit 2 and the exact message: file, line, column, choices",
    ),
    "yaml": ("a fuzzed YAML file", "an answer in a moment, never a traceback"),
    "texts": (
        "a hostile text, on screen, command line, Markdown, CSV and JSON",
        "shown as text; nothing reaches the terminal but what is drawn",
    ),
    "starters": ("16 simultaneous starters of a run", "one works, 15 exit 75 naming it"),
    "signals": ("SIGTERM at a random time, then resume", "a checkpoint; the same bytes"),
    "terminals": ("a terminal closed under `run`, `watch` or the bench", "the worker goes on"),
    "disks": ("a disk that is full but for some bytes", "paused, then the same bytes"),
    "memory": (
        "memory that is refused: to torch, a thread, a step, a checkpoint, at a random time",
        "told with its peak; resumed to the same bytes",
    ),
    "numbers": ("a loss or weight that is not a number", "`failed`, the last finite weights kept"),
    "permissions": (
        "a file or folder made under one of three umasks",
        "never writable by all; control files and locks for the owner alone",
    ),
    "formats": ("a run folder of an earlier version", "listed, shown, exported, resumed"),
    "rules": (
        "a source file, read for what must not be in it",
        "no pickle, shell, markup from data",
    ),
    "packages": ("a package of the lock file", "one version, known by the hashes of its files"),
}
"""What is done, and what has to come of it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--torture", action="store_true", help="attack as often as `make torture`")
    parser.addoption("--write-counts", action="store_true", help="write the README's table")


@pytest.fixture
def times(request: pytest.FixtureRequest, record_property) -> int:
    """How often this test attacks."""
    row, short, long = request.node.get_closest_marker("campaign").args
    number = long if request.config.getoption("torture") else short
    record_property("campaign", (row, number))
    return number


@pytest.fixture
def counted(request: pytest.FixtureRequest, record_property):
    """Tell how often this test attacked."""
    (row,) = request.node.get_closest_marker("campaign").args
    return lambda number: record_property("campaign", (row, number))


class Counts:
    """What a session counted, its workers' included."""

    def __init__(self, column: str):
        self.column, self.found = column, Counter[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            for name, value in report.user_properties:
                if name == "campaign":
                    self.found[value[0]] += value[1]

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK:
            README.write_text(with_counts(README.read_text(), self.column, self.found))


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("write_counts") and not hasattr(config, "workerinput"):
        column = COLUMNS[config.getoption("torture")]
        config.pluginmanager.register(Counts(column), "campaigns")


def with_counts(text: str, column: str, found: Counter[str]) -> str:
    """The README with one column of its table as it was counted.

    The other stays, and so does what could not be attacked here: a full disk takes root.
    """
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    known = counts_of(table)
    known[column] |= {row: f"{number:,}" for row, number in found.items()}
    head = f"| what is done | {' | '.join(f'`{name}`' for name in COLUMNS)} | what comes of it |\n"
    lines = [head, "| --- | ---: | ---: | --- |\n"]
    for row, (attack, outcome) in ROWS.items():
        cells = " | ".join(known[name].get(row, "–") for name in COLUMNS)
        lines.append(f"| {attack} | {cells} | {outcome} |\n")
    return f"{before}{BEGIN}{''.join(lines)}{END}{after}"


def counts_of(table: str) -> dict[str, dict[str, str]]:
    """The numbers that a table holds, by column and row."""
    rows = {attack: row for row, (attack, _) in ROWS.items()}
    found: dict[str, dict[str, str]] = {name: {} for name in COLUMNS}
    for line in re.findall(r"^\| (.+) \|$", table, re.MULTILINE):
        attack, *numbers, _ = line.split(" | ")
        if attack in rows:
            for name, number in zip(COLUMNS, numbers, strict=True):
                found[name][rows[attack]] = number
    return found
