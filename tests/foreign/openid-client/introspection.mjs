// Introspection (RFC 7662) by an API client for its resource servers.

import assert from 'node:assert/strict'

import { check, refused } from './support/checks.mjs'
import { logIn } from './support/flows.mjs'
import { client } from './support/packages.mjs'
import { CLIENT_SECRET, ISSUER, ORDERS_API, apiClient, shop } from './support/environment.mjs'

const config = await shop()
const [portal, stranger] = [await apiClient('portal'), await apiClient('stranger')]

/** A user's tokens, with an access token for the resource server. */
const forOrders = () => logIn(config, { parameters: { resource: ORDERS_API }, tokenParameters: { resource: ORDERS_API } })

await check('a valid token is described', async () => {
  const { user, tokens } = await forOrders()
  const answer = await client.tokenIntrospection(portal, tokens.access_token)
  assert.equal(answer.active, true)
  assert.deepEqual([answer.iss, answer.sub, answer.client_id, answer.token_type], [ISSUER, user, 'shop', 'Bearer'])
  assert.deepEqual([answer.aud].flat(), [ORDERS_API])
  assert.deepEqual([answer.scope, answer.amr], ['orders', ['pwd']])
  assert.ok(answer.jti && answer.exp > Date.now() / 1000 && answer.iat <= Date.now() / 1000 + 1)
})

await check('it is described at all paths', async () => {
  const { user, tokens } = await forOrders()
  for (const path of ['/oauth/introspect', '/oauth/api/v1/token/introspect', '/oauth/api/v2/token/introspect']) {
    const metadata = { ...portal.serverMetadata(), introspection_endpoint: ISSUER + path }
    const there = new client.Configuration(metadata, 'portal', {}, client.ClientSecretPost(CLIENT_SECRET))
    client.allowInsecureRequests(there)
    const answer = await client.tokenIntrospection(there, tokens.access_token, { token_type_hint: 'access_token' })
    assert.deepEqual([answer.active, answer.sub], [true, user], path)
  }
})

await check('a token from client credentials has no user', async () => {
  const { access_token } = await client.clientCredentialsGrant(config, { scope: 'orders', resource: ORDERS_API })
  const answer = await client.tokenIntrospection(portal, access_token)
  assert.deepEqual([answer.active, answer.client_id, answer.scope], [true, 'shop', 'orders'])
})

await check('invalid tokens and those of other resource servers are only inactive', async () => {
  const { tokens } = await forOrders()
  assert.deepEqual(await client.tokenIntrospection(stranger, tokens.access_token), { active: false })
  await client.tokenRevocation(config, tokens.access_token)
  for (const text of [tokens.access_token, `${tokens.access_token}x`, 'x', 'a.b.c']) {
    assert.deepEqual(await client.tokenIntrospection(portal, text), { active: false })
  }
})

await check('unauthenticated and unauthorized clients are refused', async () => {
  const { tokens } = await forOrders()
  await refused(client.tokenIntrospection(config, tokens.access_token), 'invalid_client', 401)
  const metadata = portal.serverMetadata()
  const wrong = new client.Configuration(metadata, 'portal', {}, client.ClientSecretBasic('wrong'))
  client.allowInsecureRequests(wrong)
  await refused(client.tokenIntrospection(wrong, tokens.access_token), 'invalid_client', 401)
})
