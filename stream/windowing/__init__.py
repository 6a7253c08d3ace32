"""Windows: the pure logic, its state in Redis, and the ready stream."""
