// DPoP (RFC 9449) with a public client.

import assert from 'node:assert/strict'

import { check, refused } from './support/checks.mjs'
import { isValid, logIn, record } from './support/flows.mjs'
import { client, jose } from './support/packages.mjs'
import { ISSUER, ORDERS_API, apiClient, spa } from './support/environment.mjs'

const config = await spa()

/** A key and the library's handle for proofs with it. */
async function someKey(own = config) {
  const keyPair = await client.randomDPoPKeyPair('ES256', { extractable: true })
  return { DPoP: client.getDPoPHandle(own, keyPair), keyPair }
}

await check('the tokens of a public client are bound to its key', async () => {
  const { DPoP } = await someKey()
  const { user, tokens } = await logIn(config, { options: { DPoP } })
  assert.equal(tokens.token_type, 'dpop')
  assert.ok(await isValid(config, tokens.access_token, user, { DPoP }))
})

await check('without a proof no tokens are issued', async () => {
  await assert.rejects(logIn(config), ({ status, error }) =>
    status === 400 && ['invalid_dpop_proof', 'invalid_request'].includes(error))
})

await check('a bound token needs a proof with its key', async () => {
  const [{ DPoP }, other] = [await someKey(), await someKey()]
  const { user, tokens } = await logIn(config, { options: { DPoP } })
  assert.ok(!await isValid(config, tokens.access_token, user))
  assert.ok(!await isValid(config, tokens.access_token, user, { DPoP: other.DPoP }))
  assert.ok(await isValid(config, tokens.access_token, user, { DPoP }))
})

await check('a proof can be used once at userinfo', async () => {
  const own = await spa()
  const { DPoP } = await someKey(own)
  const { user, tokens } = await logIn(own, { options: { DPoP } })
  const sent = record(own)
  assert.ok(await isValid(own, tokens.access_token, user, { DPoP }))
  const again = await fetch(...sent.at(-1))
  assert.equal(again.status, 401)
  assert.match(again.headers.get('www-authenticate'), /^DPoP .*error="invalid_dpop_proof"/)
})

await check('a refresh token is bound too and rotates', async () => {
  const [{ DPoP }, other] = [await someKey(), await someKey()]
  const { user, tokens } = await logIn(config, { options: { DPoP } })
  const second = await client.refreshTokenGrant(config, tokens.refresh_token, {}, { DPoP })
  assert.equal(second.token_type, 'dpop')
  assert.ok(await isValid(config, second.access_token, user, { DPoP }))
  await assert.rejects(client.refreshTokenGrant(config, second.refresh_token, {}, { DPoP: other.DPoP }), ({ status }) => status === 400)
  await assert.rejects(client.refreshTokenGrant(config, second.refresh_token), ({ status }) => status === 400)
  await client.refreshTokenGrant(config, second.refresh_token, {}, { DPoP })
})

await check('a proof can be used once at the token endpoint', async () => {
  const own = await spa()
  const { DPoP } = await someKey(own)
  const { tokens } = await logIn(own, { options: { DPoP } })
  const sent = record(own)
  await client.refreshTokenGrant(own, tokens.refresh_token, {}, { DPoP })
  const again = await fetch(...sent.at(-1))
  assert.deepEqual([again.status, (await again.json()).error], [400, 'invalid_dpop_proof'])
})

await check('a proof for another URL or method is refused', async () => {
  const { DPoP, keyPair } = await someKey()
  const { tokens } = await logIn(config, { options: { DPoP } })
  const { userinfo_endpoint } = config.serverMetadata()
  const ath = jose.base64url.encode(new Uint8Array(
    await crypto.subtle.digest('SHA-256', new TextEncoder().encode(tokens.access_token))))
  const jwk = await jose.exportJWK(keyPair.publicKey)
  const ask = async (changes, header = {}) => {
    const proof = await new jose.SignJWT({ htm: 'GET', htu: userinfo_endpoint, jti: crypto.randomUUID(), ath, ...changes })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header }).setIssuedAt(changes.iat).sign(keyPair.privateKey)
    return fetch(userinfo_endpoint, { headers: { authorization: `DPoP ${tokens.access_token}`, dpop: proof } })
  }
  assert.equal((await ask({})).status, 200)
  const now = Math.floor(Date.now() / 1000)
  for (const changes of [{ htm: 'POST' }, { htu: `${ISSUER}/oauth/token` }, { ath: 'x' }, { ath: undefined }, { jti: undefined },
    { iat: now - 3600 }, { iat: now + 3600 }]) {
    assert.equal((await ask(changes)).status, 401, JSON.stringify(changes))
  }
  for (const header of [{ typ: 'jwt' }, { jwk: undefined }, { jwk: await jose.exportJWK(keyPair.privateKey) }]) {
    assert.equal((await ask({}, header)).status, 401, JSON.stringify(header))
  }
})

await check("introspection returns the key's thumbprint", async () => {
  const { DPoP, keyPair } = await someKey()
  const { tokens } = await logIn(config, { options: { DPoP }, tokenParameters: { resource: ORDERS_API } })
  const answer = await client.tokenIntrospection(await apiClient('portal'), tokens.access_token)
  const thumbprint = await jose.calculateJwkThumbprint(await jose.exportJWK(keyPair.publicKey))
  assert.deepEqual([answer.active, answer.token_type, answer.cnf], [true, 'DPoP', { jkt: thumbprint }])
  assert.deepEqual(jose.decodeJwt(tokens.access_token).cnf, { jkt: thumbprint })
})
