// Refresh tokens: rotation and the detection of reuse (RFC 6749 §6, RFC 9700 §4.14).

import assert from 'node:assert/strict'

import { check, refused } from './support/checks.mjs'
import { isValid, logIn } from './support/flows.mjs'
import { client } from './support/packages.mjs'
import { keyed, shop } from './support/environment.mjs'

const config = await shop()

await check('a refresh returns a new pair of tokens', async () => {
  const { user, tokens } = await logIn(config)
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(second.access_token, tokens.access_token)
  assert.notEqual(second.refresh_token, tokens.refresh_token)
  assert.ok(await isValid(config, second.access_token, user))
  const third = await client.refreshTokenGrant(config, second.refresh_token)
  assert.ok(await isValid(config, third.access_token, user))
})

await check('a new ID token is that of the same log-in', async () => {
  const { user, tokens } = await logIn(config)
  const first = tokens.claims()
  const claims = (await client.refreshTokenGrant(config, tokens.refresh_token)).claims()
  if (claims === undefined) return
  assert.deepEqual([claims.iss, claims.sub, claims.aud], [first.iss, user, first.aud])
  assert.equal(claims.auth_time, first.auth_time)
})

await check('a lost response can be requested again', async () => {
  const { tokens } = await logIn(config)
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  const again = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal(again.refresh_token, second.refresh_token)
})

await check('using an old refresh token revokes the whole family', async () => {
  const { user, tokens } = await logIn(config)
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  const third = await client.refreshTokenGrant(config, second.refresh_token)
  await refused(client.refreshTokenGrant(config, tokens.refresh_token), 'invalid_grant')
  await refused(client.refreshTokenGrant(config, third.refresh_token), 'invalid_grant')
  for (const { access_token } of [tokens, second, third]) assert.ok(!await isValid(config, access_token, user))
})

await check('scopes can be reduced but not extended', async () => {
  const { tokens } = await logIn(config, { parameters: { scope: 'openid offline_access' } })
  const less = await client.refreshTokenGrant(config, tokens.refresh_token, { scope: 'openid' })
  assert.equal(less.scope, 'openid')
  await refused(client.refreshTokenGrant(config, less.refresh_token, { scope: 'openid orders' }), 'invalid_scope')
})

await check('another client cannot use it, and it stays valid', async () => {
  const { tokens } = await logIn(config)
  await refused(client.refreshTokenGrant(await keyed(), tokens.refresh_token), 'invalid_grant')
  await client.refreshTokenGrant(config, tokens.refresh_token)
})

await check('an invalid refresh token is refused', async () => {
  const { tokens } = await logIn(config)
  for (const text of ['x', tokens.access_token, `${tokens.refresh_token}A`, tokens.refresh_token.replace(/^./, '-')]) {
    await refused(client.refreshTokenGrant(config, text), 'invalid_grant')
  }
})
