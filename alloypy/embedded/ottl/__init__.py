"""OTTL, the language in which OpenTelemetry's processors change and filter telemetry.

From text to verdict: `tokens` and `parsing` read it into the nodes of `tree`, `contexts` says what the
contexts of a component offer (from `facts.json`), `checking` holds the text against one, and `inference`
finds the context of texts that come without one.
"""
