// Userinfo (OpenID Connect Core §5.3).

import assert from 'node:assert/strict'

import { check } from './support/checks.mjs'
import { isValid, logIn } from './support/flows.mjs'
import { client } from './support/packages.mjs'
import { keyed, shop } from './support/environment.mjs'

const config = await shop()

/** The challenge of a refused request (RFC 6750 §3). */
async function challenge(accessToken) {
  const error = await client.fetchUserInfo(config, accessToken, client.skipSubjectCheck).then(
    () => assert.fail('not refused'),
    (reason) => reason,
  )
  const [{ scheme, parameters }] = error.cause
  return { status: error.status, scheme, error: parameters.error }
}

await check('the user of an opaque token and of a JWT is returned', async () => {
  for (const own of [config, await keyed()]) {
    const { user, tokens } = await logIn(own)
    const told = await client.fetchUserInfo(own, tokens.access_token, user)
    assert.equal(told.sub, tokens.claims().sub)
  }
})

await check('requests may use POST', async () => {
  const { user, tokens } = await logIn(config)
  const url = new URL(config.serverMetadata().userinfo_endpoint)
  const response = await client.fetchProtectedResource(config, tokens.access_token, url, 'POST')
  assert.equal((await response.json()).sub, user)
})

await check('a token without `openid` is not sufficient', async () => {
  const { access_token } = await client.clientCredentialsGrant(config, { scope: 'orders' })
  assert.deepEqual(await challenge(access_token), { status: 403, scheme: 'bearer', error: 'insufficient_scope' })
})

await check('an invalid token is refused', async () => {
  const { user, tokens } = await logIn(config)
  for (const text of ['x', 'a.b.c', `${tokens.access_token}x`, tokens.refresh_token, tokens.id_token]) {
    assert.deepEqual(await challenge(text), { status: 401, scheme: 'bearer', error: 'invalid_token' })
  }
  assert.ok(await isValid(config, tokens.access_token, user))
})
