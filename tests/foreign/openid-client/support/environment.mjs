// The server under test and its clients, which are configured in `settings.toml`.

import { client, jose } from './packages.mjs'

export const ISSUER = process.env.FOREIGN_ISSUER
export const MANAGEMENT = process.env.FOREIGN_MANAGEMENT
export const LOGIN_URL = process.env.FOREIGN_LOGIN_URL
export const CONSENT_URL = process.env.FOREIGN_CONSENT_URL
/** All clients with a secret have this one. */
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

/** The public client, whose tokens are bound to a DPoP key. */
export function spa() {
  const metadata = { ...redirecting('http://127.0.0.1:9/spa'), dpop_bound_access_tokens: true }
  return client.discovery(new URL(ISSUER), 'spa', metadata, client.None(), { execute })
}

/** An API client: `portal` or `stranger`. */
export function apiClient(id) {
  return client.discovery(new URL(ISSUER), id, {}, client.ClientSecretBasic(CLIENT_SECRET), { execute })
}

/** The redirect URI of a client. */
export function redirectUri(config) {
  return config.clientMetadata().redirect_uris[0]
}

/** A new user. */
export function someUser() {
  return `user-${crypto.randomUUID()}`
}

function redirecting(uri) {
  return { redirect_uris: [uri], response_types: ['code'] }
}
