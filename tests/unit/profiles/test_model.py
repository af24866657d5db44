"""Errors of delivery."""

from __future__ import annotations

from alloypy.profiles.model import DeliveryError, DeliveryErrors


def test_the_first_error_with_a_status_leads() -> None:
    errors = DeliveryErrors(
        [
            DeliveryError("a"),
            DeliveryError("b", status=404, code="not_found"),
            DeliveryError("c", status=503),
        ]
    )
    assert (str(errors), errors.status, errors.code) == ("a\nb\nc", 404, "not_found")
    assert (
        DeliveryErrors([DeliveryError("a", code="invalid_argument"), DeliveryError("b")]).code
        == "invalid_argument"
    )
