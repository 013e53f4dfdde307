"""What a scenario may say: one module a block, each field described where it is defined."""
