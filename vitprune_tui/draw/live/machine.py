"""The machine's line: load of the worker and the host, or why there is none to tell."""

from vitprune_core.store.clean import clean
from vitprune_core.store.lock import Holder
from vitprune_tui.doing import device
from vitprune_tui.draw.glyphs import Glyphs
from vitprune_tui.draw.lines import Line, line


def draw(
    load: device.Load | None, holder: Holder | None, columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    if holder is None:
        return [line(("nobody works on it", "dim"))]
    if not holder.is_here:
        return [line((f"its worker is process {holder.pid} on {clean(holder.host)}", "dim"))]
    if load is None:
        return [line((f"process {holder.pid}", "dim"))]
    return [device.line(load, columns, glyphs)]
