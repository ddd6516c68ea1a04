"""The one way an API or form says what is wrong with a request."""


class Problem(Exception):
    """A client's mistake: an HTTP status (4xx), a machine's code, a person's sentence, a field.

    Raised anywhere below an API operation; ``imagineer.api`` turns it into
    ``{"error": {"code": …, "message": …, "field": …}}``.
    """

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field


def not_found(what: str) -> Problem:
    """404 with the sentence "There is no <what> …"."""
    return Problem(404, "not_found", f"There is no such {what}.")


def invalid(field: str, message: str) -> Problem:
    return Problem(422, "invalid", message, field)
