"""Users who answer back: which model they ask, and what they do when they are served badly."""
