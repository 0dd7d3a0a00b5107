"""DPoP (RFC 9449) with a public client. Authlib does not support DPoP but can be extended."""

import base64
import hashlib
import time
import uuid

import requests
from authlib.integrations.requests_client import OAuth2Auth, OAuth2Session
from authlib.oauth2.auth import encode_none
from joserfc import jwt
from joserfc.jwk import ECKey
from support.browser import Browser
from support.checks import check, equal, refused
from support.flows import SERVER, Login, Request, is_valid, refresh, userinfo
from support.environment import ISSUER, SCOPE, some_user


def proof(key, method, url, access_token=None, header=None, **changes):
    claims = {"htm": method, "htu": url, "iat": int(time.time()), "jti": str(uuid.uuid4())}
    if access_token:
        digest = hashlib.sha256(access_token.encode()).digest()
        claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False), **(header or {})}
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(header, claims, key)


class DPoPAuth(OAuth2Auth):
    """Sends a token with a proof."""

    SIGN_METHODS = {**OAuth2Auth.SIGN_METHODS, "dpop": lambda token, uri, headers, body, _: (uri, headers, body)}

    def __call__(self, request):
        request = super().__call__(request)
        if self.token["token_type"].lower() == "dpop":
            token = self.token["access_token"]
            request.headers["Authorization"] = f"DPoP {token}"
            request.headers["DPoP"] = proof(self.client.key, request.method, request.url, token)
        return request


class DPoPSession(OAuth2Session):
    """A public client that sends a proof with each request."""

    token_auth_class = DPoPAuth

    def __init__(self, key=None):
        self.key = key or ECKey.generate_key("P-256")
        super().__init__(
            "spa",
            token_endpoint_auth_method="dpop",
            revocation_endpoint_auth_method="dpop",
            code_challenge_method="S256",
            scope=SCOPE,
            redirect_uri="http://127.0.0.1:9/spa",
            default_timeout=10,
        )
        self.register_client_auth_method(("dpop", self.prove))

    def prove(self, client, method, url, headers, body):
        headers["DPoP"] = proof(self.key, method, url)
        # A pushed request contains the client_id already.
        return (url, headers, body) if "client_id=" in body else encode_none(client, method, url, headers, body)


def without_proof():
    return OAuth2Session(
        "spa", scope=SCOPE, redirect_uri="http://127.0.0.1:9/spa", code_challenge_method="S256", default_timeout=10
    )


@check("the tokens of a public client are bound to its key")
def _():
    client = DPoPSession()
    login = Login(client)
    equal(login.token["token_type"], "DPoP")
    equal(userinfo(client, login.access, "DPoP").json()["sub"], login.user)


@check("without a proof no tokens are issued")
def _():
    request = Request(without_proof())
    page = Browser(some_user()).open(request.address)
    with refused("invalid_dpop_proof", "invalid_request"):
        request.redeem(page)


@check("a public client cannot use client credentials")
def _():
    with refused("unauthorized_client"):
        DPoPSession().fetch_token(SERVER["token_endpoint"], grant_type="client_credentials")


@check("a bound token needs a proof with its key")
def _():
    client = DPoPSession()
    login = Login(client)
    assert not is_valid(client, login.access)
    assert not is_valid(DPoPSession(), login.access, "DPoP")
    assert is_valid(client, login.access, "DPoP")


@check("a proof can be used once, at userinfo and at the token endpoint")
def _():
    client = DPoPSession()
    login = Login(client)
    answer = userinfo(client, login.access, "DPoP")
    equal(answer.status_code, 200)
    again = requests.Session().send(answer.request, timeout=10)
    equal(again.status_code, 401)
    assert again.headers["WWW-Authenticate"].startswith("DPoP "), again.headers
    assert 'error="invalid_dpop_proof"' in again.headers["WWW-Authenticate"], again.headers
    header = {"DPoP": proof(client.key, "POST", SERVER["token_endpoint"])}
    for error in [None, "invalid_dpop_proof"]:
        form = {"grant_type": "refresh_token", "refresh_token": login.refresh, "client_id": "spa"}
        answer = requests.post(SERVER["token_endpoint"], data=form, headers=header, timeout=10)
        equal((answer.status_code, answer.json().get("error")), (400 if error else 200, error))


@check("a refresh token is bound too and rotates")
def _():
    client = DPoPSession()
    login = Login(client)
    second = refresh(client, login.refresh)
    equal(second["token_type"], "DPoP")
    assert is_valid(client, second["access_token"], "DPoP")
    for thief in [DPoPSession(), without_proof()]:
        with refused("invalid_grant", "invalid_dpop_proof", "invalid_request"):
            refresh(thief, second["refresh_token"])
    refresh(client, second["refresh_token"])


@check("an invalid proof is refused")
def _():
    client = DPoPSession()
    login = Login(client)
    url = SERVER["userinfo_endpoint"]

    def ask(token=login.access, **changes):
        header = {"Authorization": f"DPoP {login.access}", "DPoP": proof(client.key, "GET", url, token, **changes)}
        return requests.get(url, headers=header, timeout=10).status_code

    equal(ask(), 200)
    now = int(time.time())
    for changes in [
        {"htm": "POST"},
        {"htu": f"{ISSUER}/oauth/token"},
        {"iat": now - 3600},
        {"iat": now + 3600},
        {"iat": str(now)},
        {"jti": None},
        {"token": None},
        {"token": "another"},
        {"header": {"typ": "JWT"}},
        {"header": {"jwk": ECKey.generate_key("P-256").as_dict(private=False)}},
        {"header": {"jwk": client.key.as_dict(private=True)}},
    ]:
        equal((ask(**changes), changes), (401, changes))
