// A client's own token: opaque, or a JWT as RFC 9068 has it.

import assert from 'node:assert/strict'

import { check, refused } from './support/checks.mjs'
import { client, jose } from './support/packages.mjs'
import { ISSUER, ORDERS_API, keyed, shop, spa } from './support/world.mjs'

const config = await shop()
const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
const REQUIRED = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']

const verify = (token, options) =>
  jose.jwtVerify(token, keys, { issuer: ISSUER, typ: 'at+jwt', requiredClaims: REQUIRED, ...options })

await check('a client that asks for nothing else gets an opaque token', async () => {
  const tokens = await client.clientCredentialsGrant(config)
  assert.equal(tokens.token_type, 'bearer')
  assert.ok(tokens.expires_in > 0 && !tokens.access_token.includes('.'))
  assert.deepEqual([tokens.refresh_token, tokens.id_token], [undefined, undefined])
})

await check('a token for the resource server is a JWT, signed as that one wants it', async () => {
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

await check('no two tokens have one name', async () => {
  const names = new Set()
  for (let count = 0; count < 3; count += 1) {
    const tokens = await client.clientCredentialsGrant(await keyed())
    names.add(jose.decodeJwt(tokens.access_token).jti)
  }
  assert.equal(names.size, 3)
})

await check('what it may not ask for is refused', async () => {
  await refused(client.clientCredentialsGrant(config, { scope: 'unheard-of' }), 'invalid_scope')
  await refused(client.clientCredentialsGrant(config, { resource: 'https://unheard-of.example' }), 'invalid_target')
  await refused(client.clientCredentialsGrant(config, { resource: 'not an address' }), 'invalid_target')
})

await check('a public client has no token of its own', async () => {
  const config = await spa()
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  await refused(client.clientCredentialsGrant(config, {}, { DPoP }), 'unauthorized_client')
})

await check('a grant that nobody knows is refused as such', async () => {
  await refused(client.genericGrantRequest(config, 'urn:example:unheard-of', {}), 'unsupported_grant_type')
})
