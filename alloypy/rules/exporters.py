"""Rules of the exporters, whose settings are partly texts in YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloypy.rules.forms import at_least, go_template, not_both, one_of
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import IN_DOCUMENT, Fault

_BOTH = "config and config_file are mutually exclusive"


def _yaml(attribute: str, schema: str, lead: str) -> Rule:
    """A text must be YAML with the keys of one of `alloypy.embedded.yaml.exporters.DOCUMENTS`."""

    def rule(body: View) -> Iterator[Fault]:
        text = body.text(attribute)
        if not text:
            return
        from alloypy.embedded.yaml import exporters
        from alloypy.embedded.yaml.keys import check_keys
        from alloypy.lang.text_error import TextError

        try:
            check_keys(text, exporters.DOCUMENTS[schema])
        except TextError as error:
            yield Fault.of_text(attribute, error, IN_DOCUMENT, lead=lead)

    return rule


def _config_given(body: View) -> Iterator[Fault]:
    if not (body.filled("config") or body.filled("config_file")):
        yield Fault("", "config or config_file must be set")


def _targets(body: View) -> Iterator[Fault]:
    """Targets are blocks or a list, and those of a list have a name and an address."""
    if body.given("target") and body.filled("targets"):
        yield Fault("targets", "the block `target` and the attribute `targets` are mutually exclusive")
        return
    for target in body.get("targets") or ():
        if "name" not in target:
            yield Fault("targets", "all targets must have a `name`")
            return
        if "address" not in target and "__address__" not in target:
            yield Fault("targets", "all targets must have an `address` or an `__address__` label")
            return


def _target(kind: str, *attributes: str) -> Rule:
    """The name and the address of a target are not empty."""
    message = f"failed to load {kind}_targets; the `name` and `address` fields are mandatory"

    def rule(body: View) -> Iterator[Fault]:
        for attribute in attributes:
            if not body.text(attribute):
                yield Fault(attribute, message)
                return

    return rule


def _listed_targets(kind: str) -> Rule:
    """The same for those of a list. An empty `address` counts, whatever `__address__` says."""
    message = f"failed to load {kind}_targets; the `name` and `address` fields are mandatory"

    def rule(body: View) -> Iterator[Fault]:
        for target in body.get("targets") or ():
            address = target.get("address", target.get("__address__"))
            if address == "" or target.get("name") == "":
                yield Fault("targets", message)
                return

    return rule


def _kafka_instance(body: View) -> Iterator[Fault]:
    count = len(body.get("kafka_uris") or ())
    if body.text("instance") == "" and count > 1:
        message = (
            f"an automatic value for `instance` cannot be determined from {count} kafka servers, "
            "manually provide one for this component"
        )
        yield Fault("kafka_uris", message)


def _postgres(body: View) -> Iterator[Fault]:
    if not body.get("disable_default_metrics"):
        return
    if not body.filled("custom_queries_config_path"):
        message = "custom_queries_config_path must be set when disable_default_metrics is true"
        yield Fault("disable_default_metrics", message)
    elif body.filled("enabled_collectors"):
        message = "enabled_collectors cannot be set when disable_default_metrics is true"
        yield Fault("enabled_collectors", message)


def _redis_scripts(body: View) -> Iterator[Fault]:
    if body.filled("script_path") and body.filled("script_paths"):
        yield Fault("script_paths", "only one of script_path and script_paths should be specified")


def _collectors(body: View) -> Iterator[Fault]:
    from alloypy.rules.unix_exporter import collectors  # of one exporter only

    yield from collectors(body)


BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "prometheus.exporter.blackbox": (
        not_both("config_file", "config", _BOTH),
        _config_given,
        _yaml("config", "blackbox", "invalid blackbox_exporter config: "),
        _targets,
        _listed_targets("blackbox"),
    ),
    "prometheus.exporter.blackbox/target": (_target("blackbox", "name", "address"),),
    "prometheus.exporter.snmp": (
        not_both("config_file", "config", _BOTH),
        one_of(
            "config_merge_strategy",
            "replace",
            "merge",
            message="config_merge_strategy must be `replace` or `merge`",
        ),
        _targets,
        _yaml("config", "snmp", "invalid snmp_exporter config: "),
        _listed_targets("snmp"),
    ),
    "prometheus.exporter.snmp/target": (_target("snmp", "address"),),
    "prometheus.exporter.mssql": (
        at_least("max_open_connections", 1, "max_open_connections must be at least 1"),
        at_least("max_idle_connections", 1, "max_idle_connections must be at least 1"),
        at_least("timeout", 1, "timeout must be positive"),
        at_least("max_connection_lifetime", 0, "max_connection_lifetime must not be negative"),
        _yaml("query_config", "mssql", "invalid query_config: "),
    ),
    "prometheus.exporter.process/matcher": (
        go_template("name", "cmdname", lead="process_names is invalid: bad name template: "),
    ),
    "prometheus.exporter.kafka": (_kafka_instance,),
    "prometheus.exporter.postgres": (_postgres,),
    "prometheus.exporter.unix": (_collectors,),
    "prometheus.exporter.redis": (_redis_scripts,),
}
"""Rules by component and inner blocks."""
