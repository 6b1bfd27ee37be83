/** Several processes on one database: what one does the others see, and a run is carried on by one of them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import {
  createTroupe,
  defineAgent,
  defineMessage,
  finish,
  type Messages,
  patterns,
  type Run,
  type Troupe,
  Worker,
} from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const Note = defineMessage('note')
const missing = await missingServer()
const schema = schemaName('two')
const storage = { url: server, schema } as const

describe.skipIf(missing !== undefined)('two processes', () => {
  const opened: Troupe[] = []
  const children: ChildProcess[] = []
  const open = async (options = {}) => {
    const troupe = await createTroupe({ storage, log: 'silent', ...options })
    opened.push(troupe)
    return troupe
  }
  const beginIn = async (file: string, ...more: string[]) => {
    const program = join(import.meta.dirname, file)
    const child = spawn(process.execPath, [program, JSON.stringify(storage), ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data')
    return { child, id: String(line).trim() }
  }
  const begin = (...more: string[]) => beginIn('run-child.ts', ...more)
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await Promise.all(opened.splice(0).map((troupe) => troupe.close()))
  })
  afterAll(() => dropSchema(schema))

  test('A watcher receives what the other process pushes, in order and once.', async () => {
    const [here, there] = [await open(), await open()]
    const seen: [string, number][] = []
    const stop = new AbortController()
    const watching = (async () => {
      for await (const change of here.user('w').agent('W').context.watch({ pattern: 'n.*', signal: stop.signal }))
        if ('key' in change) seen.push([change.key, Date.now()])
    })().catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 200))
    const delays: number[] = []
    for (let i = 0; i < 20; i++) {
      await there.user('w').agent('P').context.push(`n.${i}`, i)
      const at = Date.now()
      while (seen.length <= i && Date.now() - at < 3_000) await new Promise((resolve) => setTimeout(resolve, 1))
      delays.push((seen[i]?.[1] ?? Number.POSITIVE_INFINITY) - at)
    }
    stop.abort()
    await watching
    expect(seen.map(([key]) => key)).toEqual(Array.from({ length: 20 }, (_, i) => `n.${i}`))
    delays.sort((a, b) => a - b)
    process.stderr.write(`watch across processes: p50 ${delays[10]} ms, worst ${delays[19]} ms\n`)
  })

  test('A receiver is notified of what the other process sends.', async () => {
    const [here, there] = [await open(), await open()]
    const delays: number[] = []
    for (let i = 0; i < 20; i++) {
      const waiting = here.user('r').agent('R').mailbox.receive({ max: 1, wait: '5s' })
      await new Promise((resolve) => setTimeout(resolve, 20))
      const at = Date.now()
      await there.user('r').agent('S').messages.send(Note, i, { to: 'R' })
      const [message] = await waiting
      delays.push(Date.now() - at)
      expect(message?.message.payload).toBe(i)
      await message?.ack()
    }
    delays.sort((a, b) => a - b)
    process.stderr.write(`receive across processes: p50 ${delays[10]} ms, worst ${delays[19]} ms\n`)
  })

  test('A worker sees a worker of the other process, works with it, and notices its death within twice the heartbeat.', async () => {
    const here = (await open({ presence: { heartbeat: '2s' } })).user('p')
    const [came, left]: [Messages.AgentDetail[], Messages.AgentDetail[]] = [[], []]
    const watch = new Worker('Watch')
    watch.onConnect('billing:clerk', (detail) => came.push(detail))
    watch.onDisconnect('*', (detail) => left.push(detail))
    await here.start(watch)
    const { child, id: processId } = await beginIn('presence-child.ts')
    await expect.poll(() => came, { interval: 10 }).toHaveLength(1)
    const far = { id: expect.any(String), name: 'Far', role: 'clerk', topics: ['billing'], processId }
    expect(came).toEqual([far])
    expect(await here.agent('A').messages.request(defineMessage('get-pid'), '?', { to: 'Far' })).toBe(child.pid)
    child.kill('SIGKILL')
    const killed = Date.now()
    await expect.poll(() => left, { interval: 10 }).toEqual([far])
    expect(Date.now() - killed).toBeLessThanOrEqual(4_000)
  })

  test('Four processes that count to 2,000 each on one key lose nothing.', { timeout: 300_000 }, async () => {
    const { context } = (await open()).user('u').agent('A')
    await context.push('counted', 0)
    const program = join(import.meta.dirname, 'increment-child.ts')
    const counting = Array.from({ length: 4 }, () =>
      spawn(process.execPath, [program, JSON.stringify(storage), '2000'], { stdio: ['ignore', 'inherit', 'inherit'] }),
    )
    children.push(...counting)
    expect(await Promise.all(counting.map((child) => once(child, 'exit')))).toEqual(Array(4).fill([0, null]))
    expect(await context.getEntry('counted')).toMatchObject({ value: 8_000, version: 8_001 })
  })

  test('A run stays with the process that started it, and the other process gets its result.', async () => {
    const calls: string[] = []
    const agent = (where: string) =>
      defineAgent({
        name: 'Slow',
        run: async () => {
          calls.push(where)
          await new Promise((resolve) => setTimeout(resolve, 2_500))
          return finish('done')
        },
      })
    const here = await open({ agents: [agent('here')], lease: '1s' })
    const there = await open({ agents: [agent('there')], lease: '1s' })
    const run = await here
      .user('o')
      .orchestra.start({ task: 'x', topology: patterns.pipeline({ stages: [{ agents: [agent('here')] }] }) })
    const followed = typesOf(await there.user('o').orchestra.get(run.id))
    const [mine, theirs] = await Promise.all([
      run.result(),
      there
        .user('o')
        .orchestra.get(run.id)
        .then((found) => found.result()),
    ])
    expect([mine.status, theirs.status]).toEqual(['completed', 'completed'])
    expect((await followed).at(-1)).toBe('run.completed')
    expect(calls).toEqual(['here'])
  })

  test('The runs of a process that dies continue in the other process.', async () => {
    const { child, id } = await begin()
    const agent = defineAgent({ name: 'Slow', run: async () => finish('taken over') })
    const here = await open({ agents: [agent], lease: '2s' })
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect((await (await here.user('k').orchestra.get(id)).status()).status).toBe('running')
    child.kill('SIGKILL')
    const killed = Date.now()
    // Nobody asks for it: it is found.
    const run = await here.user('k').orchestra.get(id)
    await expect.poll(async () => (await run.status()).status, { interval: 20 }).toBe('completed')
    const result = await run.result()
    process.stderr.write(`taken over after ${Date.now() - killed} ms with a lease of 2 s\n`)
    expect(result.response).toBe('taken over')
  })

  test('A frozen owner that wakes after the takeover changes nothing.', async () => {
    const { child, id } = await begin('1500')
    child.kill('SIGSTOP')
    const agent = defineAgent({ name: 'Slow', run: async () => finish('taken over') })
    const here = await open({ agents: [agent], lease: '2s' })
    const run = await here.user('k').orchestra.get(id)
    expect((await run.result()).response).toBe('taken over')
    const before = await typesOf(run)
    child.kill('SIGCONT')
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect(await typesOf(run)).toEqual(before)
    expect((await run.result()).response).toBe('taken over')
    expect(child.exitCode).toBeNull()
  })
})

async function typesOf(run: Run): Promise<readonly string[]> {
  const types: string[] = []
  for await (const event of run.events()) types.push(event.type)
  return types
}
