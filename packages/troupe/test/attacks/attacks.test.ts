/** A part of the corpus in every build, and that it can fail. All rows on both storages: `npm run attacks`. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'
import type { Verdict } from './attack.ts'
import { corpus } from './corpus.ts'
import { shownToNoModel } from './hostile-mcp.ts'
import { injections } from './injections.ts'
import { report } from './report.ts'
import { mcpWrites } from './rogue-agents.ts'
import { routes } from './routes.ts'
import { runCorpus, sample } from './run-corpus.ts'
import { send } from './target-user.ts'
import { openTestbed, undefended } from './testbed.ts'

/** Of all rows, beside one of each channel; the same in every build. */
const [memoryShare, postgresShare] = [0.015, 0.005]
const seed = 'build'
/** Channels on which the text stands beside data without a label, which counts as private. */
const besidePrivateData = ['history of an entry', 'working memory']
const memory = { storage: () => 'memory:', storageName: 'memory' } as const
const schemas: string[] = []
afterAll(async () => {
  for (const schema of schemas) await dropSchema(schema)
}, 600_000)

test('The corpus has at least 1,500 attacks of every family, each with its own id, many with a harmless twin.', () => {
  expect(corpus.length).toBeGreaterThan(1_500)
  expect(new Set(corpus.map(({ id }) => id)).size).toBe(corpus.length)
  expect(corpus.filter(({ twin }) => twin).length).toBeGreaterThan(1_500)
  expect(new Set(corpus.map(({ family }) => family)).size).toBe(11)
  expect(corpus.filter(({ expected, reason }) => expected === 'open' && !reason)).toEqual([])
})

test('The rows about callers name every route of the API.', async () => {
  const testbed = await openTestbed('memory:', {})
  try {
    const { paths } = (await (await fetch(`${testbed.url}/v1/openapi.json`)).json()) as {
      paths: Record<string, object>
    }
    const listed = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect([...routes].sort()).toEqual(listed.sort())
  } finally {
    await testbed.close()
  }
})

test('The rows about covering tracks name every tool of MCP that readers may not call.', async () => {
  const testbed = await openTestbed('memory:', {})
  const offered = async (role: 'admin' | 'readonly') => {
    const { key } = await testbed.troupe.apiKeys.create({ name: role, users: ['ada'], role })
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
    const headers = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' }
    const { text } = await send(testbed.url, 'POST', '/mcp', { key, body, headers })
    return [...text.matchAll(/"name":"(\w+)"/g)].map(([, name = '']) => name)
  }
  try {
    const readers = await offered('readonly')
    const writing = (await offered('admin')).filter((name) => !readers.includes(name))
    expect(writing.length).toBeGreaterThan(8)
    expect(writing.filter((name) => !(name in mcpWrites))).toEqual([])
  } finally {
    await testbed.close()
  }
})

test('A row that lacks something here is not tried, and is counted apart.', async () => {
  const rows = corpus.filter(({ id }) => id.startsWith('pooled/'))
  const { text, problems } = report(await runCorpus(rows, memory))
  expect(problems).toEqual([])
  expect(text).toContain(
    `0 attacks, 0 succeeded; 0 of 0 harmless cases were blocked or needed an approval; ${rows.length} not tried`,
  )
})

test('The report counts the tried and the successful attacks by the prefix of their rows.', async () => {
  const rows = corpus.filter(({ id }) => /^(identity\/nobody\/GET|code\/score)/.test(id))
  const verdicts = await runCorpus(rows, memory)
  const [first, ...others] = verdicts
  const { text } = report([{ ...first, succeeded: true } as Verdict, ...others])
  for (const prefix of ['identity/nobody', 'code']) {
    const tried = rows.filter(({ id }) => id.startsWith(prefix)).length
    expect(text).toContain(`  ${prefix}/… | ${tried} | ${first?.attack.id.startsWith(prefix) ? 1 : 0}`)
  }
})

