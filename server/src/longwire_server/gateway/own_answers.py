"""What Envoy itself answers, where it hands on nothing to the server."""

from __future__ import annotations

from typing import Any, Final

Node = dict[str, Any]

# What Envoy itself answers, by the status of HTTP: gRPC's code for it, and the message, for
# which Envoy's own stands in where it says what is wrong.
_OWN_ANSWERS: Final = (
    (400, 3, "%LOCAL_REPLY_BODY%"),
    (403, 7, "%LOCAL_REPLY_BODY%"),
    (
        404,
        12,
        "There is no such call: send a POST to /longwire.v1.SERVICE/METHOD, such as "
        "/longwire.v1.BackendService/ListBackends",
    ),
    (
        413,
        8,
        "The request is larger than the server takes (with a program limits.program_bytes, "
        "without one 1 MiB): send less",
    ),
    (503, 14, "The server is starting, stops, or has too much to do: try again"),
    (504, 4, "The time that grpc-timeout gives the call is over"),
)


def own_answers() -> Node:
    """That also what Envoy says is a ``google.rpc.Status``, in the form of the call's protocol."""

    def body(code: int, message: str) -> Node:
        return {"json_format": {"code": code, "message": message}}

    def text(message: str) -> Node:
        return {"text_format_source": {"inline_string": message}}

    def is_status(status: int) -> Node:
        compared = {"default_value": status, "runtime_key": "unused"}
        return {"status_code_filter": {"comparison": {"op": "EQ", "value": compared}}}

    def both(*filters: Node) -> Node:
        return {"and_filter": {"filters": filters}}

    def header(name: str, **match: Any) -> Node:
        return {"header_filter": {"header": {"name": name, **match}}}

    # Of gRPC and gRPC-Web the body becomes the grpc-message. JSON has become gRPC by then, too.
    is_grpc = both(
        header("content-type", string_match={"prefix": "application/grpc"}),
        header("x-envoy-original-path", present_match=True, invert_match=True),
    )
    return {
        "mappers": [
            {"filter": both(is_grpc, is_status(status)), "body_format_override": text(message)}
            for status, _, message in _OWN_ANSWERS
        ]
        + [{"filter": is_grpc, "body_format_override": text("%LOCAL_REPLY_BODY%")}]
        + [
            {"filter": is_status(status), "body_format_override": body(code, message)}
            for status, code, message in _OWN_ANSWERS
        ],
        "body_format": body(2, "%LOCAL_REPLY_BODY%"),
    }
