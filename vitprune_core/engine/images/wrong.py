"""What can be wrong with images."""


class DataError(RuntimeError):
    """The images cannot be had; says why and what to do."""


class Damaged(DataError):
    """A file is not as it was published."""

    def __init__(self, where: object, what: str):
        self.what = what
        super().__init__(f"{where} {what}; put the published file in its place")
