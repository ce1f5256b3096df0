"""Take the README's picture, docs/picture.svg, of a real run: `python docs/picture.py RUN`."""

import asyncio
import os
import sys
from pathlib import Path

from vitprune_tui.app import VitPrune

SIZE = (120, 40)


async def main(name: str) -> None:
    app = VitPrune(Path(os.environ.get("VITPRUNE_RUNS", "runs")), theme="dark")
    async with app.run_test(size=SIZE) as pilot:
        await app.open(name)
        while app.state.run is None or app.view.kept[name].stages is None:
            await pilot.pause(0.1)
        await pilot.pause(0.5)
        Path(__file__).with_name("picture.svg").write_text(app.export_screenshot(title="vitprune"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
