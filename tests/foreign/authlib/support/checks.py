"""Checks with names: what passed is printed, what failed makes the script fail."""

import atexit
import os
import sys
import textwrap
import traceback
from contextlib import contextmanager

from authlib.integrations.base_client import OAuthError

_failed = []


def check(name):
    """Runs the function below it and prints how that went; the function's name is then what it gave."""

    def run(function):
        try:
            value = function()
        except Exception:
            _failed.append(name)
            print(f"FAILED  {name}")
            print(textwrap.indent(traceback.format_exc(), " " * 8), flush=True)
            return None
        print(f"ok      {name}", flush=True)
        return value

    return run


@contextmanager
def refused(*errors):
    """The server refuses what is done within, with one of these OAuth errors."""
    try:
        yield
    except OAuthError as error:
        assert error.error in errors, f"{error.error}, not {errors}: {error.description}"
    else:
        raise AssertionError(f"not refused with {errors}")


def equal(found, wanted):
    """Says both when they differ."""
    assert found == wanted, f"{found!r} is not {wanted!r}"


@atexit.register
def _end():
    if _failed:
        sys.stdout.flush()
        os._exit(1)
