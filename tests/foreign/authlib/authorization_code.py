"""The authorization code: PKCE (RFC 7636), pushed requests (RFC 9126), `iss` (RFC 9207), the ID token."""

import time

from authlib.common.security import generate_token
from support.browser import Browser, reject
from support.checks import check, equal, refused
from support.flows import SERVER, Login, Request, is_valid, refresh
from support.environment import ISSUER, SCOPE, shop, some_user

client = shop()


@check("a pushed request leads to tokens and a valid ID token")
def _():
    login = Login(client)
    equal(login.token["token_type"], "Bearer")
    assert login.token["expires_in"] > 0 and login.refresh
    equal(sorted(login.token.get("scope", SCOPE).split()), sorted(SCOPE.split()))
    equal((login.claims["iss"], login.claims["sub"], login.claims["amr"]), (ISSUER, login.user, ["pwd"]))
    assert abs(login.claims["auth_time"] - time.time()) < 60


@check("so does a request that is not pushed")
def _():
    user, request = some_user(), Request(client)
    token = request.redeem(Browser(user).open(request.address))
    equal(request.claims(token)["sub"], user)


@check("the client secret may be sent in the form")
def _():
    login = Login(shop("client_secret_post"))
    equal(login.claims["sub"], login.user)


@check("a code that is used twice is refused and its tokens are revoked")
def _():
    request = Request(client)
    page = Browser(some_user()).open(request.push())
    token = dict(request.redeem(page))
    assert is_valid(client, token["access_token"])
    with refused("invalid_grant"):
        request.redeem(page)
    assert not is_valid(client, token["access_token"])
    with refused("invalid_grant"):
        refresh(client, token["refresh_token"])


@check("another verifier or redirect URI is refused")
def _():
    request = Request(client)
    page = Browser(some_user()).open(request.push())
    request.verifier = generate_token(48)
    with refused("invalid_grant"):
        request.redeem(page)
    request = Request(client)
    page = Browser(some_user()).open(request.push())
    with refused("invalid_grant"):
        request.redeem(page, redirect_uri="http://127.0.0.1:9/other")


@check("a pushed request can be used for one log-in")
def _():
    request = Request(client)
    address = request.push()
    request.redeem(Browser(some_user()).open(address))
    again = Browser(some_user()).open(address)
    assert again.response is not None and again.response.status_code == 400, again.url


@check("errors of a request are reported to the client")
def _():
    for changes, error in [
        ({"scope": "openid device"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ]:
        request = Request(client, **changes)
        if "code_challenge_method" in changes:
            request.address = request.address.replace("code_challenge_method=S256", "code_challenge_method=plain")
        page = Browser(some_user()).open(request.address)
        equal((page.parameters.get("error"), page.parameters.get("state")), (error, request.state))
        equal(page.parameters["iss"], ISSUER)
        with refused(error):
            request.push()


@check("a rejected log-in or consent is reported as `access_denied`")
def _():
    for answers in [{"login": reject("login")}, {"consent": reject("consent")}]:
        request = Request(client)
        page = Browser(some_user(), **answers).open(request.push())
        equal((page.parameters.get("error"), page.parameters.get("state")), ("access_denied", request.state))
        equal(page.parameters["iss"], ISSUER)


@check("a wrong secret is refused")
def _():
    request = Request(client)
    page = Browser(some_user()).open(request.push())
    request.client = shop(client_secret="wrong")
    with refused("invalid_client"):
        request.redeem(page)
    with refused("invalid_client"):
        Request(shop(client_secret="wrong")).push()


@check("the metadata names what was used")
def _():
    assert SERVER["authorization_response_iss_parameter_supported"] is True
    equal(SERVER["code_challenge_methods_supported"], ["S256"])
