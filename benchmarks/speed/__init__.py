"""How fast it is, beside what others would use: `make bench`, half an hour.

    python -m benchmarks.speed [PART…]

All that a row compares is measured in the same process or the same minute, in turns, and told as a
ratio of medians: a noisy neighbour disturbs all alike. Peers are `torch.nn.utils.prune`, timm,
torch-pruning and the public recipe for such a model, rebuilt from its description (`recipe`).
`make bench` installs those that vitprune does not need into `.venv/peers`.
"""
