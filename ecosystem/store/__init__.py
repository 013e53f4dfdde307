"""Where results live: a directory of Parquet parts, one a chunk, and a manifest that says what they are."""
