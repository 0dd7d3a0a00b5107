// An installation of the mobile application `bank`, which is a client that authenticates with its key.

import assert from 'node:assert/strict'

import { client, jose } from './packages.mjs'
import { ISSUER } from './environment.mjs'

export const REDIRECT_URI = 'bank://login'

/** The metadata of an installation with this key (RFC 7591 §2). */
export async function metadataOf(keyPair) {
  return {
    software_id: 'bank',
    software_version: '1.0',
    platform: 'android',
    device_name: 'A phone',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [await jose.exportJWK(keyPair.publicKey)] },
  }
}

/** Registers an installation. It knows the endpoints in advance, like an application for one server. */
export async function install() {
  const keyPair = await jose.generateKeyPair('ES256')
  const response = await fetch(`${ISSUER}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(await metadataOf(keyPair)),
  })
  assert.equal(response.status, 201, await response.clone().text())
  const { client_id } = await response.json()
  const server = {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}/oauth/authorize`,
    token_endpoint: `${ISSUER}/oauth/token`,
    revocation_endpoint: `${ISSUER}/oauth/revoke`,
    authorization_response_iss_parameter_supported: true,
  }
  const config = new client.Configuration(
    server, client_id, { redirect_uris: [REDIRECT_URI] }, client.PrivateKeyJwt(keyPair.privateKey))
  client.allowInsecureRequests(config)
  return config
}
