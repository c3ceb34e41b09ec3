# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces by OpenTelemetry; they are sent when OTEL_EXPORTER_OTLP_ENDPOINT says where to."""

from __future__ import annotations

import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def configure(service: str, version: str, environment: str) -> TracerProvider:
    """Make spans; without an endpoint they only give log lines their trace."""
    provider = TracerProvider(
        resource=Resource.create(
            {
                "service.name": service,
                "service.version": version,
                "deployment.environment.name": environment,
            }
        )
    )
    if os.environ.get(ENDPOINT):
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def tracer() -> trace.Tracer:
    """Return what makes spans."""
    return trace.get_tracer("ai-backend")
