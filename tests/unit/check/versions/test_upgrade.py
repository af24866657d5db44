"""What an upgrade changes for a configuration: each kind of change once, at its place, in Alloy's words."""

from __future__ import annotations

import pytest

from alloypy.check.versions.findings import Rank
from tests.support.upgrading import flags_found, found, messages

SCRAPE = """\
prometheus.scrape "s" {
  targets    = []
  forward_to = [prometheus.remote_write.r.receiver]
}

prometheus.remote_write "r" {
  endpoint {
    url = "http://localhost"
  }
}
"""
BATCH = 'otelcol.processor.batch "b" {\n  send_batch_size = 5000\n  output { }\n}\n'
TARGETS = 'database_observability.mysql "m" {\n  data_source_name = "x"\n  forward_to = []\n}\n'


def test_changed_defaults_with_old_and_new_value() -> None:
    said = messages(SCRAPE, "1.10", "1.11", Rank.DEFAULT)
    assert said == [
        (
            "1:1: scrape_native_histograms of prometheus.scrape: default true, from 1.11.0 on false: native "
            "histograms are no longer scraped by scrape_protocols alone."
        ),
        "7:3: endpoint/enable_http2 of prometheus.remote_write: default true, from 1.11.0 on false.",
    ]


def test_a_default_that_the_configuration_sets_does_not_change() -> None:
    text = SCRAPE.replace('"http://localhost"', '"http://localhost"\n    enable_http2 = false')
    said = messages(text, "1.10", "1.11", Rank.DEFAULT)
    assert not any("enable_http2" in each for each in said)


def test_defaults_inside_a_block_matter_only_with_the_block() -> None:
    text = 'otelcol.exporter.otlp "o" {\n  client {\n    endpoint = "a:1"\n  }\n}\n'
    assert not any("batch" in each for each in messages(text, "1.12", "1.13", Rank.DEFAULT))
    text = text.replace("  }\n}", "  }\n  sending_queue {\n    batch { }\n  }\n}")
    said = messages(text, "1.12", "1.13", Rank.DEFAULT)
    assert said == [
        "6:5: sending_queue/batch/min_size of otelcol.exporter.otlp: default 8192, from 1.13.0 on 2000.",
        "6:5: sending_queue/batch/max_size of otelcol.exporter.otlp: default 0, from 1.13.0 on 3000.",
    ]


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        (
            'otelcol.receiver.opencensus "o" {\n  output { }\n}\n',
            "1.12",
            "1.13",
            (
                "1:1: otelcol.receiver.opencensus is gone in 1.13.0: The component is unknown, though its "
                "reference page is still there."
            ),
        ),
        (
            'beyla.ebpf "b" {\n  injector {\n    debug = true\n  }\n}\n',
            "1.17",
            "1.18",
            "3:5: injector/debug of beyla.ebpf is gone in 1.18.0: The argument is unknown.",
        ),
        (
            TARGETS,
            "1.11",
            "1.12",
            (
                "1:1: targets of database_observability.mysql is required in 1.12.2, but not given: targets "
                "is required (optional again from 1.16)."
            ),
        ),
        (
            BATCH,
            "1.10",
            "1.11",
            (
                "1:1: otelcol.processor.batch is refused in 1.11.3: send_batch_max_size must be greater "
                "or equal to send_batch_size when not 0"
            ),
        ),
        (
            'remotecfg {\n  url = "http://x"\n  metadata = { }\n}\n',
            "1.2",
            "1.3",
            (
                "3:3: metadata of remotecfg is renamed in 1.3.0: The argument is unknown; it is called "
                "attributes. Public preview at the time."
            ),
        ),
    ],
)
def test_what_the_new_version_refuses(text: str, start: str, end: str, expected: str) -> None:
    assert messages(text, start, end, Rank.REFUSED) == [expected]


