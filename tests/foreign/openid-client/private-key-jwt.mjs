// A client that authenticates with its key (RFC 7523, OpenID Connect Core §9).

import assert from 'node:assert/strict'

import { check, refused } from './support/checks.mjs'
import { isValid, logIn, record } from './support/flows.mjs'
import { client, jose } from './support/packages.mjs'
import { CLIENT_SECRET, ISSUER, keyed } from './support/environment.mjs'

const key = await jose.importJWK(JSON.parse(process.env.FOREIGN_KEYED_JWK), 'ES256')
const config = await keyed()

/** The client with another authentication method. */
function authenticating(authentication) {
  const other = new client.Configuration(config.serverMetadata(), 'keyed', config.clientMetadata(), authentication)
  client.allowInsecureRequests(other)
  return other
}

/** The client with an assertion that is valid except for `change`. */
const withAssertion = (change, signedWith = key) =>
  authenticating(client.PrivateKeyJwt(signedWith, { [client.modifyAssertion]: change }))

await check('the client pushes, redeems, refreshes and revokes', async () => {
  const { user, tokens } = await logIn(config)
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  await client.tokenRevocation(config, second.refresh_token)
  assert.ok(!await isValid(config, second.access_token, user))
})

await check('a client that must push cannot send a request otherwise', async () => {
  const address = client.buildAuthorizationUrl(config, { redirect_uri: config.clientMetadata().redirect_uris[0] })
  const response = await fetch(address, { redirect: 'manual' })
  const location = response.headers.get('location')
  assert.equal(location && new URL(location).searchParams.get('error'), 'invalid_request')
})

await check('an assertion can be used once', async () => {
  const own = await keyed()
  const sent = record(own)
  await client.clientCredentialsGrant(own)
  const again = await fetch(...sent.at(-1))
  assert.deepEqual([again.status, (await again.json()).error], [401, 'invalid_client'])
})

await check('the audience may be the issuer or the endpoint', async () => {
  for (const audience of [ISSUER, config.serverMetadata().token_endpoint, [ISSUER]]) {
    await client.clientCredentialsGrant(withAssertion((_, payload) => { payload.aud = audience }))
  }
})

await check('the usual lifetimes are accepted', async () => {
  for (const seconds of [60, 300, 600]) {
    await client.clientCredentialsGrant(withAssertion((_, payload) => { payload.exp = payload.iat + seconds }))
  }
})

await check('an invalid assertion is refused', async () => {
  const wrong = {
    audience: (_, payload) => { payload.aud = 'https://elsewhere.example' },
    issuer: (_, payload) => { payload.iss = 'shop' },
    subject: (_, payload) => { payload.sub = 'shop' },
    'no expiry': (_, payload) => { delete payload.exp },
    'expiry as text': (_, payload) => { payload.exp = String(payload.exp) },
    expired: (_, payload) => { payload.exp = payload.iat - 301 },
    'no name': (_, payload) => { delete payload.jti },
    'of tomorrow': (_, payload) => { payload.nbf = payload.iat + 86_400 },
  }
  for (const [what, change] of Object.entries(wrong)) {
    await refused(client.clientCredentialsGrant(withAssertion(change)), 'invalid_client', 401).catch((error) => {
      throw new Error(what, { cause: error })
    })
  }
})

await check('another key or a secret is refused', async () => {
  const { privateKey } = await jose.generateKeyPair('ES256')
  await refused(client.clientCredentialsGrant(authenticating(client.PrivateKeyJwt(privateKey))), 'invalid_client', 401)
  for (const authentication of [client.ClientSecretBasic(CLIENT_SECRET), client.ClientSecretJwt(CLIENT_SECRET), client.None()]) {
    await refused(client.clientCredentialsGrant(authenticating(authentication)), 'invalid_client', 401)
  }
})
