"""Named checks. Results are printed; a failed check makes the script fail."""

import atexit
import os
import sys
import textwrap
import traceback
from contextlib import contextmanager

from authlib.integrations.base_client import OAuthError

_failed = []


def check(name):
    """Runs the decorated function and prints the result. The function's name is then bound to its return value."""

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
    """Expects that the server refuses the enclosed requests with one of these OAuth errors."""
    try:
        yield
    except OAuthError as error:
        assert error.error in errors, f"{error.error}, not {errors}: {error.description}"
    else:
        raise AssertionError(f"not refused with {errors}")


def equal(found, wanted):
    """Shows both values if they differ."""
    assert found == wanted, f"{found!r} is not {wanted!r}"


@atexit.register
def _end():
    if _failed:
        sys.stdout.flush()
        os._exit(1)
