"""Wrong requests and what is answered to each, as people read them: tests/trust/wrong/*.txt.

    == What is wrong
    $ vitprune run mine.yaml --seed 2      left out: `vitprune run mine.yaml`
    @ mine.yaml                            left out where it is the only file
    workload: digits
    > mine.yaml:1:1: prune: is missing

`\\x1b` stands for a byte, `{long}` for 10,000 letters, `{presets}` for the folder of those that
ship.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from vitprune_core.spec.presets import shipped

BOOKS = sorted((Path(__file__).parent / "wrong").glob("*.txt"))
BYTE = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass
class Case:
    book: Path
    title: str
    asked: list[str]
    """Its lines in the book: the command and the files."""
    answer: list[str]

    @property
    def words(self) -> list[str]:
        """Of the command line, after `vitprune`."""
        command = next(
            (line[2:] for line in self.asked if line[:2] == "$ "), "vitprune run mine.yaml"
        )
        words = shlex.split(_bytes(command).decode().replace("{long}", "x" * 10_000))
        return words[1:]

    @property
    def files(self) -> dict[str, bytes]:
        found: dict[str, list[str]] = {}
        name = "mine.yaml"
        for line in self.asked:
            if line[:2] == "@ ":
                name = line[2:]
                found[name] = []
            elif line[:2] != "$ ":
                found.setdefault(name, []).append(line)
        return {name: _bytes("".join(f"{line}\n" for line in told)) for name, told in found.items()}


def cases(book: Path) -> list[Case]:
    texts = re.split(r"^== ", book.read_text(), flags=re.MULTILINE)[1:]
    return [_case(book, *text.rstrip("\n").split("\n")) for text in texts]


def answered(told: str) -> list[str]:
    """The lines of an answer, the same wherever it was given."""
    return told.replace(str(shipped()), "{presets}").splitlines()


def accept(case: Case, answer: list[str]) -> None:
    """Write into the book that this is what is answered."""
    told = cases(case.book)
    for known in told:
        if known.asked == case.asked:
            known.answer = answer
    texts = (["== " + c.title, *c.asked, *(f"> {line}" for line in c.answer)] for c in told)
    case.book.write_text("\n\n".join("\n".join(lines) for lines in texts) + "\n")


def _case(book: Path, title: str, *lines: str) -> Case:
    asked = [line for line in lines if line[:2] != "> "]
    return Case(book, title, asked, [line[2:] for line in lines if line[:2] == "> "])


def _bytes(text: str) -> bytes:
    return BYTE.sub(lambda byte: bytes.fromhex(byte[1].decode()), text.encode())
