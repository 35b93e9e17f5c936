#!/usr/bin/env python
import os
import secrets
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if sys.argv[1:2] == ["gate"]:
        # It only reads and writes files, also where there is no desk: in the CI of a repository of templates.
        os.environ.setdefault("DJANGO_SECRET_KEY", secrets.token_urlsafe())
        os.environ.setdefault("DATABASE_URL", "postgres://nobody@127.0.0.1/nothing")
    execute_from_command_line(sys.argv)
