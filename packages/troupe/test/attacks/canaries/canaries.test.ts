/** Canaries in every place that takes content or secrets, and a search for each of them in every outlet and encoding. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineMessage, type Troupe, type TroupeConfig, Worker } from '../../../src/index.ts'
import { serve } from '../../../src/server/index.ts'
import { dropSchema, missingServer, schemaName, server } from '../../postgres/postgres-server.ts'
import { send } from '../target-user.ts'
import { createFinder, encodingsOf, type Found } from './find-canaries.ts'
import { contents, errorText, plantCanaries, quotedForms, secretNames, secrets } from './plant-canaries.ts'

const walHeadBytes = 32
const folder = mkdtempSync(join(tmpdir(), 'troupe-canaries-'))
const schema = schemaName('canaries')
afterAll(async () => {
  rmSync(folder, { recursive: true })
  if (!(await missingServer())) await dropSchema(schema)
})

/** All that the page may load. */
const studioAssets = readdirSync(join(import.meta.dirname, '../../../studio/assets')).map((name) => `/assets/${name}`)

const filesIn = (path: string): Buffer[] =>
  readdirSync(path, { recursive: true })
    .map((name) => join(path, String(name)))
    .filter((name) => statSync(name).isFile())
    .map((name) => readFileSync(name))
/** What stands in the tables, as a dump shows it. */
const dump = () =>
  spawnSync('pg_dump', ['--data-only', '--inserts', '-n', schema, server], { maxBuffer: 1 << 28, encoding: 'buffer' })
    .stdout

/** Outlets by name, each with what came out. Those of the operator show neither; those of the user show the own content. */
async function outlets(
  storage: TroupeConfig['storage'],
  stored: () => Buffer[],
  { encrypted = true, more = [] as readonly string[] } = {},
) {
  const logged: string[] = []
  const events: string[] = []
  const troupe = await createTroupe({
    storage,
    log: { level: 'debug', destination: { write: (text: string) => void logged.push(text) } },
    secrets: [
      {
        get: (name: string) =>
          secretNames.includes(name) ? { value: secrets[secretNames.indexOf(name)] as string } : undefined,
      },
    ] as never,
    ...(encrypted
      ? { encryption: { keys: [{ id: 'one', key: Buffer.alloc(32, 7).toString('base64') }] } as never }
      : {}),
    audit: { reads: true } as never,
  })
  troupe.on('*', (event) => void events.push(JSON.stringify(event)))
  const site = await serve(troupe, { port: 0, authentication: 'required', rateLimit: false })
  const { key } = await troupe.apiKeys.create({ name: 'all', users: 'all', role: 'admin' })
  const get = async (path: string, name = 'ada') => {
    const response = await fetch(site.url + path, { headers: { authorization: `Bearer ${key}`, 'troupe-user': name } })
    // A request that is rejected shows nothing, and would prove nothing.
    expect([path, response.status]).toEqual([path, path === '/v1/nothing' ? 404 : 200])
    return Buffer.from(await response.arrayBuffer())
  }
  const request = (method: string, path: string, body?: unknown, apiKey = key) =>
    send(site.url, method, path, {
      key: apiKey,
      headers: { 'troupe-user': 'ada', accept: 'application/json, text/event-stream' },
      ...(body === undefined ? {} : { body }),
    })
  const operator = new Map<string, Buffer[]>()
  const user = new Map<string, Buffer[]>()
  try {
    const runs = await plantCanaries(troupe, 'ada')
    for (const path of [
      '/metrics',
      '/v1/health',
      '/v1/doctor',
      '/v1/versions',
      '/v1/audit?limit=50',
      '/v1/incidents',
      '/v1/audit/export',
      '/v1/api-keys',
      '/v1/openapi.json',
      '/v1/nothing',
      '/',
      '/health',
      '/ready',
    ])
      operator.set(path, [await get(path)])
    for (const id of runs) {
      const run = encodeURIComponent(id)
      for (const part of [
        '',
        '/result',
        '/export',
        '/export?redact=nothing',
        '/why',
        '/inspect',
        '/steps/1%231/calls',
        '/steps/1%231/prompts',
      ])
        user.set(`/v1/runs/${id}${part}`, [await get(`/v1/runs/${run}${part}`)])
      for (const part of ['/events', '/live'])
        user.set(`/v1/runs/${id}${part}`, [Buffer.from((await request('GET', `/v1/runs/${run}${part}`)).text)])
      for (const [method, params] of [
        ['tools/call', { name: 'get_run', arguments: { run: id } }],
        ['resources/read', { uri: `troupe://runs/${run}` }],
      ] as const) {
        const { text } = await request('POST', '/mcp', { jsonrpc: '2.0', id: 1, method, params })
        user.set(`MCP ${method} of ${id}`, [Buffer.from(text)])
      }
      user.set(`traces of ${id}`, [Buffer.from(JSON.stringify(await troupe.user('ada').traces.list()))])
    }
    for (const [name, answer] of await failures(troupe, request)) user.set(name, [Buffer.from(answer)])
    const assets = [...(await get('/')).toString().matchAll(/(?:src|href)="\.?(\/[^"]+)"/g)].map(
      ([, path = '']) => path,
    )
    expect(assets.length).toBeGreaterThan(1)
    for (const path of [...assets, ...more]) operator.set(path, [await get(path)])
    operator.set('storage', stored())
    const copy = join(mkdtempSync(join(folder, 'backup-')), 'copy')
    await troupe.backup(copy)
    operator.set('backup', filesIn(copy))
    operator.set('log', [Buffer.from(logged.join(''))])
    user.set('events', [Buffer.from(events.join('\n'))])
    if (encrypted) {
      await troupe.encryption.rotate({ to: { id: 'two', key: Buffer.alloc(32, 8).toString('base64') }, data: true })
      expect(await troupe.user('ada').context.get('value')).toBe(contents[0])
      operator.set('storage after a rotation', stored())
      await troupe.forget('ada')
      operator.set('storage after an erasure', stored())
      const last = join(mkdtempSync(join(folder, 'backup-')), 'copy')
      await troupe.backup(last)
      operator.set('backup after an erasure', filesIn(last))
    }
  } finally {
    await site.close()
    await troupe.close()
  }
  operator.set('storage after the end', stored())
  operator.set('log after the end', [Buffer.from(logged.join(''))])
  return { operator, user, key }
}

