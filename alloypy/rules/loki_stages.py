"""Rules of the stages of loki.process, which nest: what Alloy refuses when it builds a pipeline.

A stage with several faults has one message in Alloy: the first. So it is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from alloypy.rules.forms import accepting, go_template, not_empty, positive, regexp, regexp_fault
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import IN_EXPRESSION, Characters, Fault

_TEMPLATE = "pipeline_template"
"""What stages call their templates."""
_PLAIN_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_BAD_REGEX = "could not compile regular expression: "
_KEEP_OR_DROP = ("", "keep", "drop")
_ON_FAILURE = ("", "skip", "fudge")
_ON_DUPLICATE = ("", "keep", "fudge")
_DATABASES = ("", "asn", "city", "country")


def _empty_source(body: View) -> Iterator[Fault]:
    if body.get("source") == "":
        yield Fault("source", "empty source")


def regex_stage(body: View) -> Iterator[Fault]:
    """An expression, and a source with a name."""
    text = body.text("expression")
    if not text:
        yield Fault("expression", "expression is required")
    elif body.get("source") == "":
        yield Fault("source", "empty source")
    else:
        yield from regexp_fault("expression", text, _BAD_REGEX)


def replace_stage(body: View) -> Iterator[Fault]:
    """An expression is required."""
    text = body.text("expression")
    if text:
        yield from regexp_fault("expression", text, _BAD_REGEX)
    else:
        yield Fault("expression", "expression is required")


def drop_stage(body: View) -> Iterator[Fault]:
    """What decides about a line, and settings that go together."""
    expression, value, source = body.text("expression"), body.text("value"), body.text("source")
    if not (source or expression or body.get("older_than") or body.get("longer_than")):
        message = (
            "drop stage config must contain at least one of `source`, `expression`, `older_than` or "
            "`longer_than`"
        )
        yield Fault("", message)
    elif value and expression:
        message = "drop stage config error, `value` and `expression` cannot both be defined at the same time"
        yield Fault("expression", message)
    elif value and not source:
        yield Fault("value", "drop stage config must contain `source` if `value` is specified")
    elif expression:
        yield from regexp_fault("expression", expression, "drop stage regex compilation error: ")


def multiline_stage(body: View) -> Iterator[Fault]:
    """The expression of first lines."""
    text = body.text("firstline")
    if text:
        yield from regexp_fault("firstline", text, "multiline stage first line regex compilation error: ")
    else:
        yield Fault("firstline", "multiline stage config must define `firstline` regular expression")


def json_stage(body: View) -> Iterator[Fault]:
    """What is taken out of a line."""
    if not (body.filled("expressions") or body.filled("regex")):
        yield Fault("", "JMES expressions or regex is required")
    elif body.get("source") == "":
        yield Fault("source", "empty source")
    else:
        for name, text in body.get("expressions").items():
            yield from _jmespath("expressions", name, text)
        yield from regexp_fault("regex", body.text("regex"))


def _jmespath(attribute: str, name: str, text: str) -> Iterator[Fault]:
    """The fault in an expression that is given by name; without a text the name is the expression."""
    if _PLAIN_PATH.fullmatch(text or name):
        return
    from alloypy.embedded.jmespath import check_jmespath  # most expressions are plain
    from alloypy.lang.text_error import TextError

    try:
        check_jmespath(text or name)
    except TextError as error:
        lead = "could not compile JMES expression: "
        fault = Fault.of_text(attribute, error, IN_EXPRESSION, name, lead=lead)
        yield fault if text else fault._replace(at=None)


def logfmt_stage(body: View) -> Iterator[Fault]:
    """What is taken out of a line."""
    if body.filled("mapping") or body.filled("regex"):
        yield from regexp_fault("regex", body.text("regex"))
    else:
        yield Fault("", "logfmt mapping or regex is required")


def label_names(body: View) -> Iterator[Fault]:
    """A label has a name."""
    for name in body.get("values"):
        if not name or any("\ud800" <= character <= "\udfff" for character in name):
            yield Fault("values", f"invalid label name: {name}")


_CAPTURE = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")


def pattern_stage(body: View) -> Iterator[Fault]:
    """A pattern such as `<ip> - <_> [<time>]`: named captures with text between them."""
    pattern = body.text("pattern")
    if not pattern:
        yield Fault("pattern", "pattern is required")
    elif body.get("source") == "":
        yield Fault("source", "empty source")
    else:
        yield from _captures(pattern)


def _captures(pattern: str) -> Iterator[Fault]:
    captures = list(_CAPTURE.finditer(pattern))
    names = [each[1] for each in captures if each[1] != "_"]
    if not names:
        yield _in_pattern("at least one capture is required", 0, len(pattern))
        return
    for first, second in pairwise(captures):
        if first.end() == second.start():
            message = f"found consecutive capture '{first[0]}{second[0]}': invalid expression"
            yield _in_pattern(message, first.start(), second.end())
            return
    seen: set[str] = set()
    for each in captures:
        if each[1] in seen and each[1] != "_":
            yield _in_pattern(f"duplicate capture name ({each[1]}): invalid expression", *each.span())
            return
        seen.add(each[1])


def _in_pattern(message: str, start: int, end: int) -> Fault:
    return Fault("pattern", f"failed to parse pattern: {message}", IN_EXPRESSION, Characters(start, end))


@accepting(action=_KEEP_OR_DROP)
def match_stage(body: View) -> Iterator[Fault]:
    """A selector, and stages only if lines are kept."""
    selector, action, stages = body.text("selector"), body.text("action"), body.grouped("stage")
    if not selector:
        yield Fault("selector", "selector statement required for match stage")
    elif action not in _KEEP_OR_DROP:
        yield Fault("action", "match stage action should be 'keep' or 'drop'")
    elif action != "drop" and not stages:
        yield Fault("", "match stage requires at least one additional stage to be defined in '- stages'")
    elif action == "drop" and stages:
        yield Fault("action", "match stage configured to drop entries cannot contains stages")
    else:
        yield from _selector(selector)


def _selector(text: str) -> Iterator[Fault]:
    from alloypy.embedded.logql.logql import check_logql  # loads the machine's tables for LogQL
    from alloypy.lang.text_error import TextError

    try:
        check_logql(text)
    except TextError as error:
        lead = "invalid selector syntax for match stage: "
        yield Fault.of_text("selector", error, IN_EXPRESSION, lead=lead)


@accepting(action_on_failure=_ON_FAILURE, action_on_duplicate_timestamp=_ON_DUPLICATE)
def timestamp_stage(body: View) -> Iterator[Fault]:
    """Where the time is, its format, and what to do without one."""
    failure, duplicate = body.text("action_on_failure"), body.text("action_on_duplicate_timestamp")
    zone_fault = _zone_fault(body)
    if not body.filled("source"):
        yield Fault("source", "timestamp source value is required if timestamp is specified")
    elif not body.filled("format"):
        yield Fault("format", "timestamp format is required")
    elif zone_fault:
        message, hint = zone_fault
        yield Fault("location", f"invalid location specified: {message}", hint=hint)
    elif failure not in _ON_FAILURE:
        message = "invalid action on failure (supported values are [skip fudge])"
        yield Fault("action_on_failure", message)
    elif duplicate not in _ON_DUPLICATE:
        message = "invalid action on duplicate timestamp (supported values are [keep fudge])"
        yield Fault("action_on_duplicate_timestamp", message)


def _zone_fault(body: View) -> tuple[str, str] | None:
    """Why the time zone cannot be loaded, and a hint."""
    name = body.text("location")
    if not name:
        return None
    from alloypy.embedded.time_zones import zone_fault  # few stages name one

    message, hint = zone_fault(name)
    return (message, hint) if message else None


def limit_stage(body: View) -> Iterator[Fault]:
    """A rate and a burst; limits by label drop."""
    for name in ("rate", "burst"):
        if body.get(name) <= 0:
            yield Fault(name, "limit stage failed to parse rate or burst")
            return
    if body.filled("by_label_name") and not body.get("drop"):
        yield Fault("by_label_name", "when ratelimiting by label, drop must be true")


def tenant_stage(body: View) -> Iterator[Fault]:
    """The tenant comes from one place."""
    given = [name for name in ("source", "value", "label") if body.filled(name)]
    if not given:
        yield Fault("", "label, source or value config are required")
    elif len(given) > 1:
        message = (
            "label, source and value are mutually exclusive: "
            "you should set source, value or label but not all"
        )
        yield Fault(given[1], message)


@accepting(db_type=_DATABASES)
def geoip_stage(body: View) -> Iterator[Fault]:
    """A database, and what is looked up in it."""
    kind = body.text("db_type")
    if not body.filled("db"):
        yield Fault("db", "db path cannot be empty")
    elif body.get("source") == "":
        yield Fault("source", "source cannot be empty")
    elif not kind and not body.given("custom_lookups"):
        yield Fault("", "db type or values need to be set")
    elif kind not in _DATABASES:
        yield Fault("db_type", "db type should be either city or asn")
    else:
        for name, text in body.get("custom_lookups").items():
            yield from _jmespath("custom_lookups", name, text)


def truncate_rule(body: View) -> Iterator[Fault]:
    """A limit that leaves room for the suffix."""
    limit, suffix = body.get("limit"), body.text("suffix").encode("utf-8", "surrogateescape")
    if limit <= 0:
        yield Fault("limit", "limit must be greater than zero")
    elif body.text("source_type") == "line" and body.filled("sources"):
        yield Fault("sources", "sources cannot be set when source_type is 'line'")
    elif suffix and limit <= len(suffix):
        yield Fault("suffix", "suffix length cannot be greater than or equal to limit")


_OUTPUT = not_empty("source", "output source value is required if output is specified")

BY_TYPE: Mapping[str, tuple[Rule, ...]] = {
    "stages.CRIConfig": (positive("max_partial_lines"),),
    "stages.DropConfig": (drop_stage,),
    "stages.GeoIPConfig": (geoip_stage,),
    "stages.JSONConfig": (json_stage,),
    "stages.LabelAllowConfig": (not_empty("values", "labelallow stage config cannot be empty"),),
    "stages.LabelDropConfig": (not_empty("values", "labeldrop stage config cannot be empty"),),
    "stages.LabelsConfig": (label_names,),
    "stages.LimitConfig": (limit_stage,),
    "stages.LogfmtConfig": (logfmt_stage,),
    "stages.LuhnFilterConfig": (_empty_source, regexp("skip_regex", _BAD_REGEX)),
    "stages.MatchConfig": (match_stage,),
    "stages.MultilineConfig": (positive("max_wait_time"), multiline_stage),
    "stages.OutputConfig": (_OUTPUT,),
    "stages.PatternConfig": (pattern_stage,),
    "stages.RegexConfig": (regex_stage,),
    "stages.ReplaceConfig": (
        replace_stage,
        go_template("replace", _TEMPLATE, stage=True, lead="failed to compile template: "),
    ),
    "stages.RuleConfig": (truncate_rule,),
    "stages.StaticLabelsConfig": (label_names,),
    "stages.StructuredMetadataConfig": (label_names, regexp("regex")),
    "stages.StructuredMetadataDropConfig": (
        not_empty("values", "structured_metadata_drop stage config cannot be empty"),
    ),
    "stages.TemplateConfig": (
        go_template("template", _TEMPLATE, stage=True),
        not_empty("source", "template source value is required"),
    ),
    "stages.TenantConfig": (tenant_stage,),
    "stages.TimestampConfig": (timestamp_stage,),
}
"""Rules by the Go type of the body."""