def test_what_is_gone_and_comes_back_in_between_does_not_matter() -> None:
    text = 'beyla.ebpf "b" {\n  injector {\n    disable_auto_restart = true\n  }\n}\n'
    assert messages(text, "1.17", "main", Rank.REFUSED) == []
    text = TARGETS
    assert messages(text, "1.11", "1.16", Rank.REFUSED) == []


def test_what_is_accepted_again_without_effect() -> None:
    text = 'prometheus.exporter.windows "w" {\n  msmq { }\n}\n'
    (said,) = messages(text, "1.8", "1.10", Rank.DEPRECATED)
    assert said.startswith("2:3: msmq of prometheus.exporter.windows has no effect any more in 1.9.0")


@pytest.mark.parametrize(("topic", "touched"), [("events", False), ("^events.*", False), ("events.*", True)])
def test_changed_behaviour_only_for_the_values_that_it_concerns(topic: str, touched: bool) -> None:
    text = f'loki.source.kafka "k" {{\n  brokers = ["b"]\n  topics = ["{topic}"]\n  forward_to = []\n}}\n'
    said = messages(text, "1.5", "1.6", Rank.BEHAVIOUR)
    assert any("topics" in each for each in said) == touched


def test_a_change_that_was_undone_is_not_reported() -> None:
    text = (
        'otelcol.processor.tail_sampling "t" {\n  policy {\n    name = "p"\n    type = "and"\n    and {\n'
        '      and_sub_policy {\n        name = "s"\n        type = "string_attribute"\n'
        '        string_attribute {\n          key = "k"\n          values = ["v"]\n'
        "          invert_match = true\n        }\n      }\n    }\n  }\n  output { }\n}\n"
    )
    assert any("policy/and" in each for each in messages(text, "1.2", "1.4", Rank.BEHAVIOUR))
    assert any("policy/and" in each for each in messages(text, "1.4", "1.6", Rank.BEHAVIOUR))
    assert not any("policy/and" in each for each in messages(text, "1.2", "1.6", Rank.BEHAVIOUR))


def test_a_change_of_many_components_is_reported_once() -> None:
    said = messages(SCRAPE, "1.10", "1.11", Rank.BEHAVIOUR)
    assert [each for each in said if "quantile" in each] == [
        (
            "1:1: prometheus.scrape (and 1 more) behaves differently in 1.11.0: Values of le and quantile "
            "labels are always written as floats (1.0, not 1)."
        )
    ]


@pytest.mark.parametrize(
    ("text", "end", "message", "remedy"),
    [
        (
            'pyroscope.receive_http "p" {\n  forward_to = []\n  http { }\n}\n',
            "1.11",
            "http/conn_limit of pyroscope.receive_http: default 100, from 1.11.0 on 16384.",
            "Set http/conn_limit = 100 to keep it.",
        ),
        (
            'pyroscope.ebpf "e" {\n  forward_to = []\n  targets = []\n}\n',
            "1.12",
            "sample_rate of pyroscope.ebpf: default 97, from 1.11.0 on 19 samples a second.",
            "Set sample_rate = 97.",
        ),
        (
            'otelcol.connector.spanmetrics "s" {\n  exemplars { }\n  output { }\n}\n',
            "1.11",
            (
                "exemplars/max_per_data_point of otelcol.connector.spanmetrics: default unlimited, "
                "from 1.11.0 on 5: further exemplars are dropped."
            ),
            "Set max_per_data_point to a number that is never reached, such as 1000.",
        ),
    ],
)
def test_a_default_has_the_values_of_the_listed_change(
    text: str, end: str, message: str, remedy: str
) -> None:
    said = [(each.message, each.remedy) for each in found(text, "1.10", end) if each.rank is Rank.DEFAULT]
    assert (message, remedy) in said


