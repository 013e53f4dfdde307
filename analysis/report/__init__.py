"""One self-contained page about a run: what was asked, what came out, how to do it again."""