/** Answers to requests that fail, each by its status. */
async function failures(
  troupe: Troupe,
  request: (method: string, path: string, body?: unknown, key?: string) => ReturnType<typeof send>,
): Promise<ReadonlyMap<string, string>> {
  const [secret = ''] = secrets
  const failing = new Worker('Failing')
  failing.on(defineMessage('ask', z.string()), async () => {
    throw new Error(secrets.flatMap(quotedForms).join(' '))
  })
  const worker = await troupe.user('ada').start(failing)
  const limited = await troupe.apiKeys.create({ name: 'limited', users: ['ada'], operations: ['metrics.read'] })
  const [content = ''] = contents
  const answers = {
    400: await request('GET', `/v1/runs?limit=${encodeURIComponent(secret)}`),
    403: await request('POST', '/v1/runs', { task: secret, agent: 'none' }, limited.key),
    404: await request('GET', `/v1/runs/${encodeURIComponent(content)}`),
    409: await request('PUT', '/v1/context/entries/value', { value: secret, ifVersion: 77 }),
    500: await request('POST', '/v1/messages/request', { type: 'ask', payload: content, to: 'Failing', timeout: '5s' }),
  }
  await worker.stop()
  for (const [wanted, { status, text }] of Object.entries(answers))
    expect([status, text]).toEqual([Number(wanted), text])
  return new Map(Object.entries(answers).map(([wanted, { text }]) => [`answer ${wanted}`, text]))
}

function findings(found: Awaited<ReturnType<typeof outlets>>) {
  const anything = createFinder([...contents, ...secrets, found.key])
  const onlySecrets = createFinder([...secrets, found.key])
  const list = (outlet: Map<string, Buffer[]>, find: (bytes: Buffer) => Found[]) =>
    [...outlet].flatMap(([name, parts]) =>
      parts.flatMap((part) =>
        find(part)
          .filter(({ canary }) => canary !== errorText || !name.startsWith('log'))
          .map(({ canary, encoding }) => `${name}: ${canary} as ${encoding}`),
      ),
    )
  return [...list(found.operator, anything), ...list(found.user, onlySecrets)]
}

