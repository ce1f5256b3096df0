"""What a command cannot do, as an exit code."""


class Wrong(Exception):
    """The request cannot be met as it stands; nothing was written. Exit 2."""


class Unable(Exception):
    """The request is right and could not be carried out. Exit 1."""
