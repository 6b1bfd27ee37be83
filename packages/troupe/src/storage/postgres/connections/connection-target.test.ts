import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { checkTransport, optionNames, settingsOf } from './connection-target.ts'

const location = (url: string, more = {}) => settingsOf({ url, ...more }).location

test.each(['p@ss/w#rd?%', 'a:b@c', '%zz', 'ü 🔑', '\'"\\', 'plain'])(
  'The password %j is passed on unchanged.',
  (password) => {
    expect(location(`postgres://ada:${encodeURIComponent(password)}@db:6543/shop`).password()).toBe(password)
    expect(location('postgres://db/shop', { password }).password()).toBe(password)
  },
)

test('A connection URL of PostgreSQL may contain a password that is not encoded.', () => {
  const { user, password, host, database } = location('postgresql://ada:p@ss/w:rd#1@db/shop')
  expect([user, password(), host, database]).toEqual(['ada', 'p@ss/w:rd#1', 'db', 'shop'])
})

test('The parts of a connection replace a URL, and take precedence over it.', () => {
  const { host, port, database, user } = location('postgres://ada@db:6543/shop', { host: 'other', database: 'x' })
  expect([host, port, database, user]).toEqual(['other', 6543, 'x', 'ada'])
  const parts = settingsOf({ host: 'h', user: 'u', password: 'p' }).location
  expect([parts.host, parts.port, parts.database, parts.user]).toEqual(['h', 5432, 'u', 'u'])
})

test('The display name of a connection contains no password.', () => {
  const { name } = location('postgres://ada:secret@db/shop')
  expect(name).toBe('postgres://ada@db:5432/shop')
})

test.each([
  'postgres://ada:secret@db:x/shop',
  'postgres://ada:secret@db/shop?sslmode=prefer',
  'postgres://ada:secret@db/shop?unknown=1',
  'postgres://ada:secret@db:99999/shop',
  'mysql://ada:secret@db/shop',
])('The connection %j is rejected, and the error does not contain its password.', (url) => {
  try {
    settingsOf({ url })
    expect.unreachable()
  } catch (error) {
    expect(error).toMatchObject({ code: 'validation.failed' })
    expect(String(error)).not.toContain('secret')
  }
})

test('The PostgreSQL options are rejected if they are misspelt or impossible.', () => {
  for (const wrong of [
    { poolsize: 3 },
    { poolSize: 0 },
    { poolOverflow: -1 },
    { recycle: '10ms' },
    { schema: 'a-b' },
    { tls: { cert: 'x' } },
    { tls: 'yes' },
    { tls: null },
    { tls: { ca: 5 } },
    { tls: { check: 'no' } },
    { recycle: 30 },
  ])
    expect(() => settingsOf({ url: 'postgres://db/shop', ...(wrong as object) })).toThrow()
})

test.each(['acquireTimeout', 'statementTimeout', 'recycle'])(
  'The option %s of PostgreSQL is rejected if it is 0, or longer than a timer of Node.',
  (option) => {
    const settings = (value: string) => settingsOf({ url: 'postgres://db/shop', ...({ [option]: value } as object) })
    for (const wrong of ['0ms', '0.4ms', '25d', '1000000d']) expect(() => settings(wrong)).toThrow(option)
    expect(Object.values(settings('24d'))).toContain(24 * 86_400_000)
  },
)

test("The tables are created under a separate role, which does not get the password of the application's role.", () => {
  const settings = settingsOf({ url: 'postgres://app:a@db/shop', migrateUrl: 'postgres://owner@db/shop' })
  const { location, migrateLocation } = settings
  expect([location.user, migrateLocation.user, migrateLocation.password()]).toEqual(['app', 'owner', ''])
})

test('The option listenUrl inherits the user and the database of the main connection.', () => {
  const url = 'postgres://app:a@pooler:6432/shop?schema=team&sslmode=verify-full'
  const { listenLocation } = settingsOf({ url, listenUrl: 'postgres://db:5432' })
  expect(listenLocation).toMatchObject({
    host: 'db',
    port: 5432,
    user: 'app',
    database: 'shop',
    schema: 'team',
    tls: true,
  })
  expect(listenLocation?.password()).toBe('a')
  expect(() => settingsOf({ url, listenUrl: 'postgres://db/shop?schema=other' })).toThrow(/schema/)
})

test('The printed form of a connection and its JSON contain no passwords.', () => {
  const settings = settingsOf({ url: 'postgres://ada:hush@db/shop', migrateUrl: 'postgres://eve:hush@db/shop' })
  expect(inspect(settings, { depth: 9, showHidden: true }) + JSON.stringify(settings)).not.toContain('hush')
})

test('The page of PostgreSQL lists every option and no other.', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../../../docs/postgres.md'), 'utf8')
  const table = page.slice(page.indexOf('| option |'), page.indexOf('\n\n', page.indexOf('| option |')))
  const listed = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names = '']) => names.match(/\w+/g) ?? [])
  expect(listed.sort()).toEqual([...optionNames].sort())
})

test.each(['localhost', '127.0.0.1', '127.1.2.3', '[::1]', '%2Fvar%2Frun%2Fpostgresql'])(
  'The production profile accepts plain connections to %s, which stay on the machine.',
  (host) => {
    checkTransport(location(`postgres://${host}/shop`))
    checkTransport(location(`postgres://${host}/shop?sslmode=require`))
  },
)

test.each([
  ['postgres://db/shop', {}],
  ['postgres://db/shop?sslmode=disable', {}],
  ['postgres://db/shop?sslmode=require', {}],
  ['postgres:///shop?host=db', {}],
  ['postgres://db/shop', { tls: false }],
  ['postgres://db/shop', { tls: { check: false } }],
  ['postgres://db/shop?sslmode=verify-full', { tls: { check: false, ca: 'x' } }],
  ['postgres://localhost.evil.test/shop', {}],
  ['postgres://127.0.0.1.evil.test/shop', {}],
  ['postgres://10.0.0.1/shop', {}],
  ['postgres://0.0.0.0/shop', {}],
] as const)('The production profile rejects %s with %j, which leaves the machine.', (url, more) => {
  expect(() => checkTransport(location(url, more))).toThrow(expect.objectContaining({ code: 'config.unsafe' }))
})

test('The production profile accepts checked certificates, and plain connections that are declared.', () => {
  for (const tls of [true, { ca: 'x' }, { check: true }, 'none'] as const)
    checkTransport(location('postgres://db/shop', { tls }))
  for (const mode of ['verify-full', 'none']) checkTransport(location(`postgres://db/shop?sslmode=${mode}`))
})

test.each(['allow', 'prefer', 'no-verify', 'verify-ca', 'NONE', ''])(
  'The spelling sslmode=%s is rejected with the valid ones.',
  (mode) => {
    expect(() => location(`postgres://db/shop?sslmode=${mode}`)).toThrow(/sslmode is disable, none/)
  },
)
