// Revocation (RFC 7009).

import assert from 'node:assert/strict'

import { check, refused } from './support/checks.mjs'
import { isValid, logIn } from './support/flows.mjs'
import { client } from './support/packages.mjs'
import { keyed, shop } from './support/environment.mjs'

const config = await shop()

await check('revoking an access token keeps the refresh token', async () => {
  const { user, tokens } = await logIn(config)
  assert.ok(await isValid(config, tokens.access_token, user))
  await client.tokenRevocation(config, tokens.access_token, { token_type_hint: 'access_token' })
  assert.ok(!await isValid(config, tokens.access_token, user))
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.ok(await isValid(config, fresh.access_token, user))
})

await check('revoking a refresh token revokes its access tokens', async () => {
  const { user, tokens } = await logIn(config)
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  await client.tokenRevocation(config, second.refresh_token, { token_type_hint: 'refresh_token' })
  await refused(client.refreshTokenGrant(config, second.refresh_token), 'invalid_grant')
  assert.ok(!await isValid(config, tokens.access_token, user))
  assert.ok(!await isValid(config, second.access_token, user))
})

await check('the hint may be missing, wrong or unknown', async () => {
  for (const parameters of [{}, { token_type_hint: 'refresh_token' }, { token_type_hint: 'unheard-of' }]) {
    const { user, tokens } = await logIn(config)
    await client.tokenRevocation(config, tokens.access_token, parameters)
    assert.ok(!await isValid(config, tokens.access_token, user))
  }
})

await check('revoking an unknown token succeeds', async () => {
  const { tokens } = await logIn(config)
  await client.tokenRevocation(config, tokens.access_token)
  for (const text of [tokens.access_token, 'x', 'a.b.c']) await client.tokenRevocation(config, text)
})

await check('a client cannot revoke the tokens of another', async () => {
  const { user, tokens } = await logIn(config)
  for (const text of [tokens.access_token, tokens.refresh_token]) {
    await client.tokenRevocation(await keyed(), text).catch((error) => assert.equal(error.status, 400))
  }
  assert.ok(await isValid(config, tokens.access_token, user))
  await client.refreshTokenGrant(config, tokens.refresh_token)
})

await check('with a wrong secret nothing is revoked', async () => {
  const { user, tokens } = await logIn(config)
  const wrong = await shop(client.ClientSecretBasic('wrong'))
  await refused(client.tokenRevocation(wrong, tokens.access_token), 'invalid_client', 401)
  assert.ok(await isValid(config, tokens.access_token, user))
})
