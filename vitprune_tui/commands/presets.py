"""`vitprune presets`: what can be asked for."""

from typing import Any

from vitprune_core.spec.presets import comment, every, find, listed
from vitprune_core.spec.source import SpecError, read
from vitprune_core.store.clean import clean
from vitprune_tui.draw import text
from vitprune_tui.wrong import Wrong


def everything(width: int | None) -> tuple[list[dict[str, str]], str]:
    found = [
        {
            "name": f"{kind}/{preset.name}" if kind else preset.name,
            "what": comment(preset.path),
            "origin": preset.origin,
            "path": str(preset.path),
        }
        for kind, preset in every()
    ]
    rows = [(f["name"], f["origin"], f["what"].partition("\n")[0]) for f in found]
    return found, text.table(("PRESET", "FROM", "WHAT"), rows, width=width)


def one(name: str) -> tuple[dict[str, Any], str]:
    """The file of a preset, or of a workload, as it stands."""
    workloads = {workload.name for workload in listed("workloads")}
    presets = {preset.name for preset in listed()}
    try:
        path = find(name, "workloads" if name in workloads - presets else "")
        read(path)
    except SpecError as error:
        raise Wrong(str(error)) from None
    lines = path.read_text(encoding="utf-8").splitlines()
    return {"name": name, "path": str(path), "yaml": "\n".join(lines)}, "\n".join(map(clean, lines))
