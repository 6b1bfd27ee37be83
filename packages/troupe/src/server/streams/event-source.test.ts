/** Streams of events as others read them: curl, and an EventSource that comes back by itself. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSource } from 'eventsource'
import { afterEach, describe, expect, it } from 'vitest'
import { defineAgent } from '../../agents/index.ts'
import { Servers, until } from '../server-testbed.test.fixture.ts'

const twice = defineAgent({
  name: 'Twice',
  run: async (_, ctx) => [
    await ctx.ask({ kind: 'question', text: 'First?' }),
    await ctx.ask({ kind: 'question', text: 'Second?' }),
  ],
})

const servers = new Servers()
const folder = mkdtempSync(join(tmpdir(), 'troupe-events-'))
const sources: EventSource[] = []
afterEach(async () => {
  for (const source of sources.splice(0)) source.close()
  await servers.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Everything it says of these, by id. */
function listen(url: string, types: readonly string[]) {
  const source = new EventSource(url)
  sources.push(source)
  const received: { readonly id: string; readonly type: string; readonly data: Readonly<Record<string, unknown>> }[] =
    []
  for (const type of types)
    source.addEventListener(type, ({ lastEventId, data }) =>
      received.push({ id: lastEventId, type, data: JSON.parse(data) }),
    )
  return { source, received }
}

describe('an EventSource', () => {
  it('An EventSource receives each event of a run once and in order across a restart of the server, and ends with the run.', async () => {
    const config = { storage: `sqlite:${join(folder, 'troupe.db')}`, agents: [twice] }
    const first = await servers.start(config)
    const port = Number(new URL(first.url).port)
    await first.call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Twice' })
    const types = [
      'run.started',
      'run.claimed',
      'branch.started',
      'step.started',
      'question.asked',
      'step.waiting',
      'run.waiting',
      'question.answered',
    ]
    const last = [
      'timer.set',
      'timer.cleared',
      'answer.delivered',
      'step.completed',
      'branch.completed',
      'run.completed',
    ]
    const { source, received } = listen(`${first.url}/v1/runs/r/events`, [...types, ...last])
    const asked = (text: string) =>
      until(text, () =>
        received.find(({ type, data }) => type === 'question.asked' && (data.ask as { text: string }).text === text),
      )
    const { data } = await asked('First?')
    await first.call('POST', '/v1/runs/r/answers', { question: data.question, value: 'red' })
    await until('an answer', () => received.some(({ type }) => type === 'question.answered'))

    await servers.close()
    const second = await servers.start(config, { port })
    const { data: nextQuestion } = await asked('Second?')
    await second.call('POST', '/v1/runs/r/answers', { question: nextQuestion.question, value: 'blue' })
    // It comes back once more after the last event, and is told that there is nothing left.
    await until('the end', () => source.readyState === source.CLOSED)
    expect(received.at(-1)?.type).toBe('run.completed')
    expect(received.map(({ id }) => Number(id))).toEqual(received.map((_, i) => i + 1))
  })

  it('An EventSource receives each change of the context once and in order across a restart of the server.', async () => {
    const config = { storage: `sqlite:${join(folder, 'troupe.db')}` }
    const first = await servers.start(config)
    const port = Number(new URL(first.url).port)
    const { received } = listen(`${first.url}/v1/context/watch?from=0`, ['put', 'removed', 'resync'])
    const write = async ({ call }: typeof first, from: number, to: number) => {
      for (let n = from; n <= to; n++) await call('PUT', `/v1/context/entries/k${n}`, { value: n })
    }
    await write(first, 1, 5)
    await until('five changes', () => received.length === 5)
    await servers.close()
    const second = await servers.start(config, { port })
    // Before it is back, and after.
    await write(second, 6, 10)
    await until('ten changes', () => received.length >= 10)
    await write(second, 11, 12)
    await until('twelve changes', () => received.length >= 12)
    expect(received.map(({ type, data }) => [type, data.key])).toEqual(
      Array.from({ length: 12 }, (_, i) => ['put', `k${i + 1}`]),
    )
  })
})

describe('curl -N', () => {
  it('The command `curl -N` resumes after Last-Event-ID, shows new events at once, and ends with the run.', async () => {
    const { call, url } = await servers.start({ agents: [twice] })
    await call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Twice' })
    const curl = spawn('curl', ['-sSN', '-H', 'Last-Event-ID: 2', `${url}/v1/runs/r/events`])
    let text = ''
    curl.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    for (const value of ['red', 'blue']) {
      const open = async () => (await call('GET', '/v1/runs/r/result')).body.questions?.[0]?.id as string | undefined
      const question = await until('a question', open)
      await until('it is heard', () => text.includes(`"question":"${question}"`))
      await call('POST', '/v1/runs/r/answers', { question, value })
      await until('it is answered', async () => (await open()) !== question)
    }
    const [code] = await once(curl, 'close')
    expect(code).toBe(0)
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
    expect(ids).toEqual(ids.map((_, i) => i + 3))
    expect(text).toMatch(/event: run\.completed\ndata: .*\n\n$/)
  })
})
