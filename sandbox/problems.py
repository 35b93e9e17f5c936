"""What may go wrong at the terminal."""


class ProblemError(Exception):
    """Something the person at the terminal can act on; its text is one sentence for them."""
