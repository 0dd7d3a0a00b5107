// The libraries, which are installed in the build directory, where an `import` would not find them.

import { webcrypto } from 'node:crypto'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

// Node.js 18 only has these under other names.
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey

const require = createRequire(path.join(process.env.FOREIGN_PACKAGES, 'scripts.js'))
const load = (name) => import(pathToFileURL(require.resolve(name)))

export const client = await load('openid-client')
export const jose = await load('jose')
