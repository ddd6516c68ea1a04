"""A local server that speaks Anthropic's Messages API, as strictly as the real one; its batches
are in anthropic_batches.py.

Every request is read by the SDK's own types; what they do not know is refused with status 400, as
are images that are not what they say, schemas outside what structured outputs take and marks for
the prompt's cache that it does not take. What is cached, for how long and from which length on is
as Anthropic's page "Prompt caching" has it; a token is four characters.
"""

import base64
import binascii
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from anthropic.types import Message
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError

KEY = "sk-ant-test"
VERSION = re.compile(r"20\d\d-\d\d-\d\d")
PARAMS: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsNonStreaming)
MAGIC = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
# "JSON Schema limitations" of structured outputs in Anthropic's documentation.
NOT_IN_SCHEMAS = {
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "maxItems", "uniqueItems", "oneOf", "not", "patternProperties",
}  # fmt: skip
# How long a prefix must be to be cached; shorter ones are sent as if they were not marked.
FEWEST_CACHED = {"claude-sonnet-5-5": 512, "claude-haiku-4-5": 4096}
FEWEST_CACHED_ELSE = 1024
MOST_BREAKPOINTS = 4
LOOK_BACK = 20
LIVES_S = {"5m": 300.0, "1h": 3600.0}
# What a picture and the words behind the cached prefix take, and an answer.
REST_TOKENS = 1500
OUTPUT_TOKENS = 120
ERROR_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error",
    403: "permission_error", 404: "not_found_error", 413: "request_too_large",
    429: "rate_limit_error", 500: "api_error", 529: "overloaded_error",
}  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """One scripted answer: an error status, or a message with this text and stop reason.

    is_expired: in a batch, nobody came to it.
    """

    status: int = 200
    text: str = ""
    stop_reason: str = "end_turn"
    explanation: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    message: str = "scripted"
    is_expired: bool = False


def good_text(caption: str = "a red square on white", rating: str = "SAFE", **other: Any) -> str:
    answer = {
        "caption": caption,
        "rating": rating,
        "tags": ["red", "square", "white background", "simple", "geometric"],
        "confidence": 0.9,
    }
    return json.dumps(answer | other)


GOOD = Reply(text=good_text())


