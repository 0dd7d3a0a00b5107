"""Flows that several scripts use."""

from urllib.parse import parse_qsl, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from .browser import Browser
from .checks import equal
from .environment import ISSUER, metadata, some_user

SERVER = metadata()


class Request:
    """An authorization request, and what is needed to check its response."""

    def __init__(self, client, **parameters):
        self.client = client
        self.verifier = generate_token(48)
        self.nonce = generate_token(20)
        self.state = generate_token(20)
        self.address, _ = client.create_authorization_url(
            SERVER["authorization_endpoint"],
            state=self.state,
            nonce=self.nonce,
            code_verifier=self.verifier,
            **parameters,
        )

    def push(self):
        """Pushes the request (RFC 9126) and returns the URL to open instead. Authlib has no function for that, only its parts."""
        client = self.client
        form = dict(parse_qsl(urlsplit(self.address).query))
        if client.token_endpoint_auth_method == "client_secret_post":
            # That method adds it, and no parameter may be repeated.
            del form["client_id"]
        response = client.post(
            SERVER["pushed_authorization_request_endpoint"],
            data=form,
            auth=client.client_auth(client.token_endpoint_auth_method),
        )
        token = client.token
        answer = client.parse_response_token(response)
        client.token = token
        equal(response.status_code, 201)
        assert answer["expires_in"] > 0
        return requests.Request(
            "GET",
            SERVER["authorization_endpoint"],
            params={"client_id": client.client_id, "request_uri": answer["request_uri"]},
        ).prepare().url

    def redeem(self, page, **parameters):
        """Exchanges the code that the browser came back with for tokens."""
        equal(page.parameters.get("iss"), ISSUER)
        assert "code" in page.parameters, f"no code: {page.url}"
        return self.client.fetch_token(
            SERVER["token_endpoint"],
            authorization_response=page.url,
            state=self.state,
            code_verifier=self.verifier,
            **parameters,
        )

    def claims(self, token):
        """The claims of an ID token, verified with the server's keys."""
        keys = KeySet.import_key_set(requests.get(SERVER["jwks_uri"]).json())
        decoded = jwt.decode(token["id_token"], keys, algorithms=SERVER["id_token_signing_alg_values_supported"])
        client_id = self.client.client_id
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": client_id}},
            {"nonce": self.nonce, "client_id": client_id, "access_token": token["access_token"]},
        )
        claims.validate(leeway=5)
        return claims


class Login:
    """A user who has logged in at a client by a pushed request, with the tokens and the claims of the ID token."""

    def __init__(self, client, redeem=None, **parameters):
        self.user = some_user()
        request = Request(client, **parameters)
        page = Browser(self.user).open(request.push())
        self.token = dict(request.redeem(page, **(redeem or {})))
        self.claims = request.claims(self.token) if "id_token" in self.token else None

    @property
    def access(self):
        return self.token["access_token"]

    @property
    def refresh(self):
        return self.token["refresh_token"]


def refresh(client, token, **parameters):
    """Refreshes tokens."""
    return dict(client.refresh_token(SERVER["token_endpoint"], refresh_token=token, **parameters))


def userinfo(client, access_token, token_type="Bearer"):
    """The response of userinfo to an access token."""
    client.token = {"access_token": access_token, "token_type": token_type}
    return client.get(SERVER["userinfo_endpoint"])


def is_valid(client, access_token, token_type="Bearer"):
    """Whether userinfo accepts an access token."""
    status = userinfo(client, access_token, token_type).status_code
    assert status in (200, 401), status
    return status == 200
