"""`python -m prefloop` is the `prefloop` command."""

from prefloop.cli.main import main

if __name__ == "__main__":
    main()
