// The pages of the server, as users see them: each can be used, is checked by axe, and can be hit by a thumb.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

import { check, close, ISSUER, require } from './browser.mjs'

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const CODE_CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const REDIRECT_URI = 'http://127.0.0.1:9/shop'

const BROWSERS = [
  ['a phone', { viewport: { width: 390, height: 844 }, colorScheme: 'light', locale: 'en-GB' }],
  ['a phone in the dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark', locale: 'nl-NL' }],
  ['a desk', { viewport: { width: 1280, height: 800 }, colorScheme: 'light', locale: 'de-DE' }],
  ['a desk in the dark', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark', locale: 'fr-FR' }],
]

function authorize(changes = {}) {
  const url = new URL('/oauth/authorize', ISSUER)
  const parameters = {
    response_type: 'code', client_id: 'shop', redirect_uri: REDIRECT_URI, scope: 'openid orders', state: 's',
    code_challenge: CODE_CHALLENGE, code_challenge_method: 'S256', ...changes,
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/** Looks at the page that is open. */
async function inspect(page) {
  // In a world of its own: the policy of the page does not allow it a script.
  const session = await page.context().newCDPSession(page)
  const { frameTree } = await session.send('Page.getFrameTree')
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id })
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression, contextId: executionContextId, awaitPromise: true, returnByValue: true,
    })
    assert.equal(exceptionDetails, undefined, exceptionDetails?.exception?.description)
    return result.value
  }

  await evaluate(AXE)
  const violations = await evaluate(
    `axe.run().then((found) => found.violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.html).join(' ')))`,
  )
  assert.deepEqual(violations, [], page.url())

  for (const target of await page.locator('button, summary, input[type=text], label.check').all()) {
    const { height } = await target.boundingBox()
    assert.ok(height >= 44, `${height} px high: ${await target.evaluate((node) => node.outerHTML)}`)
  }
  for (const field of await page.locator('input[type=text]').all()) {
    const size = await field.evaluate((node) => parseFloat(getComputedStyle(node).fontSize))
    assert.ok(size >= 16, `a field of ${size} px makes a phone zoom`)
  }
  const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
  assert.ok(!isTooWide, 'the page is wider than the screen')
}

const submit = (page) => page.locator('button.main').click()

for (const [name, options] of BROWSERS) {
  await check(`${name}: a user logs in and allows access`, options, async (page) => {
    await page.goto(authorize())
    await inspect(page)
    await submit(page)
    await page.locator('#problem').waitFor()
    await inspect(page)

    await page.locator('#user_id').fill('alice')
    await page.locator('input[name=remember]').check()
    await submit(page)
    await page.locator('input[name=consent_challenge]').waitFor({ state: 'attached' })
    await inspect(page)

    // Nothing listens there: where the browser wants to go is enough.
    const [request] = await Promise.all([
      page.waitForRequest((one) => one.url().startsWith(`${REDIRECT_URI}?`)),
      submit(page),
    ])
    assert.match(request.url(), /[?&]code=/)
  })

  await check(`${name}: a user connects a device`, options, async (page) => {
    await page.goto(`${ISSUER}/oauth/device`)
    await inspect(page)
    await page.locator('#user_code').fill('BBBB-BBBB')
    await submit(page)
    await page.locator('#problem').waitFor()
    await inspect(page)

    const response = await page.request.post(`${ISSUER}/oauth/device_authorization`, {
      headers: { authorization: `Basic ${btoa(`shop:${process.env.FOREIGN_CLIENT_SECRET}`)}` },
      form: { scope: 'orders' },
    })
    await page.goto((await response.json()).verification_uri_complete)
    await submit(page)
    await page.locator('#user_id').fill('alice')
    await submit(page)
    await page.locator('input[name=consent_challenge]').waitFor({ state: 'attached' })
    await inspect(page)
    await submit(page)
    await page.waitForURL('**/oauth/device/done?result=allowed')
    await inspect(page)
    await page.goto(`${ISSUER}/oauth/device/done?result=denied`)
    await inspect(page)
  })

  await check(`${name}: a user logs out, and errors are explained`, options, async (page) => {
    await page.goto(authorize())
    await page.locator('#user_id').fill('alice')
    await page.locator('input[name=remember]').check()
    await submit(page)
    await page.locator('input[name=consent_challenge]').waitFor({ state: 'attached' })

    await page.goto(`${ISSUER}/oauth/logout`)
    await inspect(page)
    await submit(page)
    await page.locator('button').waitFor({ state: 'detached' })
    await inspect(page)

    for (const address of [authorize({ client_id: 'nobody' }), `${ISSUER}/oauth/authorize/resume?verifier=x`]) {
      await page.goto(address)
      await page.locator('[role=alert]').waitFor()
      await inspect(page)
    }
  })
}

await close()
