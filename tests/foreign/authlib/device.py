"""The device flow (RFC 8628)."""

import time

from authlib.integrations.base_client import OAuthError
from support.browser import Browser, reject
from support.checks import check, equal, refused
from support.flows import SERVER, is_valid, userinfo
from support.environment import SCOPE, keyed, shop, some_user

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
client = shop()


def initiate(by=client):
    """Authlib has no function for this request."""
    auth = by.client_auth(by.token_endpoint_auth_method)
    return by.post(SERVER["device_authorization_endpoint"], data={"scope": SCOPE}, auth=auth)


def initiated():
    response = initiate()
    equal(response.status_code, 200)
    return response.json()


def poll(device_code, by=client):
    return by.fetch_token(SERVER["token_endpoint"], grant_type=DEVICE_CODE, device_code=device_code)


def wait_for_token(told):
    """Polls as described in RFC 8628 §3.5."""
    interval = told.get("interval", 5)
    while True:
        time.sleep(interval)
        try:
            return dict(poll(told["device_code"]))
        except OAuthError as error:
            if error.error == "slow_down":
                interval += 5
            elif error.error != "authorization_pending":
                raise


def type_in(browser, told, **fields):
    page = browser.open(told["verification_uri"])
    equal(page.response.status_code, 200)
    return browser.submit(page, **{"user_code": told["user_code"], **fields})


@check("the device gets tokens when the user has typed the code")
def _():
    user, told = some_user(), initiated()
    page = type_in(Browser(user), told)
    equal(page.response.status_code, 200)
    token = wait_for_token(told)
    equal(userinfo(client, token["access_token"]).json()["sub"], user)
    assert token["refresh_token"] and is_valid(client, token["access_token"])
    with refused("invalid_grant"):
        poll(told["device_code"])


@check("the code may be typed in lower case and with spaces")
def _():
    user, told = some_user(), initiated()
    spoken = " ".join(told["user_code"].replace("-", "").lower())
    page = type_in(Browser(user), told, user_code=spoken)
    equal(page.response.status_code, 200)
    equal(userinfo(client, wait_for_token(told)["access_token"]).json()["sub"], user)


@check("until then the device has to poll slowly")
def _():
    told = initiated()
    for error in ["authorization_pending", "slow_down"]:
        with refused(error):
            poll(told["device_code"])


@check("after a rejected log-in or consent the device is denied")
def _():
    for answers in [{"login": reject("login")}, {"consent": reject("consent")}]:
        told = initiated()
        type_in(Browser(some_user(), **answers), told)
        with refused("access_denied"):
            poll(told["device_code"])


@check("another client cannot use the device code")
def _():
    told, other = initiated(), keyed()
    with refused("invalid_grant", "unauthorized_client"):
        poll(told["device_code"], by=other)
    answer = initiate(by=other)
    equal((answer.status_code, answer.json()["error"]), (400, "unauthorized_client"))
