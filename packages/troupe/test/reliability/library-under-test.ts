/** What is put to the test: the built library, or another copy of it that `TROUPE_UNDER_TEST` names. */
import { pathToFileURL } from 'node:url'
import type * as testing from '../../src/testing/index.ts'

/** The folder of `index.js`, or of `index.ts`. */
const folder = process.env.TROUPE_UNDER_TEST
const root = folder ? pathToFileURL(`${folder}/`) : new URL('../../dist/', import.meta.url)

/** A file of the library by its path without extension. */
export const load = (path: string): Promise<unknown> =>
  import(new URL(`${path}.${root.pathname.endsWith('/src/') ? 'ts' : 'js'}`, root).href)

export const harness = (await load('testing/index')) as typeof testing
