"""The parts of pyroscope.scrape.

`arguments` says what it accepts. `syncing` and `targets` work out from the targets what is to be scraped;
`pool` keeps one `loop` for each type of profile of each target, and `timing` says when it is due. `fetching`
gets a profile, and `checks` refuses what is not one. `deltas` has profiles compared with the ones before,
by `worker` in processes of their own: `subtraction` does that, with `samples` and `symbols`.
"""
