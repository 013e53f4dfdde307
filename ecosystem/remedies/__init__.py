"""What helps against bias: one remedy a file."""
