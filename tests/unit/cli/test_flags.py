"""The flag parser answers as pflag does."""

from __future__ import annotations

import pytest

from alloypy.cli.flags import FlagSet, HelpRequested
from alloypy.cli.usage_error import UsageError
from alloypy.lang.go.duration import Duration


class Example:
    """A set with one flag of each kind."""

    def __init__(self, minimum: int = 0, maximum: int | None = None) -> None:
        self.flags = FlagSet("example", "[PATH]", "Do things.", minimum=minimum, maximum=maximum)
        self.write = self.flags.bool("write", short="w", doc="Write.")
        self.test = self.flags.bool("test", short="t", doc="Test.")
        self.pprof = self.flags.bool("pprof", True, doc="Profile.")
        self.out = self.flags.string("out", "-", short="o", doc="Where to.")
        self.count = self.flags.int("count", 5, doc="How many.")
        self.wait = self.flags.duration("wait", Duration(60_000_000_000), doc="How long.")
        self.label = self.flags.strings("label", doc="Labels.")
        self.level = self.flags.choice("level", "stable", ("stable", "beta"), noun="level", doc="Level.")


def fault(*argv: str, minimum: int = 0, maximum: int | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        Example(minimum, maximum).flags.parse(argv)
    return str(caught.value)


def test_defaults_hold_until_a_flag_is_given() -> None:
    example = Example()
    assert example.flags.parse([]) == []
    assert (example.write.value, example.pprof.value, example.out.value) == (False, True, "-")
    assert (example.count.value, example.wait.value, example.label.value) == (5, Duration(60_000_000_000), [])
    assert not example.out.given


def test_flags_and_arguments_may_be_interleaved() -> None:
    example = Example()
    rest = example.flags.parse(["a", "--out", "x", "b", "--count=0x10", "-w", "-", "--", "--out", "-q"])
    assert rest == ["a", "b", "-", "--out", "-q"]
    assert (example.out.value, example.count.value, example.write.value) == ("x", 16, True)
    assert example.out.given


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_booleans_take_gos_words(text: str) -> None:
    example = Example()
    example.flags.parse([f"--write={text}", f"--pprof={'0' if text == '1' else 'F'}"])
    assert (example.write.value, example.pprof.value) == (True, False)


def test_a_boolean_never_takes_the_next_word() -> None:
    example = Example()
    assert example.flags.parse(["--write", "false"]) == ["false"]
    assert example.write.value


@pytest.mark.parametrize("argv", [["-ox"], ["-o=x"], ["-o", "x"], ["-wtox"], ["-wto", "x"]])
def test_shorthands_combine_and_take_values(argv: list[str]) -> None:
    example = Example()
    example.flags.parse(argv)
    assert example.out.value == "x"
    assert example.write.value == example.test.value == (argv[0].startswith("-wt"))


def test_repeated_flags_collect() -> None:
    example = Example()
    example.flags.parse(["--label=a=1", "--label", "b,c"])
    assert example.label.value == ["a=1", "b,c"]


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--frob"], "unknown flag: --frob"),
        (["--frob=1"], "unknown flag: --frob"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["-wx"], "unknown shorthand flag: 'x' in -x"),
        (["---out"], "bad flag syntax: ---out"),
        (["--=x"], "bad flag syntax: --=x"),
        (["--out"], "flag needs an argument: --out"),
        (["-wo"], "flag needs an argument: 'o' in -o"),
        (
            ["--pprof=maybe"],
            'invalid argument "maybe" for "--pprof" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (
            ["-w=2"],
            'invalid argument "2" for "-w, --write" flag: strconv.ParseBool: parsing "2": invalid syntax',
        ),
        (
            ["--count", "many"],
            'invalid argument "many" for "--count" flag: strconv.ParseInt: parsing "many": invalid syntax',
        ),
        (
            ["--count=9223372036854775808"],
            (
                'invalid argument "9223372036854775808" for "--count" flag: '
                'strconv.ParseInt: parsing "9223372036854775808": value out of range'
            ),
        ),
        (["--wait=10"], 'invalid argument "10" for "--wait" flag: time: missing unit in duration "10"'),
        (["--level=best"], 'invalid argument "best" for "--level" flag: invalid level "best"'),
    ],
)
def test_faults_are_reported_in_pflags_words(argv: list[str], text: str) -> None:
    assert fault(*argv) == text


def test_the_number_of_arguments_is_checked() -> None:
    assert fault(minimum=1, maximum=1) == "accepts 1 arg(s), received 0"
    assert fault("a", "b", maximum=1) == "accepts between 0 and 1 arg(s), received 2"
    assert fault(minimum=1) == "requires at least 1 arg(s), only received 0"


def test_a_deprecated_flag_is_accepted_with_a_notice(capsys: pytest.CaptureFixture[str]) -> None:
    flags = FlagSet("run", "PATH", "Run.")
    old = flags.bool("old", doc="Old.")
    flags.deprecate(old, "It has no effect.")
    assert flags.parse(["--old"]) == []
    assert capsys.readouterr().err == "Flag --old has been deprecated, It has no effect.\n"
    assert "--old" not in flags.help_text()


def test_help_wins_over_the_count_but_not_over_a_fault() -> None:
    with pytest.raises(HelpRequested) as caught:
        Example(minimum=1, maximum=1).flags.parse(["-h"])
    assert "unknown flag" in fault("--help", "--frob")
    text = caught.value.flags.help_text()
    assert text.startswith("Do things.\n\nUsage:\n  alloypy example [flags] [PATH]\n\nFlags:\n")
    assert "  -o, --out string" in text and '(default "-")' in text
    assert "--wait duration" in text and "(default 1m0s)" in text
    assert "      --pprof" in text and "(default true)" in text
    assert "  -h, --help" in text
