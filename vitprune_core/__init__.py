"""vitprune: prune Vision Transformers, and know what it did to them."""

__version__ = "0.1.0"
