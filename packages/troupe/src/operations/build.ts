/** Which release this is. */
import { createRequire } from 'node:module'

const { version } = createRequire(import.meta.url)('../../package.json') as { readonly version: string }

/** As npm names it: `0.1.0`. */
export const build = version
