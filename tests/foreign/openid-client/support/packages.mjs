// The libraries, which are installed below the build directory, where no `import` of a script would find them.

import { webcrypto } from 'node:crypto'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

// Node.js 18 has these under other names only.
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey

const require = createRequire(path.join(process.env.FOREIGN_PACKAGES, 'scripts.js'))
const load = (name) => import(pathToFileURL(require.resolve(name)))

export const client = await load('openid-client')
export const jose = await load('jose')
