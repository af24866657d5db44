"""Replays what components of Alloy were seen to do: `tests/golden/components/*.jsonl`.

Each line is a case: servers, files and a configuration, in one or more phases, and what the admin server, the
log, the metrics and the servers showed after each. Cases share processes. Place holders in the texts: @L@ the
component's label, @D@ a directory, @P:x@ the port of server x, @H:x@ its address, @CA@ @CRT@ @KEY@ PEM texts.

`python -m tests.support.component_cases check [PART OF IDS ...]` shows differences,
`accept REASON PART...` writes those of the named cases to the component's `.differences.json`.
"""
