"""What `validate` and `run` say about the same small configurations."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
import trustme

from alloypy.catalog.catalog import load_catalog
from alloypy.check.scope import Language
from alloypy.check.units.units import CheckOptions, check_sources
from alloypy.components.registry import REGISTRY
from alloypy.components.remote.http_import import http_import
from alloypy.own_language import own_language
from alloypy.runtime.blocks.modules import ImportGitArguments
from alloypy.runtime.contract.options import ControllerOptions, Fetched, HTTPImport
from alloypy.runtime.controller import Controller
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.diagnostics import DiagnosticsError, Severity
from alloypy.syntax.source import Source
from tests.support.checking import EVERYTHING
from tests.support.rule_cases import CASES

_SETTINGS = "settings that only alloypy has"
_CLIENT = "Alloy's discovery.http does not check the settings of its client"
_TIMES = "Alloy's import.http does not look at its times"
OTHERWISE_HERE = {
    "pyroscope.receive_http: no body size": _SETTINGS,
    "pyroscope.receive_http: negative bytes in flight": _SETTINGS,
    "pyroscope.receive_http: own settings": _SETTINGS,
    "pyroscope.receive_http: header passed on": _SETTINGS,
    "pyroscope.receive_http: header not passed on": _SETTINGS,
    "pyroscope.receive_http: header with a blank": _SETTINGS,
    "whole: import.git pulled too often": "Alloy pulls as often as it can",
    "whole: import.git password file": _SETTINGS,
    "import.http: frequency zero": _TIMES,
    "import.http: timeout zero": _TIMES,
    "import.http: timeout longer": _TIMES,
    "import.http: timeout equal": _TIMES,
    "import.http: frequency below the default timeout": _TIMES,
    "discovery.dns: large port": "Alloy does not look at the range",
    "discovery.dns: negative port": "Alloy does not look at the range",
    "discovery.dns: never": "Alloy crashes",
    "discovery.http client: header reserved": _CLIENT,
    "discovery.http client: header reserved without values": _CLIENT,
    "discovery.http client: headers reserved": _CLIENT,
    "discovery.http client: header and proxy": _CLIENT,
    "discovery.http client: bearer twice": _CLIENT,
    "discovery.http client: bearer and basic": _CLIENT,
    "discovery.http client: basic and authorization": _CLIENT,
    "discovery.http client: two logins, both wrong": _CLIENT,
    "discovery.http client: oauth2 and bearer": _CLIENT,
    "discovery.http client: proxy null": _CLIENT,
    "discovery.http client: no_proxy alone": _CLIENT,
    "discovery.http client: proxy headers alone": _CLIENT,
    "discovery.http client: proxy headers and empty url": _CLIENT,
    "discovery.http client: proxy environment and url": _CLIENT,
    "discovery.http client: proxy environment and no_proxy": _CLIENT,
    "discovery.http client: proxy environment and both": _CLIENT,
    "discovery.file: never": "Alloy crashes",
    "discovery.file: backwards": "Alloy crashes",
    "local.file_match: never": "Alloy crashes",
    "local.file_match: odd label": "Alloy writes what Go prints",
    "discovery.process: never": "Alloy crashes",
    "discovery.process: odd label": "Alloy writes what Go prints",
    "discovery.relabel: odd label": "Alloy writes what Go prints",
    "discovery.relabel: odd label of one": "Alloy writes what Go prints",
    "discovery.relabel: breaking out": "Alloy accepts it",
    "whole: remotecfg url": "alloypy does not fetch its configuration",
    "whole: logging windows": "alloypy does not write to the log of Windows",
    **{name: _SETTINGS for name in CASES if name.startswith(("alloypy.queue: ", "kafka: "))},
}
"""Where `validate --for alloy` and `--for alloypy` differ, and why."""

WORDED_OTHERWISE = {
    "whole: foreach without template": "Alloy words it so when it checks, and so when it loads",
    "whole: declare without argument": "Alloy words it so when it checks, and so when it loads",
}
"""Where loading words it differently from `validate`, and why."""

CERTIFICATE = trustme.CA().issue_cert("localhost")
PLACED = re.compile(
    r"(Failed to (build component|evaluate service|evaluate node for config block): "
    r"|(decoding configuration|building component): |config\.alloy:\d+:\d+: )+"
)


@pytest.fixture(scope="module")
def readable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "module.alloy"
    path.write_text('declare "m" { }\n')
    return path


def filled(text: str, file: Path) -> str:
    for name, value in (
        ("FILE", str(file)),
        ("PEM", CERTIFICATE.cert_chain_pems[0].bytes().decode()),
        ("KEY", CERTIFICATE.private_key_pem.bytes().decode()),
    ):
        text = text.replace(f'"{name}"', json.dumps(value))
    return text


def checked(text: str, language: Language) -> list[str]:
    options = CheckOptions(language, EVERYTHING, {})
    found = check_sources([Source("config.alloy", text.encode())], ".", options)
    return [each.message for each in found if each.severity is Severity.ERROR]


async def fetched(arguments: Any) -> str:
    return 'declare "m" { }'


async def cloned(arguments: ImportGitArguments, directory: Path) -> Fetched:
    return Fetched({})


async def load(text: str, folder: Path) -> None:
    options = ControllerOptions(
        registry=REGISTRY,
        storage=folder,
        alloy_id="",
        stability=Stability.EXPERIMENTAL,
        environ={},
        http_import=HTTPImport(http_import.arguments, fetched),
        read_git=cloned,
    )
    async with Controller(options) as controller:
        await controller.load(parse_config([Source("config.alloy", text.encode())]), str(folder))


def loaded(text: str, folder: Path) -> list[str]:
    try:
        asyncio.run(load(text, folder))
    except DiagnosticsError as error:
        return [PLACED.sub("", each.message, count=1) for each in error.diagnostics]
    return []


def is_said(told: str, found: list[str]) -> bool:
    """Loading names the value before what is wrong with it; `validate` shows it in its line."""
    words = told.replace("should be", "expected")
    return any(words == each or words.endswith(f" {each}") for each in found)


def test_there_are_many() -> None:
    assert len(CASES) >= 150
    assert OTHERWISE_HERE.keys() | WORDED_OTHERWISE.keys() <= CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_all_say_the_same(name: str, readable: Path) -> None:
    text = filled(CASES[name], readable)
    as_alloy, as_own, told = (
        checked(text, load_catalog()),
        checked(text, own_language()),
        loaded(text, readable.parent),
    )
    assert (sorted(as_alloy) == sorted(as_own)) == (name not in OTHERWISE_HERE), (as_alloy, as_own)
    assert bool(as_own) == bool(told), (as_own, told)
    if told:
        assert is_said(told[0], as_own) == (name not in WORDED_OTHERWISE), (as_own, told)
