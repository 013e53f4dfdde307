"""What is read off a state, one quantity a function."""
