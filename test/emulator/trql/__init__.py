"""The query language of the query endpoint: TRQL, compiled to what a real engine executes."""
