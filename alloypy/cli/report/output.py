"""How `fmt` and `validate` report: to people on standard error, in machine-readable formats, and to files."""

from __future__ import annotations

from pathlib import Path

from alloypy.cli import streams
from alloypy.cli.files.named_paths import STDIN
from alloypy.cli.flags import FlagSet
from alloypy.cli.report import FORMATS, Report, render
from alloypy.cli.report.colours import CHOICES
from alloypy.cli.usage_error import UsageError
from alloypy.os_errors import system_words

_TAKEN = "the changed text goes to standard output; write the report to a file, as --output-file can"


class ReportFlags:
    """The flags for reports, colours and quiet output, declared on a command's flags."""

    def __init__(self, flags: FlagSet) -> None:
        self._format = flags.choice(
            "output-format", "text", FORMATS, noun="output format", doc="format of the report"
        )
        self._file = flags.string(
            "output-file", kind="file", doc="write the report to this file; - is standard output"
        )
        self._more = flags.strings(
            "report", kind="FORMAT=FILE", doc="also write a report in this format to this file; repeatable"
        )
        self._quiet = flags.bool("quiet", short="q", doc="show only errors: no warnings, counts or names")
        self._color = flags.choice("color", "auto", CHOICES, noun="choice", doc="when to use colours")

    @property
    def output_format(self) -> str:
        """The format of the main report."""
        return self._format.value

    @property
    def for_people(self) -> bool:
        """Whether the main report goes to standard error, as faults are found."""
        return self._format.value == "text" and not self._file.value

    @property
    def to_stdout(self) -> bool:
        """Whether the main report needs standard output for itself."""
        return self._file.value == STDIN or (self._format.value != "text" and not self._file.value)

    @property
    def quiet(self) -> bool:
        """Whether to print errors only."""
        return self._quiet.value

    @property
    def color(self) -> str:
        """When to write colours."""
        return self._color.value

    def targets(self, *, text_to_stdout: bool = False) -> list[tuple[str, str]]:
        """The reports to write: format and file, "" for standard output. Raises UsageError.

        text_to_stdout: whether the command writes something else to standard output.
        """
        if text_to_stdout and self.to_stdout:
            raise UsageError(_TAKEN)
        found = [] if self.for_people else [(self._format.value, self._file.value)]
        for text in self._more.value:
            name, equals, file = text.partition("=")
            if not equals or not file or name not in FORMATS:
                raise UsageError(f"--report needs FORMAT=FILE with one of the formats {', '.join(FORMATS)}")
            if text_to_stdout and file == STDIN:
                raise UsageError(_TAKEN)
            found.append((name, file))
        return found


def write_reports(report: Report, targets: list[tuple[str, str]]) -> None:
    """Write `report` to every target, then raise UsageError for files that could not be written."""
    faults = []
    for format_name, file in targets:
        try:
            write_text(render(report, format_name), file)
        except UsageError as error:
            faults.append(str(error))
    if faults:
        raise UsageError("; ".join(faults))


def write_text(text: str, file: str) -> None:
    """Write a text to a file, "" or - for standard output. Raises UsageError for a file, OutputError."""
    data = text.encode("utf-8", "surrogateescape")
    if file in ("", STDIN):
        return streams.put(data)
    try:
        Path(file).write_bytes(data)
    except (OSError, ValueError) as error:
        raise UsageError(f"open {file}: {system_words(error)}") from None
    return None
