"""`python -m imagematch.cli` is the same as `imagematch`."""

from imagematch.cli import main

if __name__ == "__main__":
    main()