@pytest.mark.parametrize(
    ("regex", "concerned"),
    [
        ("a.*", True),
        (r"a\\\\.", True),
        (r"[.]a", False),
        (r"[^].]a", False),
        (r"[[:alpha:].]a", False),
        (r"a\\.b", False),
        (r"\\Qa.b\\E", False),
        (r"\\Qa.b\\E.", True),
        ("(?s)a.", False),
        ("a|b", False),
    ],
)
def test_only_a_dot_for_any_character_also_matches_line_breaks(regex: str, concerned: bool) -> None:
    rule = f'rule {{\n    regex = "{regex}"\n    action = "keep"\n  }}'
    text = f'discovery.relabel "r" {{\n  targets = []\n  {rule}\n}}\n'
    assert any("The dot" in each for each in messages(text, "1.10", "1.11", Rank.BEHAVIOUR)) == concerned


def test_changed_behaviour_of_a_component_is_reported_once() -> None:
    text = "".join(
        f'discovery.http "p{n}" {{ }}\nprometheus.exporter.snmp "s{n}" {{\n  config_file = "x"\n}}\n'
        for n in "abc"
    )
    said = [each for each in messages(text, "1.11", "1.12", Rank.BEHAVIOUR) if "snmp" in each]
    assert len(said) == 1
    assert said[0].startswith("2:1: prometheus.exporter.snmp (and 2 more) behaves differently in 1.12.0: ")


def test_behaviour_that_needs_no_action_comes_last() -> None:
    text = (
        'otelcol.receiver.otlp "o" {\n  output { }\n}\notelcol.receiver.prometheus "p" {\n  output { }\n}\n'
    )
    first, last = [each for each in found(text, "1.12", "1.14") if each.rank is Rank.BEHAVIOUR]
    assert "Start times" in first.message and first.remedy
    assert "otelcol.receiver.otlp (and 1 more)" in last.message
    assert "releases/tag/v0.142.0" in last.message and not last.remedy


def test_stability_levels_that_change() -> None:
    text = "livedebugging {\n  enabled = true\n}\n"
    (note,) = messages(text, "1.5", "1.6", Rank.NOTE)
    assert note == "1:1: livedebugging goes from experimental to generally-available"


def test_nothing_between_two_versions() -> None:
    assert found('logging {\n  level = "info"\n}\n', "1.5", "1.18") == []


def test_the_way_back_names_what_is_not_there_yet() -> None:
    text = 'logging {\n  level = sys.env("X")\n}\n'
    assert messages(text, "1.8", "1.3") == ["2:11: sys.env does not exist in 1.3.4: it needs 1.4.0"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--cluster.use-discovery-v1", []),
        (
            "--feature.prometheus.metric-validation-scheme",
            [("--feature.prometheus.metric-validation-scheme", Rank.DEPRECATED)],
        ),
        (
            "--feature.prometheus.metric-validation-scheme='utf8'",
            [("--feature.prometheus.metric-validation-scheme", Rank.REFUSED)],
        ),
        ("--storage.path '/var lib' config.alloy", []),
        ("--nonsense", [("--nonsense", Rank.REFUSED)]),
    ],
)
def test_flags_of_the_command_line(flags: str, expected: list[tuple[str, Rank]]) -> None:
    said = [(each.subject, each.rank) for each in flags_found(flags, "1.8", "1.18")]
    assert said == expected


def test_a_default_flag_that_behaves_differently_concerns_everybody() -> None:
    assert [each.subject for each in flags_found("", "1.0", "1.1")] == ["--server.http.listen-addr"]


@pytest.mark.parametrize("database", ["mysql", "postgres"])
@pytest.mark.parametrize(
    ("end", "written", "refused"),
    [
        ("1.13", "", True),
        ("1.13", "targets = []", False),
        ("1.18", "", False),
        ("1.18", "targets = []", False),
    ],
)
def test_a_requirement_that_is_undone_later_concerns_only_versions_that_have_it(
    database: str, end: str, written: str, *, refused: bool
) -> None:
    body = f'data_source_name = "x"\n  forward_to = []\n  {written}'
    text = f'database_observability.{database} "d" {{\n  {body}\n}}\n'
    said = messages(text, "1.10", end)
    assert any("targets" in each for each in said) == refused
    assert bool(messages(text, "1.10", end, Rank.REFUSED)) == refused