test('A canary is found in each of its encodings, and inside compressed streams.', () => {
  for (const text of [contents[3] as string, secrets[4] as string]) {
    const find = createFinder([text])
    for (const [name, bytes] of encodingsOf(text)) {
      const hidden = Buffer.concat([Buffer.from('before '), bytes, Buffer.from(' after')])
      expect([name, find(hidden).length > 0]).toEqual([name, true])
      expect([name, find(Buffer.concat([Buffer.alloc(9, 1), gzipSync(hidden)])).length > 0]).toEqual([name, true])
    }
    for (const before of ['', 'u', 'us', 'user:'])
      expect(find(Buffer.from(Buffer.from(`${before}${text}!`).toString('base64'))).length).toBeGreaterThan(0)
    expect(find(Buffer.from('nothing of it'))).toEqual([])
  }
})

test('No canary is in the files, the log, backups and pages of a troupe on SQLite.', async () => {
  const slot = join(folder, 'sqlite')
  const walBytes: number[] = []
  const found = await outlets(
    `sqlite:${join(slot, 't.db')}`,
    () => {
      walBytes.push(statSync(join(slot, 't.db-wal'), { throwIfNoEntry: false })?.size ?? 0)
      return filesIn(slot)
    },
    { more: studioAssets },
  )
  // The log ahead of the database was read, and holds more than its head.
  for (const bytes of walBytes.slice(0, 3)) expect(bytes).toBeGreaterThan(walHeadBytes)
  expect(found.operator.get('storage')?.length).toBeGreaterThan(1)
  expect(findings(found)).toEqual([])
  // The user's own reads show the own content, so that the search had something to find.
  expect([...found.user].flatMap(([, parts]) => parts.flatMap(createFinder(contents))).length).toBeGreaterThan(5)
})

test('No canary is in a dump, the log, backups and pages of a troupe on PostgreSQL.', async (context) => {
  if (await missingServer()) return context.skip('no PostgreSQL')
  const found = await outlets({ url: server, schema }, () => [dump()])
  expect(found.operator.get('storage')?.[0]?.length).toBeGreaterThan(10_000)
  expect(findings(found)).toEqual([])
})

test('The search finds the content of the same troupe without encryption, in its files and its backups.', async () => {
  const slot = join(folder, 'plain')
  const found = await outlets(`sqlite:${join(slot, 't.db')}`, () => filesIn(slot), { encrypted: false })
  const leaks = findings(found)
  for (const outlet of ['storage', 'storage after the end', 'backup'])
    for (const content of [contents[0], contents[3]])
      expect(leaks.filter((leak) => leak.startsWith(`${outlet}: ${content}`))).not.toEqual([])
})

test('The search names each outlet into which a canary of any encoding is planted.', async () => {
  const slot = join(folder, 'planted')
  const { operator, user, key } = await outlets(`sqlite:${join(slot, 't.db')}`, () => filesIn(slot))
  const canaries = [...secrets, ...contents]
  let planted = 0
  for (const [kind, outlet] of [
    ['operator', operator],
    ['user', user],
  ] as const)
    for (const [name, [part]] of outlet) {
      // The user's own outlets may show the user's content.
      const canary = (kind === 'user' ? secrets : canaries.filter((one) => one !== errorText))[
        planted % secrets.length
      ] as string
      const encodings = [...encodingsOf(canary)]
      const [encoding, bytes] = encodings[planted++ % encodings.length] as (typeof encodings)[number]
      const leak = new Map([[name, [Buffer.concat([part ?? Buffer.alloc(0), Buffer.from(' '), bytes])]]])
      const none = new Map<string, Buffer[]>()
      const leaks = findings({ operator: none, user: none, key, [kind]: leak })
      expect([name, encoding, leaks.some((one) => one.startsWith(`${name}: ${canary}`))]).toEqual([
        name,
        encoding,
        true,
      ])
    }
  expect(planted).toBeGreaterThan(30)
})
