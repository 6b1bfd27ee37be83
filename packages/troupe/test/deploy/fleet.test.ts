/** Two servers and two workers on one PostgreSQL, some of which are killed: whoever is left goes on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'
import { Processes, pause, type Started } from './cli-processes.ts'
import { readLedger, repeatsOf } from './ledger.ts'

const missing = await missingServer()
const schema = schemaName('fleet')
const steps = 30
const key = 'k'.repeat(32)
const headers = { 'content-type': 'application/json', 'x-api-key': key, 'troupe-user': 'ada' }

interface RunEvent {
  readonly seq: number
  readonly type: string
  readonly [field: string]: unknown
}

describe.skipIf(missing !== undefined)('two servers and two workers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-fleet-'))
  const ledger = join(folder, 'ledger')
  const processes = new Processes({
    TROUPE_STORAGE: server,
    TROUPE_STORAGE_SCHEMA: schema,
    TROUPE_SERVER_KEY: key,
    TROUPE_LEASE: '2s',
    TROUPE_LOG: 'error',
  })
  let servers: readonly Started[]
  let workers: readonly Started[]

  beforeAll(async () => {
    await processes.run('migrate')
    servers = await Promise.all([1, 2].map(() => processes.start('serve', '--port', '0')))
    workers = await Promise.all([1, 2].map(() => processes.start('worker')))
  })
  afterAll(async () => {
    await processes.close()
    await dropSchema(schema)
    rmSync(folder, { recursive: true })
  })

  const call = async (at: Started | undefined, path: string, body?: unknown) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(`${at?.url}${path}`, { headers, ...init })
    // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it says what it is
    return { status: answer.status, body: (await answer.json()) as any }
  }
  const until = async <T>(what: () => Promise<T | undefined>): Promise<T> => {
    for (;;) {
      const found = await what()
      if (found !== undefined) return found
      await pause(100)
    }
  }
  const done = () => readLedger(ledger)
  const kill = async (victim: Started | undefined) => {
    victim?.child.kill('SIGKILL')
    await victim?.ended
  }
  /** Three steps more, or all. */
  const doneAfter = (count: number) =>
    until(async () => (done().length >= Math.min(count + 3, steps) ? done().length : undefined))

  test('A run survives the kill of a worker and a server in a fleet, is visible on every server, and ends correctly.', async () => {
    const [first, second] = servers
    const task = { ledger, steps }
    expect(await call(first, '/v1/runs', { id: 'long', task, team: 'work' })).toMatchObject({ status: 201 })
    const seen: RunEvent[] = []
    const watching = follow(`${second?.url}/v1/runs/long/events`, seen)

    // The server that began the run; then a worker, the one that carries the run on if it is one.
    const begun = await doneAfter(0)
    await kill(first)
    const takeover = await doneAfter(begun)
    const carrier = workers.find(({ child }) => child.pid === done().at(-1)?.pid) ?? workers[0]
    await kill(carrier)
    await doneAfter(takeover)

    const question = await until(async () => {
      const { body } = await call(second, '/v1/runs/long/result')
      return body.questions?.[0]?.id as string | undefined
    })
    expect(await call(second, '/v1/runs/long/answers', { question, value: 'blue' })).toMatchObject({ status: 200 })
    const { body } = await until(async () => {
      const answer = await call(second, '/v1/runs/long/result?wait=30s')
      return answer.body.status === 'completed' ? answer : undefined
    })
    expect(body).toMatchObject({ status: 'completed', success: true, response: `${steps} steps, blue` })

    await watching
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, i) => i + (seen[0]?.seq ?? 0)))
    expect(seen[0]?.type).toBe('run.started')
    expect(seen.at(-1)?.type).toBe('run.completed')
    expect(new Set(done().map(({ what }) => what))).toEqual(new Set([...Array(steps).keys(), 'blue'].map(String)))
    const { repeats, changes } = repeatsOf(done())
    expect(repeats).toBeLessThanOrEqual(changes)
  })

  test('The remaining processes of a fleet drain at SIGTERM.', async () => {
    const left = [...servers, ...workers].filter(({ child }) => child.exitCode === null && child.signalCode === null)
    expect(left).toHaveLength(2)
    for (const one of left) one.child.kill('SIGTERM')
    expect(await Promise.all(left.map((one) => one.ended))).toEqual([
      [0, null],
      [0, null],
    ])
  })
})

/** Server-sent events until the stream ends, each once. */
async function follow(url: string, into: RunEvent[]): Promise<void> {
  const answer = await fetch(url, { headers })
  let text = ''
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (data !== undefined && /^event: /m.test(block)) into.push(JSON.parse(data) as RunEvent)
    }
  }
}
