"""Revocation (RFC 7009)."""

from support.checks import check, equal, refused
from support.flows import SERVER, Login, is_good, refresh
from support.world import keyed, shop

client = shop()


def revoke(token, by=client, **hint):
    response = by.revoke_token(SERVER["revocation_endpoint"], token=token, **hint)
    return response.status_code


@check("an access token is gone at once; the refresh token stays")
def _():
    login = Login(client)
    assert is_good(client, login.access)
    equal(revoke(login.access, token_type_hint="access_token"), 200)
    assert not is_good(client, login.access)
    assert is_good(client, refresh(client, login.refresh)["access_token"])


@check("a refresh token takes its access tokens with it")
def _():
    login = Login(client)
    second = refresh(client, login.refresh)
    equal(revoke(second["refresh_token"], token_type_hint="refresh_token"), 200)
    with refused("invalid_grant"):
        refresh(client, second["refresh_token"])
    for token in [login.access, second["access_token"]]:
        assert not is_good(client, token)


@check("a JWT is gone as well")
def _():
    own = keyed()
    login = Login(own)
    assert login.access.count(".") == 2 and is_good(own, login.access)
    equal(revoke(login.access, by=own), 200)
    assert not is_good(own, login.access)


@check("what is not there is revoked already")
def _():
    for text in ["x", "a.b.c", "é" * 10]:
        equal(revoke(text), 200)


@check("a client revokes nothing of another's")
def _():
    login = Login(client)
    for text in [login.access, login.refresh]:
        assert revoke(text, by=keyed()) in (200, 400)
    assert is_good(client, login.access)
    refresh(client, login.refresh)


@check("a wrong secret revokes nothing")
def _():
    login = Login(client)
    equal(revoke(login.access, by=shop(client_secret="wrong")), 401)
    assert is_good(client, login.access)
