"""Health checks for containers and proxies."""

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

PATH = "/healthz"


def health_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Answer /healthz before host names and HTTPS are checked: the caller is the machine itself."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path == PATH:
            return health()
        return get_response(request)

    return middleware


def health() -> HttpResponse:
    """200 when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("The database does not answer.", "text/plain", 503)
    return HttpResponse("ok", "text/plain")
