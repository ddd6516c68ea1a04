"""What every body, form and query of the API refuses; new schemas are found by themselves."""

import inspect
from typing import Any, get_args

import pytest
from django.test import Client
from ninja.operation import Operation
from pydantic import BaseModel, ValidationError

from gallery.tests.factories import make_admin
from imagineer.api import api
from imagineer.inputs import In

BAD_TEXTS = ["\ud800", "a\x00b", "\x1b[31m"]


def kinds_in(annotation: Any) -> list[Any]:
    """All plain types in an annotation: ``list[Whole] | None`` holds list, int and NoneType."""
    inner = get_args(annotation)
    found = [] if annotation is None else [annotation]
    return found + [kind for part in inner for kind in kinds_in(part)]


def operations() -> list[Operation]:
    return [
        operation
        for router in api._get_bound_routers()
        for view in router.path_operations.values()
        for operation in view.operations
    ]


def taken_in() -> list[type[BaseModel]]:
    """The schemas of all bodies, forms and queries, with those inside them."""
    found: dict[type[BaseModel], None] = {}

    def add(annotation: Any) -> None:
        for kind in kinds_in(annotation):
            if inspect.isclass(kind) and issubclass(kind, BaseModel) and kind not in found:
                found[kind] = None
                for field in kind.model_fields.values():
                    add(field.annotation)

    for operation in operations():
        for parameter in inspect.signature(operation.view_func).parameters.values():
            add(parameter.annotation)
    return list(found)


SCHEMAS = taken_in()
FIELDS = [(schema, name) for schema in SCHEMAS for name in schema.model_fields]
TEXTS = [
    (schema, name)
    for schema, name in FIELDS
    if str in kinds_in(schema.model_fields[name].annotation) and name != "cursor"
]
# Read from text, as all that comes in a query or a form.
FROM_TEXT = {
    "UploadOptions", "ImageFilter", "JobFilters", "ThumbnailOf", "ReviewAsked", "ExportOf",
    "ImportOptions",
}  # fmt: skip
NUMBERS = [
    (schema, name)
    for schema, name in FIELDS
    if schema.__name__ not in FROM_TEXT
    and {int, float, bool} & set(kinds_in(schema.model_fields[name].annotation))
]


def names(pairs):
    return [f"{schema.__name__}.{name}" for schema, name in pairs]


def refused_fields(schema, name, value):
    with pytest.raises(ValidationError) as refused:
        schema.model_validate({name: value})
    return {error["loc"][0] for error in refused.value.errors()}


def test_the_schemas_are_found():
    assert len(SCHEMAS) > 15
    assert {"CrawlIn", "TemplateIn", "LabelingIn", "TrainingIn", "JobFilters", "AlbumNew"} <= {
        schema.__name__ for schema in SCHEMAS
    }
    assert len(TEXTS) > 25


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
def test_an_unknown_field_is_refused(schema):
    assert issubclass(schema, In)
    assert "misspelt" in refused_fields(schema, "misspelt", 1)


@pytest.mark.parametrize(("schema", "name"), TEXTS, ids=names(TEXTS))
@pytest.mark.parametrize("bad", BAD_TEXTS, ids=ascii)
def test_a_text_that_no_database_takes_is_refused(schema, name, bad):
    assert name in refused_fields(schema, name, bad)


@pytest.mark.parametrize(("schema", "name"), NUMBERS, ids=names(NUMBERS))
def test_a_number_is_a_number_and_a_flag_a_flag(schema, name):
    kinds = kinds_in(schema.model_fields[name].annotation)
    wrong = ["1", "true"] + ([1, 0] if bool in kinds else [True, False])
    for value in wrong:
        given = [value] if list in {getattr(kind, "__origin__", kind) for kind in kinds} else value
        assert name in refused_fields(schema, name, given), value


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("post", "/api/batch-templates", '{"name": "\\ud800"}', "name"),
        (
            "post",
            "/api/training/start",
            '{"name": "a", "trigger_word": "a\\u0000"}',
            "trigger_word",
        ),
        ("post", "/api/scraping/start", '{"url": "x", "album_name": "\\ud800"}', "album_name"),
        ("post", "/api/datasets", '{"name": "\\ud800", "albums": [1]}', "name"),
        ("get", "/api/jobs?kind=%00", "", "kind"),
        ("post", "/api/scraping/start", '{"url": "http://a.org", "depth": true}', "depth"),
        ("post", "/api/scraping/start", '{"url": "http://a.org", "dept": 1}', "dept"),
        ("post", "/api/images/upload", "", "files"),
    ],
)
def test_the_field_is_named(method: str, path: str, body: str, field: str) -> None:
    admin = Client()
    admin.force_login(make_admin())
    response = admin.generic(method.upper(), path, body, content_type="application/json")
    assert response.status_code == 422
    error = response.json()["error"]
    assert (error["code"], error["field"]) == ("invalid", field)
    assert not error["message"].startswith("Value error")
