// A mobile application: the tokens of the installation and its user, and repeated assertions.

import assert from 'node:assert/strict'

import { Browser } from './support/browser.mjs'
import { check, refused } from './support/checks.mjs'
import { authorizationRequest, record } from './support/flows.mjs'
import { install } from './support/installation.mjs'
import { client } from './support/packages.mjs'
import { someUser } from './support/environment.mjs'

const config = await install()

/** Logs a user in on the installation. */
async function logIn(user = someUser()) {
  const { request, checks } = await authorizationRequest(config, { scope: 'device user' })
  delete request.nonce
  const { url } = await new Browser(user).open(client.buildAuthorizationUrl(config, request).href)
  const { pkceCodeVerifier, expectedState } = checks
  return client.authorizationCodeGrant(config, url, { pkceCodeVerifier, expectedState })
}

await check('an installation gets a token for itself', async () => {
  const tokens = await client.clientCredentialsGrant(config, { scope: 'device' })
  assert.deepEqual([tokens.token_type, tokens.scope, tokens.refresh_token], ['bearer', 'device', undefined])
  assert.ok(tokens.expires_in > 0)
})

await check("it cannot get a user's scope for itself", async () => {
  await refused(client.clientCredentialsGrant(config, { scope: 'device user' }), 'invalid_scope')
})

await check('a user logs in on the installation', async () => {
  const tokens = await logIn()
  assert.equal(tokens.scope, 'device user')
})

await check('a code needs its verifier', async () => {
  const { request, checks } = await authorizationRequest(config, { scope: 'device user' })
  const { url } = await new Browser(someUser()).open(client.buildAuthorizationUrl(config, request).href)
  const wrong = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: checks.expectedState }
  await refused(client.authorizationCodeGrant(config, url, wrong), 'invalid_grant')
})

await check('another installation cannot use a code', async () => {
  const other = await install()
  const { request, checks } = await authorizationRequest(config, { scope: 'device user' })
  const { url } = await new Browser(someUser()).open(client.buildAuthorizationUrl(config, request).href)
  const { pkceCodeVerifier, expectedState } = checks
  await refused(client.authorizationCodeGrant(other, url, { pkceCodeVerifier, expectedState }), 'invalid_grant')
})

await check('an assertion can be used once', async () => {
  const own = await install()
  const sent = record(own)
  await client.clientCredentialsGrant(own)
  const again = await fetch(...sent.at(-1))
  assert.deepEqual([again.status, (await again.json()).error], [401, 'invalid_client'])
})
