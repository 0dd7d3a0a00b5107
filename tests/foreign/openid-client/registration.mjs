// Registration of installations (RFC 7591) and its management (RFC 7592).

import assert from 'node:assert/strict'

import { check, refused } from './support/checks.mjs'
import { metadataOf } from './support/installation.mjs'
import { client, jose } from './support/packages.mjs'
import { ISSUER } from './support/environment.mjs'

const execute = [client.allowInsecureRequests]
const key = await jose.generateKeyPair('ES256')

const register = (metadata, keyPair = key) =>
  client.dynamicClientRegistration(new URL(ISSUER), metadata, client.PrivateKeyJwt(keyPair.privateKey), { execute })

/** A request to a registration (RFC 7592). The library has no function for it. */
const manage = (config, method, { body, token } = {}) => {
  const { registration_client_uri, registration_access_token } = config.clientMetadata()
  const headers = new Headers(body && { 'content-type': 'application/json' })
  return client.fetchProtectedResource(
    config, token ?? registration_access_token, new URL(registration_client_uri), method, body && JSON.stringify(body), headers)
}

const status = async (attempt) => {
  const response = await attempt.catch((error) => error.response)
  return response.status
}

await check('a registered installation can authenticate at once', async () => {
  const config = await register(await metadataOf(key))
  const told = config.clientMetadata()
  assert.ok(told.client_id && told.registration_access_token)
  assert.equal(told.registration_client_uri, `${ISSUER}/oauth/register/${told.client_id}`)
  assert.ok(Math.abs(told.client_id_issued_at - Date.now() / 1000) < 60)
  assert.equal(told.software_id, 'bank')
  assert.equal(told.token_endpoint_auth_method, 'private_key_jwt')
  assert.ok(told.grant_types.includes('authorization_code') && told.grant_types.includes('client_credentials'))
  const tokens = await client.clientCredentialsGrant(config)
  assert.equal(tokens.scope, 'device')
})

await check('it can read, change and delete its registration', async () => {
  const config = await register(await metadataOf(key))
  const { client_id } = config.clientMetadata()
  const read = await (await manage(config, 'GET')).json()
  assert.deepEqual([read.client_id, read.device_name], [client_id, 'A phone'])
  const body = { ...await metadataOf(key), client_id, device_name: 'Another name' }
  const changed = await (await manage(config, 'PUT', { body })).json()
  assert.deepEqual([changed.client_id, changed.device_name], [client_id, 'Another name'])
  assert.equal((await (await manage(config, 'GET')).json()).device_name, 'Another name')
  assert.equal(await status(manage(config, 'DELETE')), 204)
  assert.equal(await status(manage(config, 'GET')), 401)
  await refused(client.clientCredentialsGrant(config), 'invalid_client', 401)
})

await check('its key cannot be changed', async () => {
  const config = await register(await metadataOf(key))
  const { client_id } = config.clientMetadata()
  const body = { ...await metadataOf(await jose.generateKeyPair('ES256')), client_id }
  const answer = await manage(config, 'PUT', { body })
  assert.deepEqual([answer.status, (await answer.json()).error], [400, 'invalid_client_metadata'])
  await client.clientCredentialsGrant(config)
})

await check('the token of another registration is refused', async () => {
  const [one, other] = [await register(await metadataOf(key)), await register(await metadataOf(key))]
  const token = other.clientMetadata().registration_access_token
  for (const method of ['GET', 'DELETE']) assert.equal(await status(manage(one, method, { token })), 401)
  assert.equal(await status(manage(one, 'GET')), 200)
})

await check('invalid metadata is refused', async () => {
  const good = await metadataOf(key)
  const { privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
  const bad = [
    [{ software_id: undefined }],
    [{ software_id: 'unheard-of' }],
    [{ software_version: '9.9' }, 403],
    [{ platform: 'toaster' }],
    [{ token_endpoint_auth_method: 'client_secret_basic' }],
    [{ jwks: undefined }],
    [{ jwks: { keys: [] } }],
    [{ jwks: { keys: [{ ...await jose.exportJWK(privateKey) }] } }],
  ]
  for (const [changes] of bad) {
    const attempt = register({ ...good, ...changes })
    await assert.rejects(attempt, ({ status, cause }) =>
      [400, 403].includes(status) && cause.error === 'invalid_client_metadata', JSON.stringify(changes))
  }
})
