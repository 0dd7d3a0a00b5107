"""A client that authenticates with its key (RFC 7523)."""

import time

import requests
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from joserfc.jwk import ECKey
from support.checks import check, equal, refused
from support.flows import SERVER, Login, is_valid, refresh
from support.environment import CLIENT_SECRET, ISSUER, keyed, session

TOKEN = SERVER["token_endpoint"]


def own_token(by):
    return by.fetch_token(TOKEN, grant_type="client_credentials", scope="orders")


def with_claims(**claims):
    return keyed(method=PrivateKeyJWT(TOKEN, claims=claims, alg="ES256"))


@check("the client pushes, redeems, refreshes and revokes")
def _():
    client = keyed()
    login = Login(client)
    equal(login.claims["sub"], login.user)
    second = refresh(client, login.refresh)
    equal(client.revoke_token(SERVER["revocation_endpoint"], token=second["refresh_token"]).status_code, 200)
    assert not is_valid(client, second["access_token"])


@check("the audience may be the endpoint, at all endpoints")
def _():
    client = keyed(method=PrivateKeyJWT(alg="ES256"))
    login = Login(client)
    equal(client.revoke_token(SERVER["revocation_endpoint"], token=login.access).status_code, 200)
    assert not is_valid(client, login.access)


@check("the audience may be the issuer")
def _():
    own_token(keyed(method=PrivateKeyJWT(ISSUER, alg="ES256")))


@check("an assertion can be used once")
def _():
    sent = []

    def note(response):
        sent.append(response.request)
        return response

    client = keyed()
    client.register_compliance_hook("access_token_response", note)
    own_token(client)
    again = requests.Session().send(sent[0], timeout=10)
    equal((again.status_code, again.json()["error"]), (401, "invalid_client"))


@check("an invalid assertion is refused")
def _():
    now = int(time.time())
    for claims in [
        {"aud": "https://elsewhere.example"},
        {"iss": "shop"},
        {"sub": "shop"},
        {"exp": str(now + 60)},
        {"exp": now - 301, "iat": now - 361},
        {"iat": now + 3600, "exp": now + 3660},
        {"nbf": now + 3600},
        {"jti": ""},
    ]:
        with refused("invalid_client"):
            own_token(with_claims(**claims))


@check("another key or a secret is refused")
def _():
    with refused("invalid_client"):
        own_token(keyed(ECKey.generate_key("P-256")))
    for method in ["client_secret_basic", "client_secret_post", "none"]:
        with refused("invalid_client"):
            own_token(session("keyed", CLIENT_SECRET, method))
    client = session("keyed", CLIENT_SECRET, "client_secret_jwt")
    client.register_client_auth_method(ClientSecretJWT(TOKEN))
    with refused("invalid_client"):
        own_token(client)
