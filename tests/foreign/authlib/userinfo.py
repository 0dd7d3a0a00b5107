"""Userinfo (OpenID Connect Core §5.3)."""

from authlib.oidc.core import UserInfo
from support.checks import check, equal
from support.flows import SERVER, Login, is_valid, userinfo
from support.environment import keyed, shop

client = shop()


@check("the user of an opaque token and of a JWT is returned")
def _():
    for own in [client, keyed()]:
        login = Login(own)
        equal(UserInfo(userinfo(own, login.access).json()).sub, login.user)


@check("requests may use POST")
def _():
    login = Login(client)
    client.token = {"access_token": login.access, "token_type": "Bearer"}
    equal(client.post(SERVER["userinfo_endpoint"]).json()["sub"], login.user)


@check("a token without `openid` is not sufficient")
def _():
    token = client.fetch_token(SERVER["token_endpoint"], grant_type="client_credentials", scope="orders")
    answer = userinfo(client, token["access_token"])
    equal(answer.status_code, 403)
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"], answer.headers


@check("an invalid token is refused")
def _():
    login = Login(client)
    for text in ["x", "a.b.c", login.access + "x", login.refresh, login.token["id_token"]]:
        answer = userinfo(client, text)
        equal(answer.status_code, 401)
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"], answer.headers
    assert is_valid(client, login.access)
