"""A Kafka-compatible broker and a Redis of one's own, for the demo, the tests and the benchmarks."""
