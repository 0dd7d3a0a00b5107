"""Registration of installations (RFC 7591) and its management (RFC 7592). Authlib checks the metadata; the requests are plain."""

import requests
from authlib.oauth2.rfc7591 import ClientMetadataClaims
from joserfc.jwk import ECKey
from support.checks import check, equal, refused
from support.installation import metadata_of
from support.environment import ISSUER, metadata, with_key

SERVER = metadata()
KEY = ECKey.generate_key("P-256")


def register(body):
    return requests.post(SERVER["registration_endpoint"], json=body, timeout=10)


def registered(key=KEY):
    response = register(metadata_of(key))
    equal(response.status_code, 201)
    return response.json()


def manage(method, registration, token=None, **options):
    token = token or registration["registration_access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, registration["registration_client_uri"], headers=headers, timeout=10, **options)


def own_token(client_id, key=KEY):
    return with_key(client_id, key).fetch_token(SERVER["token_endpoint"], grant_type="client_credentials")


@check("a registered installation can authenticate at once")
def _():
    told = registered()
    equal(told["registration_client_uri"], f"{ISSUER}/oauth/register/{told['client_id']}")
    options = ClientMetadataClaims.get_claims_options(SERVER)
    claims = ClientMetadataClaims({name: told[name] for name in ClientMetadataClaims.REGISTERED_CLAIMS if name in told}, {}, options)
    claims.validate()
    equal(claims["token_endpoint_auth_method"], "private_key_jwt")
    equal(own_token(told["client_id"])["scope"], "device")


@check("it can read, change and delete its registration")
def _():
    told = registered()
    read = manage("GET", told)
    equal((read.status_code, read.json()["client_id"]), (200, told["client_id"]))
    body = {**metadata_of(KEY), "client_id": told["client_id"], "device_name": "Another name"}
    equal(manage("PUT", told, json=body).json()["device_name"], "Another name")
    equal(manage("GET", told).json()["device_name"], "Another name")
    equal(manage("DELETE", told).status_code, 204)
    equal(manage("GET", told).status_code, 401)
    with refused("invalid_client"):
        own_token(told["client_id"])


@check("its key cannot be changed")
def _():
    told = registered()
    body = {**metadata_of(ECKey.generate_key("P-256")), "client_id": told["client_id"]}
    answer = manage("PUT", told, json=body)
    equal((answer.status_code, answer.json()["error"]), (400, "invalid_client_metadata"))
    own_token(told["client_id"])


@check("the token of another registration is refused")
def _():
    one, other = registered(), registered()
    for method in ["GET", "PUT", "DELETE"]:
        answer = manage(method, one, token=other["registration_access_token"], json=metadata_of(KEY))
        equal(answer.status_code, 401)
    equal(manage("GET", one).status_code, 200)


@check("invalid metadata is refused")
def _():
    for changes in [
        {"software_id": None},
        {"software_id": "unheard-of"},
        {"software_version": "9.9"},
        {"platform": "toaster"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [ECKey.generate_key("P-384").as_dict(private=False)]}},
        {"jwks": {"keys": [KEY.as_dict(private=True)]}},
    ]:
        answer = register({**metadata_of(KEY), **changes})
        assert answer.status_code in (400, 403), (changes, answer.status_code)
        equal(answer.json()["error"], "invalid_client_metadata")