test('The page docs/security.md names only tests that exist.', () => {
  const root = join(import.meta.dirname, '../../../..')
  const page = readFileSync(join(root, 'docs/security.md'), 'utf8')
  const named = [...page.matchAll(/`((?:\w[\w-]*\/)+[\w-]+\.test\.ts)`/g)].map(([, path = '']) => path)
  expect(named.length).toBeGreaterThan(15)
  const exists = (path: string) =>
    existsSync(join(root, 'packages/troupe', path.startsWith('test/') ? '' : 'src', path))
  expect(named.filter((path) => !exists(path))).toEqual([])
  const prefixes = [...page.matchAll(/`((?:[\w-]+\/)+)…`/g)].map(([, prefix = '']) => prefix)
  expect(prefixes.length).toBeGreaterThan(50)
  expect(prefixes.filter((prefix) => !corpus.some(({ id }) => id.startsWith(prefix)))).toEqual([])
  const risks = ['ASI', 'LLM', 'MCP'].flatMap((list) =>
    Array.from({ length: 10 }, (_, i) => `${list}${String(i + 1).padStart(2, '0')}`),
  )
  expect(risks.filter((risk) => !page.includes(`\n| ${risk} `))).toEqual([])
})

test('No attack of the sample succeeds in memory, and the harmless cases that are held up are counted.', async () => {
  const verdicts = await runCorpus(sample(corpus, { share: memoryShare, seed }), memory)
  const { text, problems } = report(verdicts)
  console.log(text)
  expect(problems.join('\n')).toBe('')
  expect(text).toMatch(/harmless cases that were held up, by channel:\n {2}\d+ of \d+ {2}\S/)
  expect(text).toMatch(/\n {2}\d+ more ask for what the stated policy allows; \d+ of them happened\n/)
  expect(text).toMatch(/\n {2}an obedient model, by every channel \| [1-9]\d* \| 0\n/)
  const injected = verdicts.filter(({ attack }) => attack.expected === 'asked')
  expect(injected.filter(({ reached }) => reached).length).toBeGreaterThan(0.9 * injected.length)
  // An owner's own work with text of others is done without a question as long as nothing sensitive is in it.
  for (const { attack, twin } of verdicts)
    if (attack.twin?.task === 'reply')
      expect([attack.id, twin]).toEqual([attack.id, besidePrivateData.includes(attack.channel) ? 'held up' : 'done'])
})

test('No attack of the sample succeeds on PostgreSQL.', async (context) => {
  if (await missingServer()) return context.skip('no PostgreSQL')
  const storage = () => {
    const schema = schemaName(`corpus_${schemas.length}`)
    schemas.push(schema)
    // Each policy has a troupe, and other test files need connections too.
    return { url: server, schema, poolSize: 3 }
  }
  const rows = sample(corpus, { share: postgresShare, seed })
  expect(report(await runCorpus(rows, { storage, storageName: 'postgres' })).problems.join('\n')).toBe('')
}, 600_000)

test('A row that cannot be carried out is counted as an error, and the rows after it are carried out.', async () => {
  const [first] = injections.filter(({ id }) => id.startsWith('exfil/'))
  if (!first) throw new Error('no such row')
  const verdicts = await runCorpus([{ ...first, id: 'broken/row', channel: 'no such channel' }, first], {
    ...memory,
    concurrency: 1,
  })
  expect(verdicts.map(({ error }) => error !== undefined)).toEqual([true, false])
  const { problems, text } = report(verdicts)
  expect(problems).toEqual([expect.stringContaining('ERROR broken/row')])
  expect(text).toContain('1 rows ended with an error')
})

test('An attack succeeds on every channel to a model if the policy is off.', async () => {
  const rows = injections.filter(({ id }) => /^(exfil|mcp)\//.test(id))
  const verdicts: Verdict[] = []
  const open = new Set<string>()
  // One success shows that a channel is open. The next wording is tried on the channels without one.
  for (const wording of ['direct', 'todo', 'authority', 'urgency']) {
    const untried = rows.filter(({ id, channel }) => id.endsWith(`/${wording}`) && !open.has(channel))
    const attacks = untried.map(({ twin: _, ...attack }) => attack)
    verdicts.push(...(await runCorpus(attacks, { ...memory, config: undefended })))
    for (const { attack, succeeded } of verdicts) if (succeeded) open.add(attack.channel)
  }
  const channels = new Set(verdicts.map(({ attack }) => attack.channel))
  for (const slot of shownToNoModel) channels.delete(`MCP ${slot}`)
  expect([...channels].filter((channel) => !open.has(channel))).toEqual([])
  expect(report(verdicts).problems.length).toBeGreaterThan(0)
})
