import { expect, test } from 'vitest'
import { loadOptional } from './load-optional.ts'

/** What Node says, which the loader of the tests words in its own way. */
const missing = (name: string) =>
  Object.assign(new Error(`Cannot find package '${name}' imported from /app/index.js`), {
    code: 'ERR_MODULE_NOT_FOUND',
  })

test('A package that is not installed is an error with the command that installs it.', async () => {
  const loading = loadOptional('PostgreSQL as storage', 'pg', () => Promise.reject(missing('pg')))
  await expect(loading).rejects.toMatchObject({ code: 'package.missing', hint: 'Run npm install pg.' })
})

test('An error inside an installed package is passed on unchanged.', async () => {
  const inside = missing('pg-pool')
  await expect(loadOptional('PostgreSQL as storage', 'pg', () => Promise.reject(inside))).rejects.toBe(inside)
})

test('A package in whose place a bundler has put a module without content is not installed.', async () => {
  for (const empty of [{}, { default: {} }, { __esModule: true, default: {} }])
    await expect(loadOptional('PostgreSQL as storage', 'pg', async () => empty)).rejects.toMatchObject({
      code: 'package.missing',
    })
  const installed = { default: { Pool: class {} } }
  expect(await loadOptional('PostgreSQL as storage', 'pg', async () => installed)).toBe(installed)
})
