// Named checks. Results are printed; a failed check makes the script fail.

import assert from 'node:assert/strict'
import { inspect } from 'node:util'

import { client } from './packages.mjs'

/** Runs a check, prints the result, and returns the check's return value. */
export async function check(name, run) {
  try {
    const value = await run()
    console.log(`ok      ${name}`)
    return value
  } catch (error) {
    process.exitCode = 1
    console.log(`FAILED  ${name}\n${await describe(error)}`)
    return undefined
  }
}

/** Checks that the server refuses a request with this OAuth error and status. */
export async function refused(attempt, error, status = 400) {
  const raised = await attempt.then(
    (value) => assert.fail(`not refused: ${inspect(value)}`),
    (reason) => reason,
  )
  if (!(raised instanceof client.ResponseBodyError || raised instanceof client.WWWAuthenticateChallengeError)) {
    throw raised
  }
  const body = await bodyOf(raised)
  assert.deepEqual({ error: body.error, status: raised.status }, { error, status }, inspect(body))
}

/** The error of a refusal. For a 401 the library looks at the challenges first. */
async function bodyOf(raised) {
  if (raised instanceof client.ResponseBodyError) return raised.cause
  const text = await raised.response.clone().text()
  return text.startsWith('{') ? JSON.parse(text) : { error: raised.cause[0]?.parameters.error }
}

async function describe(error) {
  const answered = error?.response ?? (error?.cause instanceof Response ? error.cause : undefined)
  const body = answered && !answered.bodyUsed ? `\n${answered.status} ${await answered.text()}` : ''
  return (inspect(error, { depth: 2 }) + body).replace(/^/gm, '        ')
}
