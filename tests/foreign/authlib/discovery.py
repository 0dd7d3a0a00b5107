"""The server's metadata (RFC 8414, OpenID Connect Discovery), and whether it is true."""

from urllib.parse import urlsplit

import requests
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oidc.discovery import OpenIDProviderMetadata
from authlib.oidc.discovery import get_well_known_url as get_openid_url
from joserfc.jwk import KeySet
from support.checks import check, equal
from support.environment import ISSUER, MANAGEMENT


def get(url):
    response = requests.get(url, timeout=10)
    equal(response.status_code, 200)
    assert response.headers["Content-Type"].startswith("application/json"), response.headers
    return response.json()


OAUTH = get(get_well_known_url(ISSUER, external=True))
OPENID = get(get_openid_url(ISSUER, external=True))


@check("the library accepts the documents")
def _():
    for kind, document in [(AuthorizationServerMetadata, OAUTH), (OpenIDProviderMetadata, OPENID)]:
        equal(document["issuer"], ISSUER)
        kind(document).validate()


@check("the documents agree with each other")
def _():
    for name in OAUTH.keys() & OPENID.keys():
        equal(OAUTH[name], OPENID[name])


@check("all named endpoints exist and are documented")
def _():
    paths = get(f"{MANAGEMENT}/openapi.json")["paths"]
    endpoints = [name for name in OPENID if name.endswith("_endpoint") or name == "jwks_uri"]
    assert len(endpoints) >= 9, endpoints
    for name in endpoints:
        assert urlsplit(OPENID[name]).path in paths, name
        assert requests.get(OPENID[name], allow_redirects=False, timeout=10).status_code != 404, name


@check("the keys are public and have ids")
def _():
    keys = KeySet.import_key_set(get(OPENID["jwks_uri"])).keys
    assert keys
    for key in keys:
        assert not key.is_private and key.kid, key


@check("the management listener serves none of it")
def _():
    for path in ["/.well-known/openid-configuration", urlsplit(OPENID["token_endpoint"]).path]:
        equal(requests.get(f"{MANAGEMENT}{path}", timeout=10).status_code, 404)
