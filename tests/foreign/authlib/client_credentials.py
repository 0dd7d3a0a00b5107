"""Client credentials: opaque tokens and JWTs (RFC 9068)."""

import requests
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet
from support.checks import check, equal, refused
from support.flows import SERVER
from support.environment import ISSUER, ORDERS_API, keyed, shop

client = shop()


class Validator(JWTBearerTokenValidator):
    """A resource server that validates tokens with the server's keys."""

    def get_jwks(self):
        return KeySet.import_key_set(requests.get(SERVER["jwks_uri"], timeout=10).json())


def own_token(by=client, **parameters):
    return by.fetch_token(SERVER["token_endpoint"], grant_type="client_credentials", **parameters)


@check("a client gets an opaque token by default")
def _():
    token = own_token(scope="orders")
    equal((token["token_type"], token.get("refresh_token"), token.get("id_token")), ("Bearer", None, None))
    assert token["expires_in"] > 0 and "." not in token["access_token"]


@check("a token for the resource server is a JWT that it accepts")
def _():
    token = own_token(scope="orders", resource=ORDERS_API)
    validator = Validator(ISSUER, ORDERS_API)
    claims = validator.authenticate_token(token["access_token"])
    validator.validate_token(claims, ["orders"], None)
    equal((claims.header["alg"], claims.header["typ"]), ("RS256", "at+jwt"))
    equal((claims["client_id"], claims["sub"], claims["scope"]), ("shop", "shop", "orders"))


@check("a client whose tokens are JWTs gets one")
def _():
    token = own_token(keyed(), scope="orders")
    claims = Validator(ISSUER, None).authenticate_token(token["access_token"])
    equal((claims.header["alg"], claims.header["typ"]), ("ES256", "at+jwt"))
    equal((claims["iss"], claims["client_id"], claims["scope"]), (ISSUER, "keyed", "orders"))
    assert {"aud", "exp", "iat", "jti", "sub"} <= claims.keys(), claims


@check("scopes and resources that are not allowed are refused")
def _():
    with refused("invalid_scope"):
        own_token(scope="unheard-of")
    for resource in ["https://unheard-of.example", "not an address", f"{ORDERS_API}#part"]:
        with refused("invalid_target"):
            own_token(scope="orders", resource=resource)


@check("an unknown grant type is refused")
def _():
    with refused("unsupported_grant_type"):
        client.fetch_token(SERVER["token_endpoint"], grant_type="urn:example:unheard-of")
