// The authorization code: PKCE (RFC 7636), pushed requests (RFC 9126), `iss` (RFC 9207), the ID token (OpenID Connect Core).

import assert from 'node:assert/strict'

import { Browser, answer } from './support/browser.mjs'
import { check, refused } from './support/checks.mjs'
import { authorizationRequest, isValid, logIn, record } from './support/flows.mjs'
import { client } from './support/packages.mjs'
import { CLIENT_SECRET, ISSUER, redirectUri, shop, someUser } from './support/environment.mjs'

const config = await shop()

await check('a pushed request leads to tokens and a valid ID token', async () => {
  const { user, tokens } = await logIn(config)
  assert.equal(tokens.token_type, 'bearer')
  assert.ok(tokens.expires_in > 0 && tokens.refresh_token)
  assert.deepEqual(tokens.scope?.split(' ').sort() ?? [], ['offline_access', 'openid', 'orders'])
  const claims = tokens.claims()
  assert.deepEqual([claims.iss, claims.sub, claims.aud], [ISSUER, user, 'shop'])
  assert.deepEqual([claims.amr, claims.acr], [['pwd'], 'low'])
  assert.ok(Math.abs(claims.auth_time - Date.now() / 1000) < 60)
})

await check('so does a request that is not pushed', async () => {
  const user = someUser()
  const { request, checks } = await authorizationRequest(config)
  const { url } = await new Browser(user).open(client.buildAuthorizationUrl(config, request).href)
  assert.equal(url.searchParams.get('iss'), ISSUER)
  const tokens = await client.authorizationCodeGrant(config, url, checks)
  assert.equal(tokens.claims().sub, user)
})

await check('the client secret may be sent in the form', async () => {
  const { user, tokens } = await logIn(await shop(client.ClientSecretPost(CLIENT_SECRET)))
  assert.equal(tokens.claims().sub, user)
})

await check('without `openid` there is no ID token', async () => {
  const { request, checks } = await authorizationRequest(config, { scope: 'orders', nonce: '' })
  const { url } = await new Browser(someUser()).open((await client.buildAuthorizationUrlWithPAR(config, request)).href)
  const { pkceCodeVerifier, expectedState } = checks
  const tokens = await client.authorizationCodeGrant(config, url, { pkceCodeVerifier, expectedState })
  assert.equal(tokens.id_token, undefined)
})

await check('a code that is used twice is refused and its tokens are revoked', async () => {
  const own = await shop()
  const sent = record(own)
  const { user, tokens } = await logIn(own)
  assert.ok(await isValid(own, tokens.access_token, user))
  const redemption = sent.find(([, { body }]) => body?.includes('grant_type=authorization_code'))
  const again = await fetch(...redemption)
  assert.deepEqual([again.status, (await again.json()).error], [400, 'invalid_grant'])
  assert.ok(!await isValid(own, tokens.access_token, user))
  await refused(client.refreshTokenGrant(own, tokens.refresh_token), 'invalid_grant')
})

await check('another verifier is refused', async () => {
  const { request, checks } = await authorizationRequest(config)
  const { url } = await new Browser(someUser()).open((await client.buildAuthorizationUrlWithPAR(config, request)).href)
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  await refused(client.authorizationCodeGrant(config, url, { ...checks, pkceCodeVerifier }), 'invalid_grant')
})

await check('a request URI of another client or an invented one is refused', async () => {
  const { request } = await authorizationRequest(config)
  const address = await client.buildAuthorizationUrlWithPAR(config, request)
  address.searchParams.set('client_id', 'spa')
  assert.equal((await new Browser(someUser()).open(address.href)).response?.status, 400)
  const invented = client.buildAuthorizationUrl(config, { request_uri: 'urn:ietf:params:oauth:request_uri:invented' })
  assert.equal((await new Browser(someUser()).open(invented.href)).response?.status, 400)
})

await check('the browser is never redirected to an unregistered URI', async () => {
  const { request } = await authorizationRequest(config, { redirect_uri: 'http://127.0.0.1:9/shop/' })
  const page = await new Browser(someUser()).open(client.buildAuthorizationUrl(config, request).href)
  assert.equal(page.response?.status, 400)
  await refused(client.buildAuthorizationUrlWithPAR(config, request), 'invalid_request')
})

await check('errors of a request are reported to the client with `state` and `iss`', async () => {
  const { request, checks } = await authorizationRequest(config, { scope: 'openid device' })
  const { url } = await new Browser(someUser()).open(client.buildAuthorizationUrl(config, request).href)
  assert.ok(url.href.startsWith(redirectUri(config)))
  await assert.rejects(client.authorizationCodeGrant(config, url, checks), (error) =>
    error instanceof client.AuthorizationResponseError && error.error === 'invalid_scope')
  await refused(client.buildAuthorizationUrlWithPAR(config, request), 'invalid_scope')
})

await check('a rejected log-in is reported as `access_denied`', async () => {
  const { request, checks } = await authorizationRequest(config)
  const browser = new Browser(someUser(), { login: (challenge) => answer('login', challenge, 'reject', {}) })
  const { url } = await browser.open((await client.buildAuthorizationUrlWithPAR(config, request)).href)
  await assert.rejects(client.authorizationCodeGrant(config, url, checks), (error) =>
    error instanceof client.AuthorizationResponseError && error.error === 'access_denied')
})

await check('a rejected consent is reported as `access_denied`', async () => {
  const { request, checks } = await authorizationRequest(config)
  const browser = new Browser(someUser(), { consent: (challenge) => answer('consent', challenge, 'reject', {}) })
  const { url } = await browser.open((await client.buildAuthorizationUrlWithPAR(config, request)).href)
  await assert.rejects(client.authorizationCodeGrant(config, url, checks), (error) =>
    error instanceof client.AuthorizationResponseError && error.error === 'access_denied')
})

await check('a wrong secret is refused', async () => {
  const wrong = await shop(client.ClientSecretBasic('wrong'))
  await refused(client.buildAuthorizationUrlWithPAR(wrong, (await authorizationRequest(wrong)).request), 'invalid_client', 401)
})
