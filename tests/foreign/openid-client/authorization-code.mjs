// The authorization code: PKCE (RFC 7636), pushed requests (RFC 9126), `iss` (RFC 9207), the ID token (OpenID Connect Core).

import assert from 'node:assert/strict'

import { Browser, answer } from './support/browser.mjs'
import { check, refused } from './support/checks.mjs'
import { authorizationRequest, isGood, logIn, record } from './support/flows.mjs'
import { client } from './support/packages.mjs'
import { CLIENT_SECRET, ISSUER, redirectUri, shop, someUser } from './support/world.mjs'

const config = await shop()

await check('a pushed request becomes tokens, and an ID token that verifies', async () => {
  const { user, tokens } = await logIn(config)
  assert.equal(tokens.token_type, 'bearer')
  assert.ok(tokens.expires_in > 0 && tokens.refresh_token)
  assert.deepEqual(tokens.scope?.split(' ').sort() ?? [], ['offline_access', 'openid', 'orders'])
  const claims = tokens.claims()
  assert.deepEqual([claims.iss, claims.sub, claims.aud], [ISSUER, user, 'shop'])
  assert.deepEqual([claims.amr, claims.acr], [['pwd'], 'low'])
  assert.ok(Math.abs(claims.auth_time - Date.now() / 1000) < 60)
})

await check('a request that is not pushed does, too', async () => {
  const user = someUser()
  const { request, checks } = await authorizationRequest(config)
  const { url } = await new Browser(user).open(client.buildAuthorizationUrl(config, request).href)
  assert.equal(url.searchParams.get('iss'), ISSUER)
  const tokens = await client.authorizationCodeGrant(config, url, checks)
  assert.equal(tokens.claims().sub, user)
})

await check('the secret may stand in the form', async () => {
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

await check('a code used again is refused, and takes its tokens with it', async () => {
  const own = await shop()
  const sent = record(own)
  const { user, tokens } = await logIn(own)
  assert.ok(await isGood(own, tokens.access_token, user))
  const redemption = sent.find(([, { body }]) => body?.includes('grant_type=authorization_code'))
  const again = await fetch(...redemption)
  assert.deepEqual([again.status, (await again.json()).error], [400, 'invalid_grant'])
  assert.ok(!await isGood(own, tokens.access_token, user))
  await refused(client.refreshTokenGrant(own, tokens.refresh_token), 'invalid_grant')
})

await check('another verifier is refused', async () => {
  const { request, checks } = await authorizationRequest(config)
  const { url } = await new Browser(someUser()).open((await client.buildAuthorizationUrlWithPAR(config, request)).href)
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  await refused(client.authorizationCodeGrant(config, url, { ...checks, pkceCodeVerifier }), 'invalid_grant')
})

await check('a request object of another client, or none, leads nowhere', async () => {
  const { request } = await authorizationRequest(config)
  const address = await client.buildAuthorizationUrlWithPAR(config, request)
  address.searchParams.set('client_id', 'spa')
  assert.equal((await new Browser(someUser()).open(address.href)).response?.status, 400)
  const invented = client.buildAuthorizationUrl(config, { request_uri: 'urn:ietf:params:oauth:request_uri:invented' })
  assert.equal((await new Browser(someUser()).open(invented.href)).response?.status, 400)
})

await check('an address that is not the client’s is never gone to', async () => {
  const { request } = await authorizationRequest(config, { redirect_uri: 'http://127.0.0.1:9/shop/' })
  const page = await new Browser(someUser()).open(client.buildAuthorizationUrl(config, request).href)
  assert.equal(page.response?.status, 400)
  await refused(client.buildAuthorizationUrlWithPAR(config, request), 'invalid_request')
})

await check('what is wrong with a request is told to the client, with `state` and `iss`', async () => {
  const { request, checks } = await authorizationRequest(config, { scope: 'openid unheard-of' })
  const { url } = await new Browser(someUser()).open(client.buildAuthorizationUrl(config, request).href)
  assert.ok(url.href.startsWith(redirectUri(config)))
  await assert.rejects(client.authorizationCodeGrant(config, url, checks), (error) =>
    error instanceof client.AuthorizationResponseError && error.error === 'invalid_scope')
  await refused(client.buildAuthorizationUrlWithPAR(config, request), 'invalid_scope')
})

await check('who is refused by the login page comes back with `access_denied`', async () => {
  const { request, checks } = await authorizationRequest(config)
  const browser = new Browser(someUser(), { login: (challenge) => answer('login', challenge, 'reject', {}) })
  const { url } = await browser.open((await client.buildAuthorizationUrlWithPAR(config, request)).href)
  await assert.rejects(client.authorizationCodeGrant(config, url, checks), (error) =>
    error instanceof client.AuthorizationResponseError && error.error === 'access_denied')
})

await check('who does not consent comes back with `access_denied`', async () => {
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
