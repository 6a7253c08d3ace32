"""The service: Kafka records in, explained alerts out."""
