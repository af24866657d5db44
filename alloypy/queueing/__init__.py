"""A durable queue on disk. It knows no network and no component: a record is a meta and a body, both bytes.

How it is used (all in one event loop; `log.Log`, `settings.LogSettings`, `errors`, `record`, `cursor`):

    log = await Log.open(path, settings=LogSettings(...), destinations=["pyroscope.write.eu"])  # QueueError
    place = await log.put(meta, [piece, ...])   # stored when it returns; Full(reason), WriteFailed, Closed
    cursor = log.cursor("pyroscope.write.eu")   # one for each destination
    record = await cursor.next()                # Record(place, received_at, meta, body, crashes)
    cursor.tried(place)                         # before the first try to deliver it
    cursor.ends(place)                          # at how many ends of the process it was being delivered
    cursor.done(place)                          # delivered
    cursor.failed(place)                        # the try failed; True: it was too old, and has been dropped
    cursor.drop(place, "too_old")               # given up; reasons are in `marks.REASONS`
    await cursor.dead(place, "refused", words)  # becomes a dead letter
    cursor.back(place)                          # not delivered: `next` gives it out again
    cursor.behind, cursor.counts, log.facts()   # figures, without I/O
    cursor = await log.add_destination(name)    # gets what is put from now on, or goes on where it was
    log.remove_destination(name)                # what waits for it is kept for max_age
    log.use(settings), log.now()                # other settings; the time of `received_at`
    await Log.check(path)                       # QueueError if no queue can be there; changes nothing
    await log.close()                           # nothing is marked by closing

`desk.Attended` is a log that obeys `orders`, also from other processes, for `alloypy queue`.

`next` gives each record out once, in order; up to the caller how many it holds at a time. What it has given
out and was not settled is given out again after a restart.

On disk (`v1` in the directory of the queue; nothing but the files of records is needed to start):

- `000000000001.seg`: records (`record`), never rewritten; ended at segment_size or after 10 minutes with a
  footer, and deleted once no destination waits for any of it. Records are numbered without a gap, so that a
  missing number is a lost record.
- `done-NAME.log`: marks of what has become of records, for one destination (`marks`).
- `tries.log`: which records were being tried (`tries`), to find one that kills the process.
- `dead-NAME/`: dead letters (`dead_letters`).
- `lock`: locked by the process that has the queue open; contains its id.
- `control`: the socket where that process takes orders.

The law, for each destination and over restarts: stored = delivered + dropped + dead + waiting. A record
that was stored counts for the destinations that there were then. What is missing in the files is dropped with
the reason `damaged`; a dead letter counts as dropped when it is evicted.
"""
