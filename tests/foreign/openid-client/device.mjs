// The device flow (RFC 8628).

import assert from 'node:assert/strict'

import { Browser, answer } from './support/browser.mjs'
import { check, refused } from './support/checks.mjs'
import { client } from './support/packages.mjs'
import { keyed, shop, someUser } from './support/environment.mjs'

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const config = await shop()

const initiate = () => client.initiateDeviceAuthorization(config, { scope: 'openid offline_access orders' })
const poll = (device_code) => client.genericGrantRequest(config, DEVICE_CODE, { device_code })

/** Types the user code in. */
async function typeIn(browser, { verification_uri, user_code }) {
  const page = await browser.open(verification_uri)
  assert.equal(page.response?.status, 200)
  return browser.submit(page, { user_code })
}

await check('the device receives what it has to show', async () => {
  const told = await initiate()
  assert.match(told.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-?[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  assert.ok(told.device_code.length >= 32 && told.expires_in > 60 && (told.interval ?? 5) >= 5)
  assert.ok(told.verification_uri_complete.startsWith(told.verification_uri))
})

await check('the device gets tokens when the user has typed the code', async () => {
  const [user, told] = [someUser(), await initiate()]
  const page = await typeIn(new Browser(user), told)
  assert.equal(page.response?.status, 200, await page.response?.text())
  const tokens = await client.pollDeviceAuthorizationGrant(config, told)
  assert.equal(tokens.claims().sub, user)
  assert.ok(tokens.refresh_token)
  const { sub } = await client.fetchUserInfo(config, tokens.access_token, user)
  assert.equal(sub, user)
  await refused(poll(told.device_code), 'invalid_grant')
})

await check('the complete URI contains the code and still asks the user', async () => {
  const [user, told] = [someUser(), await initiate()]
  const browser = new Browser(user)
  const page = await browser.open(told.verification_uri_complete)
  assert.equal(page.response?.status, 200)
  await refused(poll(told.device_code), 'authorization_pending')
  const done = await browser.submit(page, {})
  assert.equal(done.response?.status, 200)
  const tokens = await client.pollDeviceAuthorizationGrant(config, told)
  assert.equal(tokens.claims().sub, user)
})

await check('until then the device has to poll slowly', async () => {
  const { device_code } = await initiate()
  await refused(poll(device_code), 'authorization_pending')
  await refused(poll(device_code), 'slow_down')
})

await check('after a rejected log-in the device is denied', async () => {
  const told = await initiate()
  const browser = new Browser(someUser(), { login: (challenge) => answer('login', challenge, 'reject', {}) })
  await typeIn(browser, told)
  await refused(poll(told.device_code), 'access_denied')
})

await check('an unknown user code or device code is refused', async () => {
  const told = await initiate()
  const page = await typeIn(new Browser(someUser()), { ...told, user_code: 'BBBBBBBB' })
  assert.ok(page.response?.status < 500)
  await refused(poll(told.device_code), 'authorization_pending')
  await refused(poll('invented'), 'invalid_grant')
})

await check('another client cannot use the device code', async () => {
  const { device_code } = await initiate()
  const other = await keyed()
  const attempt = client.genericGrantRequest(other, DEVICE_CODE, { device_code })
  await assert.rejects(attempt, ({ error }) => ['invalid_grant', 'unauthorized_client'].includes(error))
  await refused(client.initiateDeviceAuthorization(other, { scope: 'openid' }), 'unauthorized_client')
})
