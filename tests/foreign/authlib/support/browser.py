"""A user's browser, and the login and consent pages that it is sent to."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from .checks import equal
from .environment import CLIENT_SECRET, CONSENT_URL, ISSUER, LOGIN_URL


class Page:
    """Where the browser ended: a URL, and the response if the URL is this server's."""

    def __init__(self, url, response=None):
        self.url = url
        self.response = response
        self.parameters = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Browser:
    """`subject` is the user. The decisions of the login and consent pages can be replaced."""

    def __init__(self, subject, login=None, consent=None):
        self.session = requests.Session()
        self.login = login or (
            lambda challenge: answer("login", challenge, "accept", subject=subject, amr=["pwd"], acr="low")
        )
        self.consent = consent or accept_consent

    def open(self, url, method="GET", data=None):
        """Follows redirects until they end or lead to another server."""
        for _ in range(10):
            page = Page(url)
            if url.startswith(LOGIN_URL):
                url = self.login(page.parameters["login_challenge"])
            elif url.startswith(CONSENT_URL):
                url = self.consent(page.parameters["consent_challenge"])
            elif not url.startswith(f"{ISSUER}/"):
                return page
            else:
                headers = {"Origin": ISSUER} if method == "POST" else {}
                response = self.session.request(
                    method, url, data=data, headers=headers, allow_redirects=False, timeout=10
                )
                method, data = "GET", None
                if "Location" not in response.headers:
                    return Page(url, response)
                equal(response.status_code, 303)
                url = urljoin(url, response.headers["Location"])
        raise AssertionError(f"too many redirects: {url}")

    def submit(self, page, **fields):
        """Fills in the only form of a page and submits it."""
        form = Form()
        form.feed(page.response.text)
        assert form.attributes is not None, f"no form on the page: {page.response.text}"
        assert fields.keys() <= form.fields.keys(), f"other fields on the page: {page.response.text}"
        equal(form.attributes["method"].lower(), "post")
        action = urljoin(page.url, form.attributes.get("action", page.url))
        return self.open(action, "POST", {**form.fields, **fields})


class Form(HTMLParser):
    """The form of a page and its fields."""

    attributes = None

    def __init__(self):
        super().__init__()
        self.fields = {}

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.attributes = attributes
        elif tag == "input" and "name" in attributes:
            self.fields[attributes["name"]] = attributes.get("value") or ""


def answer(kind, challenge, verdict, **body):
    """Sends the decision of the login page (`login`) or consent page (`consent`). Returns where the browser goes next."""
    return _portal("PUT", f"{kind}-requests/{challenge}/{verdict}", body)["redirect_to"]


def reject(kind):
    """A login or consent page that rejects everything."""
    return lambda challenge: answer(kind, challenge, "reject")


def accept_consent(challenge):
    """A consent page that accepts everything."""
    asked = _portal("GET", f"consent-requests/{challenge}")
    return answer("consent", challenge, "accept", scope=asked["scope"])


def _portal(method, path, body=None):
    response = requests.request(
        method, f"{ISSUER}/oauth/api/v1/{path}", json=body, auth=("portal", CLIENT_SECRET), timeout=10
    )
    assert response.status_code == 200, f"{method} {path}: {response.status_code} {response.text}"
    return response.json()
