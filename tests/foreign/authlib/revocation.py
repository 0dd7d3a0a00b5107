"""Revocation (RFC 7009)."""

from support.checks import check, equal, refused
from support.flows import SERVER, Login, is_valid, refresh
from support.environment import keyed, shop

client = shop()


def revoke(token, by=client, **hint):
    response = by.revoke_token(SERVER["revocation_endpoint"], token=token, **hint)
    return response.status_code


@check("revoking an access token keeps the refresh token")
def _():
    login = Login(client)
    assert is_valid(client, login.access)
    equal(revoke(login.access, token_type_hint="access_token"), 200)
    assert not is_valid(client, login.access)
    assert is_valid(client, refresh(client, login.refresh)["access_token"])


@check("revoking a refresh token revokes its access tokens")
def _():
    login = Login(client)
    second = refresh(client, login.refresh)
    equal(revoke(second["refresh_token"], token_type_hint="refresh_token"), 200)
    with refused("invalid_grant"):
        refresh(client, second["refresh_token"])
    for token in [login.access, second["access_token"]]:
        assert not is_valid(client, token)


@check("a JWT can be revoked too")
def _():
    own = keyed()
    login = Login(own)
    assert login.access.count(".") == 2 and is_valid(own, login.access)
    equal(revoke(login.access, by=own), 200)
    assert not is_valid(own, login.access)


@check("revoking an unknown token succeeds")
def _():
    for text in ["x", "a.b.c", "é" * 10]:
        equal(revoke(text), 200)


@check("a client cannot revoke the tokens of another")
def _():
    login = Login(client)
    for text in [login.access, login.refresh]:
        assert revoke(text, by=keyed()) in (200, 400)
    assert is_valid(client, login.access)
    refresh(client, login.refresh)


@check("with a wrong secret nothing is revoked")
def _():
    login = Login(client)
    equal(revoke(login.access, by=shop(client_secret="wrong")), 401)
    assert is_valid(client, login.access)
