"""An installation of the mobile application `bank`, which is a client that authenticates with its key."""

import requests
from joserfc.jwk import ECKey

from .checks import equal
from .environment import ISSUER, with_key

REDIRECT_URI = "bank://login"


def metadata_of(key):
    """The metadata of an installation with this key (RFC 7591 §2)."""
    return {
        "software_id": "bank",
        "software_version": "1.0",
        "platform": "android",
        "device_name": "A phone",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key.as_dict(private=False)]},
    }


def install():
    """Registers an installation."""
    key = ECKey.generate_key("P-256")
    response = requests.post(f"{ISSUER}/oauth/register", json=metadata_of(key), timeout=10)
    equal(response.status_code, 201)
    return with_key(response.json()["client_id"], key, redirect_uri=REDIRECT_URI)
