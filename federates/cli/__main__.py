"""Run the command line as ``python -m federates.cli``."""

from federates.cli.app import main

if __name__ == "__main__":
    main()
