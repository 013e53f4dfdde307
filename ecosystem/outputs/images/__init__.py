"""Images: real ones, what they are worth, how far they are from one another."""
