"""The one NinjaAPI: mounts every room's router and words every error alike."""

import logging
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError

from gallery.api import router as gallery_router
from generation.api import router as generation_router
from imagineer.jobs.api import router as jobs_router
from imagineer.problems import Problem
from labeling.api import router as labeling_router
from scraping.api import router as scraping_router
from training.api import router as training_router

logger = logging.getLogger(__name__)

api = NinjaAPI(title="Imagineer", version="1.0.0", docs_url=None, urls_namespace="api")
for router in (
    jobs_router,
    gallery_router,
    generation_router,
    labeling_router,
    scraping_router,
    training_router,
):
    api.add_router("", router)


def _answer(
    request: HttpRequest, status: int, code: str, message: str, field: str | None = None
) -> HttpResponse:
    body = {"error": {"code": code, "message": message, "field": field}}
    return api.create_response(request, body, status=status)


@api.exception_handler(Problem)
def on_problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return _answer(request, error.status, error.code, error.message, error.field)


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {"loc": (), "msg": "The request is not valid."}
    path = [str(part) for part in first["loc"]]
    for places in (("body", "query", "path", "form", "file"), ("payload", "data")):
        if path and path[0] in places:
            path = path[1:]
    field = ".".join(path) or None
    message = str(first["msg"]).removeprefix("Value error, ")
    return _answer(request, 422, "invalid", message[:1].upper() + message[1:], field)


@api.exception_handler(AuthenticationError)
def on_anonymous(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return _answer(request, 401, "admins_only", "Sign in as an admin, or send a valid API token.")


@api.exception_handler(AuthorizationError)
def on_forbidden(request: HttpRequest, error: AuthorizationError) -> HttpResponse:
    return _answer(request, 403, "admins_only", "Only admins may do this.")


@api.exception_handler(Http404)
def on_missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return _answer(request, 404, "not_found", "There is nothing at this address.")


@csrf_exempt
def missing(request: HttpRequest, **parts: str) -> HttpResponse:
    """Below the API's address, what is not there is missing in its own words, by any method."""
    return on_missing(request, Http404())


def urls() -> Any:
    """What to mount: the operations, each answering a wrong method in the same words."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        if pattern.callback is not None:
            pattern.callback = _wording_wrong_methods(pattern.callback)
    return patterns, app, namespace


def _wording_wrong_methods(view: Callable[..., Any]) -> Callable[..., Any]:
    if iscoroutinefunction(view):

        @wraps(view)
        async def later(request: HttpRequest, *args: Any, **parts: Any) -> HttpResponseBase:
            return _worded(request, await view(request, *args, **parts))

        return later

    @wraps(view)
    def now(request: HttpRequest, *args: Any, **parts: Any) -> HttpResponseBase:
        return _worded(request, view(request, *args, **parts))

    return now


def _worded(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if not isinstance(response, HttpResponseNotAllowed):
        return response
    allowed = ", ".join(sorted(response["Allow"].split(", ")))
    message = f"This address takes {allowed}, not {request.method}."
    worded = _answer(request, 405, "method_not_allowed", message)
    worded["Allow"] = allowed
    return worded


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _answer(request, error.status_code, "bad_request", str(error))


@api.exception_handler(SuspiciousOperation)
@api.exception_handler(MultiPartParserError)
def on_unreadable(request: HttpRequest, error: Exception) -> HttpResponse:
    """A body that Django refuses to read: broken, too many files or fields, too large."""
    if "header size exceeded" in str(error):
        message = "The name of a file or field is too long; shorten it to 255 characters."
        return _answer(request, 400, "name_too_long", message)
    return _answer(request, 400, "bad_request", f"The request could not be read. {error}".strip())


@api.exception_handler(Exception)
def on_crash(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("Unexpected error in %s %s", request.method, request.path)
    return _answer(request, 500, "crashed", "Something broke on our side; the log has the cause.")
