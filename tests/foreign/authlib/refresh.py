"""Refresh tokens: rotation and the detection of reuse (RFC 6749 §6, RFC 9700 §4.14)."""

from support.checks import check, equal, refused
from support.flows import Login, is_valid, refresh
from support.environment import keyed, shop

client = shop()
# Authlib sends the client's scope with every refresh unless this parameter is given.
SAME = {"scope": None}


@check("a refresh returns a new pair of tokens")
def _():
    login = Login(client)
    second = refresh(client, login.refresh, **SAME)
    assert second["access_token"] != login.access and second["refresh_token"] != login.refresh
    assert is_valid(client, second["access_token"])
    third = refresh(client, second["refresh_token"])
    assert is_valid(client, third["access_token"])


@check("Authlib refreshes an expired token by itself")
def _():
    login = Login(client)
    client.token = {**login.token, "expires_at": 1}
    answer = client.get(f"{client.metadata['token_endpoint'].removesuffix('token')}userinfo")
    equal((answer.status_code, answer.json()["sub"]), (200, login.user))
    assert client.token["refresh_token"] != login.refresh


@check("a lost response can be requested again")
def _():
    login = Login(client)
    second, again = refresh(client, login.refresh, **SAME), refresh(client, login.refresh, **SAME)
    equal(again["refresh_token"], second["refresh_token"])


@check("using an old refresh token revokes the whole family")
def _():
    login = Login(client)
    second = refresh(client, login.refresh, **SAME)
    third = refresh(client, second["refresh_token"], **SAME)
    for token in [login.refresh, third["refresh_token"]]:
        with refused("invalid_grant"):
            refresh(client, token, **SAME)
    for token in [login.access, second["access_token"], third["access_token"]]:
        assert not is_valid(client, token)


@check("scopes can be reduced but not extended")
def _():
    login = Login(client, scope="openid offline_access")
    less = refresh(client, login.refresh, scope="openid")
    equal(less["scope"], "openid")
    with refused("invalid_scope"):
        refresh(client, less["refresh_token"], scope="openid orders")


@check("another client cannot use it, and it stays valid")
def _():
    login = Login(client)
    with refused("invalid_grant"):
        refresh(keyed(), login.refresh, **SAME)
    refresh(client, login.refresh, **SAME)


@check("an invalid refresh token is refused")
def _():
    login = Login(client)
    for text in ["x", login.access, login.refresh + "A", "é"]:
        with refused("invalid_grant"):
            refresh(client, text, **SAME)
