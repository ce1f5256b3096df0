"""What the lab bench costs its user, measured on real pseudo-terminals.

    python -m benchmarks.screen [start] [keys] [bytes] [latency] [scale] [survival]

Prints a Markdown table: each number beside its goal and, where a machine's mood would blur it,
beside `bare`, the least that Textual can do, measured in turns with it. About ten minutes.
"""