class Wrong(Exception):
    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class AnthropicServer:
    """Answers scripted replies in order, then ``default``; remembers every request's body."""

    def __init__(self, default: Reply = GOOD, port: int = 0) -> None:
        self.default = default
        self.script: list[Reply] = []
        self.answer: Callable[[dict[str, Any]], Reply] | None = None
        self.requests: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.violations: list[str] = []
        self.usages: list[dict[str, int]] = []
        self._cached_until: dict[str, float] = {}
        # It reads requests and makes messages as this module does.
        from labeling.tests.anthropic_batches import Batches

        self.batches = Batches(self)
        self.in_flight = 0
        self.most_in_flight = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._http = _Server(("127.0.0.1", port), _handler_of(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "AnthropicServer":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    def usage_of(self, body: dict[str, Any]) -> dict[str, int]:
        """What the request took; its marked prefixes can be read from the cache from now on."""
        blocks = prefix_blocks(body)
        fewest = FEWEST_CACHED.get(body["model"], FEWEST_CACHED_ELSE)
        marks = [
            place
            for place, block in enumerate(blocks)
            if block.cache_control and block.tokens >= fewest
        ]
        now = time.monotonic()
        read = written = 0
        with self._lock:
            if marks:
                near = blocks[max(0, marks[-1] - LOOK_BACK) : marks[-1] + 1]
                known = [block for block in near if self._cached_until.get(block.key, 0) > now]
                read = known[-1].tokens if known else 0
                written = blocks[marks[-1]].tokens - read
                for block in [*(blocks[place] for place in marks), *known[-1:]]:
                    lives = LIVES_S[(block.cache_control or {}).get("ttl", "5m")]
                    self._cached_until[block.key] = now + lives
            usage = {
                "input_tokens": REST_TOKENS,
                "output_tokens": OUTPUT_TOKENS,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": written,
            }
            self.usages.append(usage)
        return usage

    def reply_to(self, headers: Any, raw: bytes) -> Reply:
        try:
            body = check_request(headers, raw)
        except Wrong as wrong:
            return self.refuse(wrong)
        with self._lock:
            self.requests.append(body)
            self.times.append(time.monotonic())
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            reply = self.reply(body)
        self._closing.wait(reply.delay_s)
        with self._lock:
            self.in_flight -= 1
        return reply

    def reply(self, body: dict[str, Any]) -> Reply:
        if self.script:
            return self.script.pop(0)
        return self.answer(body) if self.answer else self.default

    def refuse(self, wrong: Wrong) -> Reply:
        """What is answered to a request that the real server would not take."""
        with self._lock:
            self.violations.append(str(wrong))
        return Reply(status=wrong.status, message=str(wrong))


def check_request(headers: Any, raw: bytes) -> dict[str, Any]:
    """The body of a right request; raises Wrong."""
    check_key(headers)
    return check_params(json_in(headers, raw))


def check_key(headers: Any) -> None:
    # Older SDKs send the key as x-api-key, version 2 as a bearer token.
    if headers.get("x-api-key") != KEY and headers.get("authorization") != f"Bearer {KEY}":
        raise Wrong("invalid x-api-key", 401)
    if not VERSION.fullmatch(headers.get("anthropic-version", "")):
        raise Wrong("anthropic-version: header is required")


def json_in(headers: Any, raw: bytes) -> Any:
    if not headers.get("content-type", "").startswith("application/json"):
        raise Wrong("content-type: must be application/json")
    try:
        return json.loads(raw)
    except ValueError:
        raise Wrong("the body is not JSON") from None


def check_params(body: Any) -> dict[str, Any]:
    """The parameters of one message; raises Wrong."""
    try:
        known = _consumed(PARAMS.validate_python(body))
    except ValidationError as error:
        raise Wrong(f"not a MessageCreateParams: {error}") from error
    if known != body:
        raise Wrong(f"extra inputs are not permitted: {_difference(body, known)}")
    if not body["model"] or body["max_tokens"] < 1:
        raise Wrong("model and max_tokens: must be given")
    for message in body["messages"]:
        for block in message["content"] if isinstance(message["content"], list) else []:
            if block["type"] == "image":
                _check_image(block["source"])
    output_format = body.get("output_config", {}).get("format")
    if output_format:
        _check_schema(output_format["schema"], "output_config.format.schema")
    _check_cache_control(prefix_blocks(body))
    return dict(body)


@dataclass(frozen=True)
class Block:
    """A block with all that stands before it. key: the same for the same prefix; tokens: of it."""

    key: str
    tokens: int
    text: str | None
    cache_control: dict[str, str] | None


def prefix_blocks(body: dict[str, Any]) -> list[Block]:
    """The blocks of a request in the order in which the cache sees them: system, then messages."""
    said: list[Any] = [body["system"]] if "system" in body else []
    said += [message["content"] for message in body["messages"]]
    # Another model or another schema shares nothing.
    before = json.dumps([body["model"], body.get("output_config", {}).get("format")])
    characters = 0
    blocks = []
    for content in said:
        whole: list[Any] = [{"type": "text", "text": content}]
        for block in whole if isinstance(content, str) else content:
            plain = {name: value for name, value in block.items() if name != "cache_control"}
            before += json.dumps(plain, sort_keys=True)
            characters += len(block.get("text", "")) or 4 * REST_TOKENS
            mark = block.get("cache_control")
            blocks.append(Block(before, characters // 4, block.get("text"), mark))
    return blocks


def _check_cache_control(blocks: list[Block]) -> None:
    marked = [block for block in blocks if block.cache_control]
    if len(marked) > MOST_BREAKPOINTS:
        raise Wrong(
            f"A maximum of {MOST_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {len(marked)}."
        )
    if any(block.text == "" for block in marked):
        raise Wrong("cache_control cannot be set for empty text blocks")
    lives = [LIVES_S[(block.cache_control or {}).get("ttl", "5m")] for block in marked]
    if lives != sorted(lives, reverse=True):
        raise Wrong("a ttl='1h' cache_control block must not come after a ttl='5m' one")


def _consumed(value: Any) -> Any:
    """What the types keep of a value: pydantic validates iterables only while they are read."""
    if isinstance(value, dict):
        return {key: _consumed(inner) for key, inner in value.items()}
    if isinstance(value, str | bytes | int | float | bool) or value is None:
        return value
    if hasattr(value, "__iter__") and not hasattr(value, "model_dump"):
        return [_consumed(inner) for inner in value]
    return repr(value)


def _difference(sent: Any, known: Any, path: str = "") -> str:
    if isinstance(sent, dict) and isinstance(known, dict):
        for key in sent:
            if key not in known:
                return f"{path}{key}"
            if sent[key] != known[key]:
                return _difference(sent[key], known[key], f"{path}{key}.")
    if isinstance(sent, list) and isinstance(known, list):
        for index, (one, other) in enumerate(zip(sent, known, strict=False)):
            if one != other:
                return _difference(one, other, f"{path}{index}.")
    return path.rstrip(".") or "body"


def _check_image(source: dict[str, Any]) -> None:
    if source["type"] != "base64":
        raise Wrong("image.source.type: only base64 is expected here")
    try:
        data = base64.b64decode(source["data"], validate=True)
    except binascii.Error:
        raise Wrong("image.source.data: not base64") from None
    if not data.startswith(MAGIC[source["media_type"]]):
        raise Wrong(f"image.source.media_type: the image is not {source['media_type']}")
    if len(data) > 5 * 1024 * 1024:
        raise Wrong("image exceeds 5 MB maximum", 413)


def _check_schema(schema: dict[str, Any], path: str) -> None:
    for name in NOT_IN_SCHEMAS & schema.keys():
        raise Wrong(f"{path}: property '{name}' is not supported")
    if schema.get("minItems", 0) > 1:
        raise Wrong(f"{path}: minItems other than 0 and 1 is not supported")
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise Wrong(f"{path}: additionalProperties must be set to false")
    for name, inner in schema.get("properties", {}).items():
        _check_schema(inner, f"{path}.{name}")
    if "items" in schema:
        _check_schema(schema["items"], f"{path}.items")


def message_body(reply: Reply, model: str, usage: dict[str, int]) -> dict[str, Any]:
    """A Message, read by the SDK's own type before it is sent."""
    details = {"type": "refusal", "explanation": reply.explanation or None, "category": None}
    body = {
        "id": "msg_test",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": reply.text}] if reply.text else [],
        "stop_reason": reply.stop_reason,
        "stop_details": details if reply.stop_reason == "refusal" else None,
        "stop_sequence": None,
        "usage": usage,
    }
    Message.model_validate(body)
    return body


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is what some tests are about."""


def _handler_of(server: AnthropicServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body in one packet, or each answer on a kept connection takes 40 ms longer.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._batches(b"")

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.path != "/v1/messages":
                self._batches(raw)
                return
            reply = server.reply_to(self.headers, raw)
            if reply.status == 200:
                body = json.loads(raw)
                usage = server.usage_of(body)
                self._send(200, message_body(reply, body["model"], usage), reply.headers)
            else:
                self._send(reply.status, error_body(reply), reply.headers)

        def _batches(self, raw: bytes) -> None:
            told = server.batches.answer(self.command, self.path, self.headers, raw)
            if told is None:
                self.close_connection = True
            elif isinstance(told, Reply):
                self._send(told.status, error_body(told), told.headers)
            elif isinstance(told, list):
                self._send_lines(told)
            else:
                self._send(200, told, {})

        def _send_lines(self, lines: list[dict[str, Any]]) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/x-jsonl")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for line in lines:
                self._send_chunk(json.dumps(line).encode() + b"\n")
            if server.batches.cut_after is None:
                self._send_chunk(b"")
            else:
                self._send_chunk(b'{"custom_id": "cut off in the mid')
                self.close_connection = True

        def _send_chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

        def _send(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.send_header("request-id", "req_test")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


def error_body(reply: Reply) -> dict[str, Any]:
    kind = ERROR_TYPES.get(reply.status, "api_error")
    error = {"type": kind, "message": reply.message}
    return {"type": "error", "error": error, "request_id": "req_test"}


def running() -> Iterator[AnthropicServer]:
    """The body of a fixture."""
    with AnthropicServer() as server:
        yield server
        assert server.violations == []
