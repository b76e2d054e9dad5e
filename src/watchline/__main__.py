"""`python -m watchline` is the `watchline` command."""

from watchline.cli.main import main

if __name__ == "__main__":
    main()
