import { expect, test } from 'vitest'
import { settingsOf } from './place.ts'

const place = (url: string, more = {}) => settingsOf({ url, ...more }).place

test.each(['p@ss/w#rd?%', 'a:b@c', '%zz', 'ü 🔑', '\'"\\', 'plain'])('the password %j arrives as it is', (password) => {
  expect(place(`postgres://ada:${encodeURIComponent(password)}@db:6543/shop`).password).toBe(password)
  expect(place('postgres://db/shop', { password }).password).toBe(password)
})

test('a password that is not encoded is taken as it stands', () => {
  const { user, password, host, database } = place('postgresql://ada:p@ss/w:rd#1@db/shop')
  expect([user, password, host, database]).toEqual(['ada', 'p@ss/w:rd#1', 'db', 'shop'])
})

test('parts stand for a URL, and go before what it says', () => {
  const { host, port, database, user } = place('postgres://ada@db:6543/shop', { host: 'other', database: 'x' })
  expect([host, port, database, user]).toEqual(['other', 6543, 'x', 'ada'])
  const parts = settingsOf({ host: 'h', user: 'u', password: 'p' }).place
  expect([parts.host, parts.port, parts.database, parts.user]).toEqual(['h', 5432, 'u', 'u'])
})

test('the name for people has no password', () => {
  const { name } = place('postgres://ada:secret@db/shop')
  expect(name).toBe('postgres://ada@db:5432/shop')
})

test.each([
  'postgres://ada:secret@db:x/shop',
  'postgres://ada:secret@db/shop?sslmode=prefer',
  'postgres://ada:secret@db/shop?unknown=1',
  'postgres://ada:secret@db:99999/shop',
  'mysql://ada:secret@db/shop',
])('%j is refused, without its password', (url) => {
  try {
    settingsOf({ url })
    expect.unreachable()
  } catch (error) {
    expect(error).toMatchObject({ code: 'validation.failed' })
    expect(String(error)).not.toContain('secret')
  }
})

test('misspelt and impossible options are refused', () => {
  for (const wrong of [{ poolsize: 3 }, { poolSize: 0 }, { schema: 'a-b' }, { tls: { cert: 'x' } }, { recycle: 30 }])
    expect(() => settingsOf({ url: 'postgres://db/shop', ...(wrong as object) })).toThrow()
})

test('tables are made under a role of their own', () => {
  const settings = settingsOf({ url: 'postgres://app:a@db/shop', migrateUrl: 'postgres://owner@db/shop' })
  expect([settings.place.user, settings.migratePlace.user, settings.migratePlace.password]).toEqual([
    'app',
    'owner',
    undefined,
  ])
})
