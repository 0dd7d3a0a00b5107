// Userinfo (OpenID Connect Core §5.3).

import assert from 'node:assert/strict'

import { check } from './support/checks.mjs'
import { isGood, logIn } from './support/flows.mjs'
import { client } from './support/packages.mjs'
import { keyed, shop } from './support/world.mjs'

const config = await shop()

/** The challenge with which a request is refused (RFC 6750 §3). */
async function challenge(accessToken) {
  const error = await client.fetchUserInfo(config, accessToken, client.skipSubjectCheck).then(
    () => assert.fail('not refused'),
    (reason) => reason,
  )
  const [{ scheme, parameters }] = error.cause
  return { status: error.status, scheme, error: parameters.error }
}

await check('it tells who an opaque token, and a JWT, belongs to', async () => {
  for (const own of [config, await keyed()]) {
    const { user, tokens } = await logIn(own)
    const told = await client.fetchUserInfo(own, tokens.access_token, user)
    assert.equal(told.sub, tokens.claims().sub)
  }
})

await check('it may be asked with POST', async () => {
  const { user, tokens } = await logIn(config)
  const url = new URL(config.serverMetadata().userinfo_endpoint)
  const response = await client.fetchProtectedResource(config, tokens.access_token, url, 'POST')
  assert.equal((await response.json()).sub, user)
})

await check('a token without `openid` is not enough', async () => {
  const { access_token } = await client.clientCredentialsGrant(config, { scope: 'orders' })
  assert.deepEqual(await challenge(access_token), { status: 403, scheme: 'bearer', error: 'insufficient_scope' })
})

await check('what is no token is refused', async () => {
  const { user, tokens } = await logIn(config)
  for (const text of ['x', 'a.b.c', `${tokens.access_token}x`, tokens.refresh_token, tokens.id_token]) {
    assert.deepEqual(await challenge(text), { status: 401, scheme: 'bearer', error: 'invalid_token' })
  }
  assert.ok(await isGood(config, tokens.access_token, user))
})