REJOIN = "the flag --cluster.rejoin-interval"
PEERS = "the flag --cluster.max-join-peers"
KAFKA = """otelcol.receiver.kafka "x" {{
	brokers = ["b"]
	protocol_version = "2.0.0"
	{}
	output {{
		logs = []
	}}
}}
"""


def test_a_default_that_changes_when_the_setting_is_deprecated_is_reported() -> None:
    text = 'prometheus.exporter.cloudwatch "x" {\n\tsts_region = "r"\n}\n'
    (line,) = messages(text, "1.14", "1.15", Rank.DEFAULT)
    assert "aws_sdk_version_v2 of prometheus.exporter.cloudwatch: default false, from 1.15.0 on true" in line
    assert (
        messages(text.replace("\n}", "\n\taws_sdk_version_v2 = true\n}"), "1.14", "1.15", Rank.DEFAULT) == []
    )


def test_a_rule_and_the_listed_change_that_brings_it_are_one_finding() -> None:
    text = 'remotecfg {\n\turl = "http://a"\n\tpoll_frequency = "5s"\n}\n'
    (each,) = [one for one in found(text, "1.1", "1.2") if one.rank is Rank.REFUSED]
    assert each.message == 'remotecfg is refused in 1.2.1: poll_frequency must be at least "10s", got "5s"'
    assert each.remedy == 'Set at least "10s".'


def test_what_two_versions_refuse_for_the_same_rule_is_no_change() -> None:
    text = 'remotecfg {\n\turl = "http://a"\n\tpoll_frequency = "5s"\n}\n'
    assert messages(text, "1.2", "1.3", Rank.REFUSED) == []


def test_the_encoding_of_kafka_signals_changes_only_if_it_was_set_for_all_of_them() -> None:
    assert messages(KAFKA.format(""), "1.12", "1.13", Rank.DEFAULT) == []
    assert messages(KAFKA.format("logs { }"), "1.12", "1.13", Rank.DEFAULT) == []
    (line,) = messages(KAFKA.format('encoding = "json"'), "1.12", "1.13", Rank.DEFAULT)
    assert 'logs/encoding of otelcol.receiver.kafka: default "json", from 1.13.0 on "otlp_proto"' in line
    assert messages(KAFKA.format('logs {\n encoding = "json"\n }'), "1.12", "1.13", Rank.DEFAULT) == []


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (
            "--cluster.rejoin-interval=abc",
            [f'{REJOIN} takes a value of type duration in 1.18.1: time: invalid duration "abc"'],
        ),
        (
            "--cluster.rejoin-interval 60",
            [f'{REJOIN} takes a value of type duration in 1.18.1: time: missing unit in duration "60"'],
        ),
        (
            "--cluster.max-join-peers=x",
            [f'{PEERS} takes a value of type int in 1.18.1: strconv.ParseInt: parsing "x": invalid syntax'],
        ),
        ("--storage.path", ["the flag --storage.path needs a value"]),
        ("-storage.path=/x", ['"-storage.path=/x" is no flag of any version']),
        ("a b --cluster.enabled", ["alloy run takes one path, but would get 2: a, b"]),
        (
            "--cluster.enabled true",
            ["the flag --cluster.enabled is a switch: true after it is the path of a configuration to Alloy"],
        ),
        ("/bin/alloy run --cluster.enabled=true --cluster.max-join-peers=0x5 /etc/alloy", []),
        ("run -- conf --storage.path", ["alloy run takes one path, but would get 2: conf, --storage.path"]),
        ("--cluster.rejoin-interval=1m30s --storage.path=/x conf", []),
    ],
)
def test_run_flags_that_alloy_refuses(flags: str, expected: list[str]) -> None:
    refused = [each for each in flags_found(flags, "1.17", "1.18") if each.rank is Rank.REFUSED]
    assert [each.message for each in refused] == expected
    assert {each.code for each in refused} <= {"ALY0809"}
    assert all(each.remedy for each in refused)
