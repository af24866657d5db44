"""The store of a queue in Kafka, for several machines. It knows aiokafka and Kafka, and no component.

Only what runs with a `kafka` block imports this package, and only it imports aiokafka. `stream.Stream` stands
where `queueing.log.Log` does, and a `cursor.StreamCursor` where `queueing.cursor.Cursor` does.

In Kafka, a record is a message whose value is a head of 16 bytes (little endian: ALQK, length of the meta
u32, time of reception in nanoseconds since 1970 u64), its meta and its body, as in the files of a queue. What
is larger than max_message_bytes goes in parts: the same bytes cut into pieces, in order, in one partition,
each with the headers `id` (of the record), `part` (such as 2/71) and `size` (of the whole).

Each destination is a consumer group. What it has settled is committed: the offset before which all is, and in
the metadata of the commit what is settled beyond it. So a record that waits for another try makes nothing
come twice after a restart.
"""
