// Flows that several scripts use.

import { Browser } from './browser.mjs'
import { client } from './packages.mjs'
import { redirectUri, someUser } from './environment.mjs'

/** An authorization request, and what is needed to check its response. */
export async function authorizationRequest(config, parameters = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()]
  const request = {
    redirect_uri: redirectUri(config),
    scope: 'openid offline_access orders',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
    ...parameters,
  }
  return { request, checks: { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true } }
}

/** Logs a user in at the client by a pushed request. Returns the user and the tokens. */
export async function logIn(config, { parameters, tokenParameters, options, browser, user = someUser() } = {}) {
  const { request, checks } = await authorizationRequest(config, parameters)
  const address = await client.buildAuthorizationUrlWithPAR(config, request, options)
  const { url } = await (browser ?? new Browser(user)).open(address.href)
  const tokens = await client.authorizationCodeGrant(config, url, checks, tokenParameters, options)
  return { user, tokens }
}

/** Records the requests of a client, so that one can be repeated. */
export function record(config) {
  const sent = []
  config[client.customFetch] = (url, options) => {
    sent.push([url, { ...options, body: options.body?.toString(), signal: undefined }])
    return fetch(url, options)
  }
  return sent
}

/** Whether userinfo accepts an access token. */
export async function isValid(config, accessToken, user, options) {
  try {
    await client.fetchUserInfo(config, accessToken, user, options)
    return true
  } catch (error) {
    if (error instanceof client.WWWAuthenticateChallengeError && error.status === 401) return false
    throw error
  }
}
