// A headless Chromium, and named checks in it.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'
import { inspect } from 'node:util'

export const ISSUER = process.env.FOREIGN_ISSUER

export const require = createRequire(path.join(process.env.FOREIGN_PACKAGES, 'scripts.js'))
const { chromium } = require('playwright-core')

const browser = await chromium.launch({ executablePath: process.env.FOREIGN_CHROMIUM, args: ['--no-sandbox'] })

/** Runs a check in a browser of its own, with `options` of Playwright's contexts. */
export async function check(name, options, run) {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const refused = []
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) refused.push(message.text())
  })

  try {
    await run(page)
    assert.deepEqual(refused, [], 'the policy of a page forbids what the page does')
    console.log(`ok      ${name}`)
  } catch (error) {
    process.exitCode = 1
    console.log(`FAILED  ${name}\n${inspect(error, { depth: 2 })}\nat ${page.url()}\n${await page.content()}`)
  } finally {
    await context.close()
  }
}

export function close() {
  return browser.close()
}
