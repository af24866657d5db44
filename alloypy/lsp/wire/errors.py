"""Errors as the protocol has them, each with the code that the specification gives it."""

from __future__ import annotations

from pygls.exceptions import (
    JsonRpcContentModified,
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)

__all__ = [
    "CHANGED",
    "ContentModified",
    "InvalidParams",
    "InvalidRequest",
    "MethodNotFound",
    "NotInitialized",
    "NothingKnown",
    "ParseError",
    "RequestCancelled",
    "RequestFailed",
    "WireError",
]

CHANGED = "the text has changed since"
"""Why an answer would be about another text."""

WireError = JsonRpcException
ParseError = JsonRpcParseError
InvalidRequest = JsonRpcInvalidRequest
InvalidParams = JsonRpcInvalidParams
MethodNotFound = JsonRpcMethodNotFound
NotInitialized = JsonRpcServerNotInitialized
RequestCancelled = JsonRpcRequestCancelled
ContentModified = JsonRpcContentModified


class NothingKnown(JsonRpcException):
    """Nothing is known about a text; answered with null, but where the user waits for a change of it."""

    CODE = -32803
    MESSAGE = "Request Failed"


class RequestFailed(JsonRpcException):
    """A valid request that cannot be answered, such as a rename to a name that is taken."""

    CODE = -32803
    MESSAGE = "Request Failed"
