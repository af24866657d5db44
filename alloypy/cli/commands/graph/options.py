"""The command line of `alloypy graph`."""

from __future__ import annotations

from pathlib import Path

from alloypy.cli.commands.validate.options import Asked, ProgramFlags, SettingsFlags
from alloypy.cli.common_flags import environment_flags, stdin_filename
from alloypy.cli.files.named_paths import STDIN
from alloypy.cli.flags import FlagSet
from alloypy.cli.usage_error import UsageError

_SUMMARY = """Draw what flows between the components of a configuration, without running it.

PATH is one configuration: a file, or a directory whose *.alloy files are taken together; - is standard
input. The default format is a tree for terminals, unless the name of the file to write ends in .svg,
.mmd, .dot or .json. Exit code: 0, or 1 if the configuration has errors, which are shown as by validate."""

FORMATS = ("text", "svg", "mermaid", "dot", "json")
_SUFFIXES = {
    ".svg": "svg",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".json": "json",
}


class Options(Asked):
    """The flags of the command, declared and read."""

    def __init__(self, argv: list[str]) -> None:
        flags = FlagSet("graph", "PATH", _SUMMARY, minimum=1, maximum=1)
        output_format = flags.choice(
            "output-format", FORMATS[0], FORMATS, noun="output format", doc="what to write"
        )
        file = flags.string("output-file", kind="file", doc="write to this file; - is standard output")
        focus = flags.string(
            "focus", kind="ID", doc="draw only this component, what feeds it and what it feeds"
        )
        of_program = ProgramFlags(flags)
        of_settings = SettingsFlags(flags)
        name = stdin_filename(flags)
        environ = environment_flags(flags)
        (self.path,) = flags.parse(argv)
        self.file = "" if file.value == STDIN else file.value
        self.format = output_format.value
        if not output_format.given:
            self.format = _SUFFIXES.get(Path(self.file).suffix.lower(), FORMATS[0])
        self.focus = focus.value
        self._ask(of_program, of_settings, name, environ)
        if Path(self.file).suffix == ".alloy":
            raise UsageError(f"--output-file {self.file}: this would overwrite a configuration")
