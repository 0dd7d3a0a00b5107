// The server that is tested and the clients it knows: `settings.toml`.

import { client, jose } from './packages.mjs'

export const ISSUER = process.env.FOREIGN_ISSUER
export const MANAGEMENT = process.env.FOREIGN_MANAGEMENT
export const LOGIN_URL = process.env.FOREIGN_LOGIN_URL
export const CONSENT_URL = process.env.FOREIGN_CONSENT_URL
/** Of every client that has one. */
export const CLIENT_SECRET = process.env.FOREIGN_CLIENT_SECRET
/** The resource server `orders-api`: its tokens are JWTs. */
export const ORDERS_API = 'https://api.shop.example'

const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]

/** The client with a secret. */
export function shop(authentication = client.ClientSecretBasic(CLIENT_SECRET)) {
  return client.discovery(new URL(ISSUER), 'shop', redirecting('http://127.0.0.1:9/shop'), authentication, { execute })
}

/** The client with a key. */
export async function keyed() {
  const key = await jose.importJWK(JSON.parse(process.env.FOREIGN_KEYED_JWK), 'ES256')
  const metadata = redirecting('http://127.0.0.1:9/keyed')
  return client.discovery(new URL(ISSUER), 'keyed', metadata, client.PrivateKeyJwt(key), { execute })
}

/** The client without either, whose tokens are bound to a DPoP key. */
export function spa() {
  const metadata = { ...redirecting('http://127.0.0.1:9/spa'), dpop_bound_access_tokens: true }
  return client.discovery(new URL(ISSUER), 'spa', metadata, client.None(), { execute })
}

/** An API client: `portal` or `stranger`. */
export function apiClient(id) {
  return client.discovery(new URL(ISSUER), id, {}, client.ClientSecretBasic(CLIENT_SECRET), { execute })
}

/** The address a client is answered at. */
export function redirectUri(config) {
  return config.clientMetadata().redirect_uris[0]
}

/** A user nobody else uses. */
export function someUser() {
  return `user-${crypto.randomUUID()}`
}

function redirecting(uri) {
  return { redirect_uris: [uri], response_types: ['code'] }
}
