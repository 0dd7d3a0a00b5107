// The server's metadata (RFC 8414, OpenID Connect Discovery), and whether it is true.

import assert from 'node:assert/strict'

import { check } from './support/checks.mjs'
import { client, jose } from './support/packages.mjs'
import { ISSUER, MANAGEMENT } from './support/environment.mjs'

const OAUTH = `${ISSUER}/.well-known/oauth-authorization-server`
const OPENID = `${ISSUER}/.well-known/openid-configuration`

const get = async (url) => {
  const response = await fetch(url)
  assert.equal(response.status, 200, url)
  assert.match(response.headers.get('content-type'), /^application\/json\b/)
  return response.json()
}

const [oauth, openid] = await check('both documents exist', () => Promise.all([get(OAUTH), get(OPENID)])) ?? [{}, {}]

for (const algorithm of ['oidc', 'oauth2']) {
  await check(`the library accepts the document for ${algorithm}`, async () => {
    const execute = [client.allowInsecureRequests]
    const config = await client.discovery(new URL(ISSUER), 'shop', {}, client.None(), { algorithm, execute })
    assert.equal(config.serverMetadata().issuer, ISSUER)
    assert.equal(config.serverMetadata().supportsPKCE(), true)
  })
}

await check('the documents agree with each other', () => {
  const shared = Object.keys(oauth).filter((name) => name in openid)
  for (const name of shared) assert.deepEqual(oauth[name], openid[name], name)
  assert.ok(shared.includes('issuer') && shared.includes('token_endpoint'))
})

const endpoints = Object.keys(openid).filter((name) => name.endsWith('_endpoint') || name === 'jwks_uri')

await check('all endpoints are named', () => {
  const wanted = ['authorization', 'token', 'revocation', 'introspection', 'userinfo', 'registration', 'device_authorization',
    'pushed_authorization_request'].map((name) => `${name}_endpoint`)
  for (const name of [...wanted, 'jwks_uri']) assert.ok(endpoints.includes(name), name)
})

await check('all named endpoints exist and are documented', async () => {
  assert.ok(endpoints.length > 0)
  const { paths } = await get(`${MANAGEMENT}/openapi.json`)
  for (const name of endpoints) {
    const url = new URL(openid[name])
    assert.equal(url.origin, new URL(ISSUER).origin, name)
    assert.ok(url.pathname in paths, `${name} is not in the OpenAPI document`)
    assert.notEqual((await fetch(url, { redirect: 'manual' })).status, 404, name)
  }
})

await check('the features that these scripts use are named', () => {
  const includes = (name, ...wanted) => {
    for (const value of wanted) assert.ok(openid[name]?.includes(value), `${name} lacks ${value}: ${openid[name]}`)
  }
  includes('grant_types_supported', 'authorization_code', 'refresh_token', 'client_credentials',
    'urn:ietf:params:oauth:grant-type:device_code', 'urn:oa4mp:params:oauth:grant-type:token-info')
  includes('response_types_supported', 'code')
  assert.deepEqual(openid.code_challenge_methods_supported, ['S256'])
  includes('token_endpoint_auth_methods_supported', 'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none')
  includes('token_endpoint_auth_signing_alg_values_supported', 'ES256')
  includes('introspection_endpoint_auth_methods_supported', 'client_secret_basic', 'private_key_jwt')
  includes('id_token_signing_alg_values_supported', 'ES256', 'RS256')
  includes('dpop_signing_alg_values_supported', 'ES256')
  includes('subject_types_supported', 'public')
  includes('scopes_supported', 'openid')
  assert.equal(openid.authorization_response_iss_parameter_supported, true)
  assert.ok(!openid.id_token_signing_alg_values_supported.includes('none'))
})

await check('the keys are public signature keys with ids', async () => {
  const { keys } = await get(openid.jwks_uri)
  assert.ok(keys.some(({ alg }) => alg === 'ES256'))
  for (const key of keys) {
    assert.ok(key.kid && key.use === 'sig', JSON.stringify(key))
    assert.ok(openid.id_token_signing_alg_values_supported.includes(key.alg), key.alg)
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.ok(!(secret in key), secret)
    await jose.importJWK(key, key.alg)
  }
  assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length)
})
