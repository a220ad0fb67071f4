"""The OpenAPI description that a learning server publishes, made of its routes and their handlers' docstrings."""

from http import HTTPStatus

from starlette.routing import BaseRoute
from starlette.schemas import SchemaGenerator

from mlchain.centralized.service.signing import HEADERS

_BASE = {"openapi": "3.1.0", "info": {"title": "Learning server", "version": "1"}}
_SIGNED = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string", "pattern": f"^{form.pattern}$"}}
    for name, form in HEADERS.items()
]
_REFUSAL = {
    "type": "object",
    "required": ["refusal", "detail"],
    "properties": {"refusal": {"type": "string"}, "detail": {"type": "string"}},
    "additionalProperties": False,
}
_REFUSALS = {
    str(code): {"description": HTTPStatus(code).phrase, "content": {"application/json": {"schema": _REFUSAL}}}
    for code in (400, 401, 403, 404, 405, 408, 409, 410, 413)
}


def describe(routes: list[BaseRoute]) -> dict[str, object]:
    """Return the description of routes: any request may be refused, and whatever changes something is signed."""
    schema = SchemaGenerator(_BASE).get_schema(routes)
    for operations in schema["paths"].values():
        for method, operation in operations.items():
            operation["responses"] |= _REFUSALS
            if method == "post":
                operation["parameters"] = operation.get("parameters", []) + _SIGNED
    return schema
