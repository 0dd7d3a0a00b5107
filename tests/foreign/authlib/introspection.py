"""Introspection (RFC 7662) by an API client for its resource servers."""

import time

from support.checks import check, equal
from support.flows import SERVER, Login
from support.environment import CLIENT_SECRET, ISSUER, ORDERS_API, api_client, session, shop

client = shop()
FOR_ORDERS = {"redeem": {"resource": ORDERS_API}, "resource": ORDERS_API}


def introspect(token, by="portal", url=SERVER["introspection_endpoint"], **hint):
    response = api_client(by).introspect_token(url, token=token, **hint)
    equal(response.status_code, 200)
    return response.json()


@check("a valid token is described at all paths")
def _():
    login = Login(client, **FOR_ORDERS)
    for path in ["/oauth/introspect", "/oauth/api/v1/token/introspect", "/oauth/api/v2/token/introspect"]:
        told = introspect(login.access, url=ISSUER + path, token_type_hint="access_token")
        equal((told["active"], told["sub"], told["client_id"]), (True, login.user, "shop"))
        equal((told["token_type"], told["scope"], told["amr"]), ("Bearer", "orders", ["pwd"]))
        assert told["aud"] in (ORDERS_API, [ORDERS_API])
    assert told["exp"] > time.time() >= told["iat"] - 1


@check("a token from client credentials has no user")
def _():
    token = client.fetch_token(
        SERVER["token_endpoint"], grant_type="client_credentials", scope="orders", resource=ORDERS_API
    )
    told = introspect(token["access_token"])
    equal((told["active"], told["client_id"], told["scope"]), (True, "shop", "orders"))


@check("invalid tokens and those of other resource servers are only inactive")
def _():
    login = Login(client, **FOR_ORDERS)
    equal(introspect(login.access, by="stranger"), {"active": False})
    client.revoke_token(SERVER["revocation_endpoint"], token=login.access)
    for text in [login.access, login.access + "x", "x", "a.b.c", "é"]:
        equal(introspect(text), {"active": False})


@check("unauthenticated and unauthorized clients are refused")
def _():
    login = Login(client, **FOR_ORDERS)
    for other in [client, session("portal", "wrong"), session("portal", None, "none"), session("x", CLIENT_SECRET)]:
        response = other.introspect_token(SERVER["introspection_endpoint"], token=login.access)
        equal((response.status_code, response.json()["error"]), (401, "invalid_client"))
