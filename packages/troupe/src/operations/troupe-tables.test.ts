import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { storageMigrations } from '../storage/index.ts'
import { migrations } from './troupe-tables.ts'

/** Digests of the migrations that databases have. A new migration adds a line; an edited one would never reach those databases. */
const released: Readonly<Record<string, string>> = {
  'agents 1': '3d25ce86e144',
  'agents 2': 'df4a8f691413',
  'context 1': 'ee80f8d760fc',
  'journal 1': '62219fcecd8d',
  'messaging 1': '3240839a6712',
  'observability 1': 'c983768369fa',
  'observability 2': 'ab7c7a276cf4',
  'runs 1': 'df08c0061b7e',
  'runs 2': '17c89ffeb56c',
  'runs 3': '9327e5a7d743',
  'runs 4': 'c3735be4d611',
  'runs 5': '84d03221ca2b',
  'sandbox 1': '149b0ff2a1f2',
  'security 1': '6a80786d10f6',
  'security 2': '421ca41c627d',
  'storage 1': 'f094998270d0',
}

test('A migration of Troupe that databases have is never edited.', () => {
  const digests = [...storageMigrations, ...migrations].map(({ module: moduleName, version, lowestReader, up }) => {
    const statements = [up.sqlite, up.postgres].map((one) => one.map((sql) => sql.replaceAll(/\s+/g, ' ')))
    const text = JSON.stringify([lowestReader, statements])
    return [`${moduleName} ${version}`, createHash('sha256').update(text).digest('hex').slice(0, 12)]
  })
  expect(Object.fromEntries(digests)).toEqual(released)
})
