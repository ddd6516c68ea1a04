#!/usr/bin/env python
"""Django's command line for Imagineer."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imagineer.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # The sentence says what to set; the way to it through Django says nothing.
        sys.exit(str(error))


if __name__ == "__main__":
    main()
