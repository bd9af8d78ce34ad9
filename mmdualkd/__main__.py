"""``python -m mmdualkd``, the same as the command ``mmdualkd``."""

from .cli.main import main

if __name__ == '__main__':
    main()
