"""``python -m ecosystem`` is the command ``ecosystem``."""

from ecosystem.cli import main

if __name__ == "__main__":
    main()
