"""What can be asked of a learning server, as the OpenAPI description that it publishes."""

from mlchain.centralized.service.signing import HEADERS

_SIGNED = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string", "pattern": f"^{form.pattern}$"}}
    for name, form in HEADERS.items()
]
_VERSION = {
    "name": "version",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
}
_REFUSAL = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["refusal", "detail"],
            "properties": {"refusal": {"type": "string"}, "detail": {"type": "string"}},
            "additionalProperties": False,
        }
    }
}
_REFUSALS = {
    "400": "the request is malformed",
    "401": "the request is not signed, or not for this server, or not now, or not once",
    "403": "the signer has not joined",
    "404": "there is no such path",
    "405": "the path does not know this method",
    "408": "the body did not come in time",
    "409": "the rules do not allow it now",
    "410": "learning is finished",
    "413": "the body is too long",
}
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def _json(description: str, *properties: str) -> dict[str, object]:
    schema = {"type": "object", "required": list(properties)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _operation(summary: str, answers: dict[str, object], parameters: list[object] = (), **more: object) -> dict:
    refusals = {code: {"description": text, "content": _REFUSAL} for code, text in _REFUSALS.items()}
    return {"summary": summary, "parameters": list(parameters), "responses": refusals | answers, **more}


def description(update_size: int) -> dict[str, object]:
    """Return the OpenAPI description of a server whose updates have so many bytes."""
    work = {"description": "version and share, 4 bytes each, and the version's weights", "content": _BYTES}
    body = {"required": True, "content": _BYTES, "x-exact-size": update_size}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Learning server", "version": "1"},
        "paths": {
            "/plan": {"get": _operation("what the server is set to do", {"200": _json("settings", "place", "plan")})},
            "/status": {"get": _operation("how far it is", {"200": _json("figures", "version", "finished")})},
            "/openapi.json": {"get": _operation("this description", {"200": _json("OpenAPI", "openapi", "paths")})},
            "/registration": {
                "post": _operation("be there", {"200": _json("registered", "registered")}, _SIGNED),
            },
            "/work": {
                "post": _operation(
                    "ask for weights", {"200": work, "204": {"description": "nothing to do yet: ask again"}}, _SIGNED
                )
            },
            "/updates/{version}": {
                "post": _operation(
                    "deliver what is owed",
                    {"200": _json("it counts", "weight")},
                    [_VERSION, *_SIGNED],
                    requestBody=body,
                )
            },
        },
    }
