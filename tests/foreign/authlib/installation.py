"""A mobile application: the tokens of the installation and its user, and repeated assertions."""

import requests
from authlib.common.security import generate_token
from support.browser import Browser
from support.checks import check, equal, refused
from support.installation import install
from support.environment import ISSUER, some_user

TOKEN = f"{ISSUER}/oauth/token"
client = install()


def authorize(installation=client):
    """Logs a user in on the installation. Returns where the browser ended, and the verifier."""
    verifier = generate_token(48)
    url, state = installation.create_authorization_url(
        f"{ISSUER}/oauth/authorize", code_verifier=verifier, scope="device user"
    )
    page = Browser(some_user()).open(url)
    equal((page.parameters["iss"], page.parameters["state"]), (ISSUER, state))
    return page.url, verifier


@check("an installation gets a token for itself")
def _():
    token = client.fetch_token(TOKEN, grant_type="client_credentials", scope="device")
    equal((token["token_type"], token["scope"]), ("Bearer", "device"))
    assert token["expires_in"] > 0 and "refresh_token" not in token


@check("it cannot get a user's scope for itself")
def _():
    with refused("invalid_scope"):
        client.fetch_token(TOKEN, grant_type="client_credentials", scope="device user")


@check("a user logs in on the installation")
def _():
    answer, verifier = authorize()
    token = client.fetch_token(TOKEN, authorization_response=answer, code_verifier=verifier)
    equal(token["scope"], "device user")


@check("a code needs its verifier and its installation")
def _():
    answer, verifier = authorize()
    with refused("invalid_grant"):
        client.fetch_token(TOKEN, authorization_response=answer, code_verifier=generate_token(48))
    answer, verifier = authorize()
    with refused("invalid_grant"):
        install().fetch_token(TOKEN, authorization_response=answer, code_verifier=verifier)


@check("an assertion can be used once")
def _():
    sent = []

    def note(response):
        sent.append(response.request)
        return response

    own = install()
    own.register_compliance_hook("access_token_response", note)
    own.fetch_token(TOKEN, grant_type="client_credentials")
    again = requests.Session().send(sent[0], timeout=10)
    equal((again.status_code, again.json()["error"]), (401, "invalid_client"))
