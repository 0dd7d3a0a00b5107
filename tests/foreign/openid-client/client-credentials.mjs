// Client credentials: opaque tokens and JWTs (RFC 9068).

import assert from 'node:assert/strict'

import { check, refused } from './support/checks.mjs'
import { client, jose } from './support/packages.mjs'
import { ISSUER, ORDERS_API, keyed, shop, spa } from './support/environment.mjs'

const config = await shop()
const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
const REQUIRED = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']

const verify = (token, options) =>
  jose.jwtVerify(token, keys, { issuer: ISSUER, typ: 'at+jwt', requiredClaims: REQUIRED, ...options })

await check('a client gets an opaque token by default', async () => {
  const tokens = await client.clientCredentialsGrant(config)
  assert.equal(tokens.token_type, 'bearer')
  assert.ok(tokens.expires_in > 0 && !tokens.access_token.includes('.'))
  assert.deepEqual([tokens.refresh_token, tokens.id_token], [undefined, undefined])
})

await check('a token for the resource server is a JWT with its algorithm', async () => {
  const tokens = await client.clientCredentialsGrant(config, { scope: 'orders', resource: ORDERS_API })
  const { payload, protectedHeader } = await verify(tokens.access_token, { audience: ORDERS_API, algorithms: ['RS256'] })
  assert.ok(protectedHeader.kid)
  assert.deepEqual([payload.client_id, payload.sub, payload.scope], ['shop', 'shop', 'orders'])
  assert.ok(Math.abs(payload.exp - payload.iat - tokens.expires_in) <= 1)
})

await check('a client whose tokens are JWTs gets one', async () => {
  const tokens = await client.clientCredentialsGrant(await keyed(), { scope: 'orders' })
  const { payload } = await verify(tokens.access_token, { algorithms: ['ES256'] })
  assert.deepEqual([payload.client_id, payload.scope], ['keyed', 'orders'])
})

await check('each token has its own `jti`', async () => {
  const names = new Set()
  for (let count = 0; count < 3; count += 1) {
    const tokens = await client.clientCredentialsGrant(await keyed())
    names.add(jose.decodeJwt(tokens.access_token).jti)
  }
  assert.equal(names.size, 3)
})

await check('scopes and resources that are not allowed are refused', async () => {
  await refused(client.clientCredentialsGrant(config, { scope: 'unheard-of' }), 'invalid_scope')
  await refused(client.clientCredentialsGrant(config, { resource: 'https://unheard-of.example' }), 'invalid_target')
  await refused(client.clientCredentialsGrant(config, { resource: 'not an address' }), 'invalid_target')
})

await check('a public client cannot use client credentials', async () => {
  const config = await spa()
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  await refused(client.clientCredentialsGrant(config, {}, { DPoP }), 'unauthorized_client')
})

await check('an unknown grant type is refused', async () => {
  await refused(client.genericGrantRequest(config, 'urn:example:unheard-of', {}), 'unsupported_grant_type')
})
