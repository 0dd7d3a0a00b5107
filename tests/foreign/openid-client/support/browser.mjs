// A user's browser, and the login and consent pages that it is sent to.

import assert from 'node:assert/strict'

import { CLIENT_SECRET, CONSENT_URL, ISSUER, LOGIN_URL } from './environment.mjs'

export class Browser {
  #cookies = new Map()

  /** `subject` is the user. The decisions of the login and consent pages can be replaced. */
  constructor(subject, { login, consent } = {}) {
    this.login = login ?? ((challenge) => answer('login', challenge, 'accept', { subject, amr: ['pwd'], acr: 'low' }))
    this.consent = consent ?? ((challenge) => accept_consent(challenge))
  }

  /** Follows redirects until they end or lead to another server. Returns `{url, response?}`. */
  async open(address, request = {}) {
    for (let hops = 0; hops < 10; hops += 1) {
      const url = new URL(address)
      if (address.startsWith(LOGIN_URL)) {
        address = await this.login(url.searchParams.get('login_challenge'))
      } else if (address.startsWith(CONSENT_URL)) {
        address = await this.consent(url.searchParams.get('consent_challenge'))
      } else if (!address.startsWith(`${ISSUER}/`)) {
        return { url }
      } else {
        const response = await this.#fetch(url, request)
        request = {}
        const location = response.headers.get('location')
        if (location === null) return { url, response }
        assert.equal(response.status, 303, 'a redirect after which the browser does not repeat a POST')
        address = new URL(location, url).href
      }
    }
    assert.fail(`too many redirects: ${address}`)
  }

  /** Fills in the only form of a page and submits it. */
  async submit(page, fields) {
    const html = await page.response.text()
    const form = html.match(/<form[^>]*>/)?.[0]
    assert.ok(form, `no form on the page: ${html}`)
    const inputs = [...html.matchAll(/<input[^>]*>/g)].map(([input]) => [attribute(input, 'name'), attribute(input, 'value')])
    const body = new URLSearchParams(inputs.filter(([name]) => name !== undefined).map(([name, value]) => [name, value ?? '']))
    for (const [name, value] of Object.entries(fields)) {
      assert.ok(body.has(name), `no field ${name} on the page: ${html}`)
      body.set(name, value)
    }
    assert.equal(attribute(form, 'method')?.toLowerCase(), 'post')
    const action = new URL(attribute(form, 'action') ?? page.url, page.url)
    return this.open(action.href, { method: 'POST', body, headers: { origin: ISSUER } })
  }

  async #fetch(url, request) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { accept: 'text/html', ...request.headers, ...(cookie && { cookie }) }
    const response = await fetch(url, { ...request, headers, redirect: 'manual' })
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = set.match(/^([^=;]+)=([^;]*)/)
      if (/;\s*max-age=0/i.test(set)) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return response
  }
}

/** Sends the decision of the login page (`login`) or consent page (`consent`). Returns where the browser goes next. */
export async function answer(kind, challenge, verdict, body) {
  return (await portal('PUT', `${kind}-requests/${challenge}/${verdict}`, body)).redirect_to
}

async function accept_consent(challenge) {
  const { scope } = await portal('GET', `consent-requests/${challenge}`)
  return answer('consent', challenge, 'accept', { scope })
}

async function portal(method, path, body) {
  const response = await fetch(`${ISSUER}/oauth/api/v1/${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`portal:${CLIENT_SECRET}`).toString('base64')}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    body: body && JSON.stringify(body),
  })
  assert.equal(response.status, 200, `${method} ${path}: ${response.status} ${await response.clone().text()}`)
  return response.json()
}

function attribute(tag, name) {
  return tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1].replaceAll('&amp;', '&')
}
