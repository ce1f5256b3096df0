"""A changed preset as one of the user's own: a file with what differs, as if written by hand."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from vitprune_core.spec.presets import NAME, find, own
from vitprune_core.spec.request import load
from vitprune_core.spec.source import Node, merge, nest, parse, plain, read
from vitprune_core.store.clean import clean
from vitprune_core.store.rundir import write
from vitprune_tui.facts.request import WORKLOAD, Request
from vitprune_tui.facts.written import written
from vitprune_tui.wrong import Wrong


def place(name: str) -> tuple[Path, bool]:
    """The file of a preset of that name, and whether it is there; `Wrong`: no name for one."""
    if not NAME.fullmatch(name):
        raise Wrong(f"{name!r}: a name is letters, digits, '.', '_' or '-', at most 64")
    path = own() / f"{name}.yaml"
    return path, path.exists()


def save(request: Request, path: Path) -> Path:
    """Raises `SpecError` when the file would not be right, `OSError` when it cannot be written."""
    data = f"{_text(request)}\n".encode()
    with TemporaryDirectory() as folder:
        draft = Path(folder, path.name)
        draft.write_bytes(data)
        load(str(draft))
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, data)
    return path


def _text(request: Request) -> str:
    """The preset's own file and what was changed of it; no default, nothing of the workload's."""
    tree, _ = read(find(request.preset))
    changes = [] if request.workload is None else [(WORKLOAD, written(request.workload))]
    for key, text in (*changes, *request.changes):
        node, _ = parse(text, key)
        tree = merge(tree, nest(key, Node(node.value if text.strip() else None, node.place)))
    asked = " ".join(f"{key}={text}" for key, text in (*changes, *request.changes))
    about = f"# {request.preset}, changed: {asked}" if asked else f"# Like {request.preset}."
    return "\n".join([clean(about), *_lines(plain(tree))])


def _lines(tree: Mapping[str, object]) -> Iterator[str]:
    """A section's values on lines of their own; what lies deeper on one line."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield f"{key}:"
            yield from (f"  {name}: {written(part)}" for name, part in value.items())
        else:
            yield f"{key}: {written(value)}"
