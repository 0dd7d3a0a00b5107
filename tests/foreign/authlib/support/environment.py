"""The server under test and its clients, which are configured in `settings.toml`."""

import json
import os
import uuid

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey

ISSUER = os.environ["FOREIGN_ISSUER"]
MANAGEMENT = os.environ["FOREIGN_MANAGEMENT"]
LOGIN_URL = os.environ["FOREIGN_LOGIN_URL"]
CONSENT_URL = os.environ["FOREIGN_CONSENT_URL"]
# All clients with a secret have this one.
CLIENT_SECRET = os.environ["FOREIGN_CLIENT_SECRET"]
# The resource server `orders-api`: its tokens are JWTs.
ORDERS_API = "https://api.shop.example"
SCOPE = "openid offline_access orders"


def metadata():
    """The server's metadata."""
    return requests.get(f"{ISSUER}/.well-known/openid-configuration").json()


def session(client_id, client_secret=None, method=None, **options):
    """A client. It knows the token endpoint, which Authlib needs for refreshing by itself."""
    return OAuth2Session(
        client_id,
        client_secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        code_challenge_method="S256",
        token_endpoint=f"{ISSUER}/oauth/token",
        default_timeout=10,
        **options,
    )


def shop(method="client_secret_basic", client_secret=CLIENT_SECRET):
    """The client with a secret."""
    return session("shop", client_secret, method, scope=SCOPE, redirect_uri="http://127.0.0.1:9/shop")


def keyed(key=None, method=None):
    """The client with a key."""
    key = key or ECKey.import_key(json.loads(os.environ["FOREIGN_KEYED_JWK"]))
    return with_key("keyed", key, method, scope=SCOPE, redirect_uri="http://127.0.0.1:9/keyed")


def with_key(client_id, key, method=None, **options):
    """A client that authenticates with a key. The audience is always the token endpoint."""
    client = session(client_id, key, "private_key_jwt", **options)
    client.register_client_auth_method(method or PrivateKeyJWT(f"{ISSUER}/oauth/token", alg="ES256"))
    return client


def api_client(client_id):
    """An API client: `portal` or `stranger`."""
    return session(client_id, CLIENT_SECRET, "client_secret_basic")


def some_user():
    """A new user."""
    return f"user-{uuid.uuid4()}"
