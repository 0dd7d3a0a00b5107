// A single-page application of another origin, with `oidc-client-ts`: log-in, renewal, logout, with DPoP.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'

import { check, close, ISSUER } from './browser.mjs'

const ORIGIN = process.env.FOREIGN_SPA_ORIGIN
const LIBRARY = readFileSync(
  path.join(process.env.FOREIGN_PACKAGES, 'node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js'),
  'utf8',
)

const server = createServer((request, response) => {
  const isLibrary = request.url === '/oidc-client-ts.js'
  response.setHeader('content-type', isLibrary ? 'text/javascript' : 'text/html')
  response.end(isLibrary ? LIBRARY : '<!DOCTYPE html><title>Page</title><script src="/oidc-client-ts.js"></script>')
})
await new Promise((resolve) => server.listen(new URL(ORIGIN).port, '127.0.0.1', resolve))

/** Runs a function in the page, with a manager that is configured like this. */
function manage(page, run, more = {}) {
  const settings = {
    authority: ISSUER,
    client_id: 'page',
    redirect_uri: `${ORIGIN}/callback`,
    post_logout_redirect_uri: `${ORIGIN}/`,
    scope: 'openid profile offline_access orders',
    ...more,
  }
  return page.evaluate(
    async ([settings, run]) => {
      const dpop = settings.dpop && { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() }
      const manager = new oidc.UserManager({ ...settings, dpop })
      return (0, eval)(`(${run})`)(manager)
    },
    [settings, run.toString()],
  )
}

for (const dpop of [false, true]) {
  await check(`a page logs a user in, renews and logs out ${dpop ? 'with' : 'without'} DPoP`, {}, async (page) => {
    const user = `user-${crypto.randomUUID()}`
    await page.goto(`${ORIGIN}/`)
    await Promise.all([
      page.waitForURL('**/oauth/login?**'),
      manage(page, (manager) => void manager.signinRedirect(), { dpop }),
    ])
    await page.locator('#user_id').fill(user)
    await page.locator('button.main').click()
    await page.waitForURL(`${ORIGIN}/callback?**`)

    const signedIn = await manage(page, async (manager) => {
      const user = await manager.signinRedirectCallback()
      return { sub: user.profile.sub, type: user.token_type, token: user.access_token, scope: user.scope }
    }, { dpop })
    assert.equal(signedIn.sub, user)
    assert.equal(signedIn.type, dpop ? 'DPoP' : 'Bearer')

    const renewed = await manage(page, async (manager) => (await manager.signinSilent()).access_token, { dpop })
    assert.notEqual(renewed, signedIn.token)

    if (!dpop) {
      const told = await page.evaluate(
        async ([issuer, token]) => {
          const headers = { authorization: `Bearer ${token}` }
          return (await fetch(`${issuer}/oauth/userinfo`, { headers })).json()
        },
        [ISSUER, renewed],
      )
      assert.equal(told.sub, user)
    }

    await Promise.all([
      page.waitForURL(`${ORIGIN}/?**`),
      manage(page, (manager) => void manager.signoutRedirect({ state: 'bye' }), { dpop }),
    ])
    assert.equal(await manage(page, async (manager) => (await manager.signoutRedirectCallback()).userState), 'bye')
  })
}

server.close()
await close()
