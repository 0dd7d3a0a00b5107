// Refresh tokens: rotation, and what becomes of one that is used again (RFC 6749 §6, RFC 9700 §4.14).

import assert from 'node:assert/strict'

import { check, refused } from './support/checks.mjs'
import { isGood, logIn } from './support/flows.mjs'
import { client } from './support/packages.mjs'
import { keyed, shop } from './support/world.mjs'

const config = await shop()

await check('a refresh token becomes a new pair', async () => {
  const { user, tokens } = await logIn(config)
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(second.access_token, tokens.access_token)
  assert.notEqual(second.refresh_token, tokens.refresh_token)
  assert.ok(await isGood(config, second.access_token, user))
  const third = await client.refreshTokenGrant(config, second.refresh_token)
  assert.ok(await isGood(config, third.access_token, user))
})

await check('a new ID token, if there is one, is the same login', async () => {
  const { user, tokens } = await logIn(config)
  const first = tokens.claims()
  const claims = (await client.refreshTokenGrant(config, tokens.refresh_token)).claims()
  if (claims === undefined) return
  assert.deepEqual([claims.iss, claims.sub, claims.aud], [first.iss, user, first.aud])
  assert.equal(claims.auth_time, first.auth_time)
})

await check('an answer that was lost can be asked for again', async () => {
  const { tokens } = await logIn(config)
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  const again = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal(again.refresh_token, second.refresh_token)
})

await check('an old one that comes back ends all of the family', async () => {
  const { user, tokens } = await logIn(config)
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  const third = await client.refreshTokenGrant(config, second.refresh_token)
  await refused(client.refreshTokenGrant(config, tokens.refresh_token), 'invalid_grant')
  await refused(client.refreshTokenGrant(config, third.refresh_token), 'invalid_grant')
  for (const { access_token } of [tokens, second, third]) assert.ok(!await isGood(config, access_token, user))
})

await check('less can be asked for, not more', async () => {
  const { tokens } = await logIn(config, { parameters: { scope: 'openid offline_access' } })
  const less = await client.refreshTokenGrant(config, tokens.refresh_token, { scope: 'openid' })
  assert.equal(less.scope, 'openid')
  await refused(client.refreshTokenGrant(config, less.refresh_token, { scope: 'openid orders' }), 'invalid_scope')
})

await check('another client cannot use it, and it stays good', async () => {
  const { tokens } = await logIn(config)
  await refused(client.refreshTokenGrant(await keyed(), tokens.refresh_token), 'invalid_grant')
  await client.refreshTokenGrant(config, tokens.refresh_token)
})

await check('what is no refresh token is refused', async () => {
  const { tokens } = await logIn(config)
  for (const text of ['x', tokens.access_token, `${tokens.refresh_token}A`, tokens.refresh_token.replace(/^./, '-')]) {
    await refused(client.refreshTokenGrant(config, text), 'invalid_grant')
  }
})
