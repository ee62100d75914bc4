"""What only PostgreSQL can be asked: what the database itself refuses, and faults."""
