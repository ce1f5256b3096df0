"""Numbers beside a peer's and a goal."""

HEAD = "| what | vitprune | peer | ratio | goal |\n| --- | --- | --- | --- | --- |"


def row(what: str, ours: str, peer: str = "", ratio: str = "", goal: str = "") -> None:
    print(f"| {what} | {ours} | {peer} | {ratio} | {goal} |", flush=True)


def times(peer: float, ours: float) -> str:
    return f"**{peer / ours:.2f}x**"


def ms(seconds: float) -> str:
    return f"{1000 * seconds:,.1f} ms" if seconds < 0.1 else f"{1000 * seconds:,.0f} ms"
