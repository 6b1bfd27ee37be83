import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import type { CassetteConfig } from '../../configuration/cassette-file.ts'
import { createVirtualClock, seededRandom } from '../../core/index.ts'
import { createTroupe } from '../../startup/create-troupe.ts'
import { LlmAgent } from '../../startup/llm-agent.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'
import { defineTool } from '../../tools/index.ts'
import { type CassetteStore, openCassette } from './cassette.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
function cassettePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-cassette-'))
  folders.push(folder)
  return join(folder, 'tapes', 'one.jsonl')
}
const secret = 'sk-live-0123456789'
const never = new Error('nothing may be asked while a cassette is played')

/** An agent that looks an account up with a key, and what it did in the world. */
function team(responses: readonly MockItem[], execute: (input: { q: string; password: string }) => unknown) {
  const lookups: string[] = []
  const model = new MockModel({ responses })
  const look = defineTool({
    name: 'look',
    description: 'Looks an account up.',
    inputSchema: z.object({ q: z.string(), password: z.string() }),
    execute: (input) => {
      lookups.push(input.q)
      return execute(input)
    },
  })
  return { model, lookups, agent: new LlmAgent({ name: 'Clerk', model, tools: { look } }) }
}
const call = (q: string, password = secret): MockItem => ({ toolCalls: [{ name: 'look', args: { q, password } }] })

async function play<Out>(
  cassette: CassetteConfig,
  run: (troupe: Awaited<ReturnType<typeof createTroupe>>) => Promise<Out>,
): Promise<Out> {
  await using troupe = await createTroupe({ storage: 'memory:', cassette, log: 'silent' })
  return await run(troupe)
}

it('A cassette records the answers of models and tools, and replays them without asking either.', async () => {
  const path = cassettePath()
  const recorded = team([call('ada'), 'Ada has 5 euros.'], ({ q }) => ({ owner: q, at: new Date(0) }))
  const first = await play({ path, mode: 'record', secrets: [secret] }, (troupe) =>
    troupe.user('u').session(recorded.agent).generate('What has Ada?'),
  )
  const replayed = team([never], () => {
    throw never
  })
  const repeated = await play({ path, secrets: [secret] }, (troupe) =>
    troupe.user('other').session(replayed.agent).generate('What has Ada?'),
  )
  expect([repeated.text, repeated.usage, repeated.toolCalls.length]).toEqual([first.text, first.usage, 1])
  expect([replayed.lookups, replayed.model.calls.length]).toEqual([[], 0])
  expect(repeated.toolCalls[0]?.result).toEqual({ owner: 'ada', at: '1970-01-01T00:00:00.000Z' })
})

it('A cassette replays the recorded parts of a stream.', async () => {
  const path = cassettePath()
  const pieces = async (mode: 'record' | 'replay', responses: readonly MockItem[]) =>
    play({ path, mode }, async (troupe) => {
      const stream = troupe
        .user('u')
        .session(team(responses, () => 1).agent)
        .stream('Count.')
      const found: string[] = []
      for await (const part of stream) if (part.type === 'text-delta') found.push(part.delta)
      return found
    })
  expect(await pieces('record', ['one two three'])).toEqual(['one ', 'two ', 'three'])
  expect(await pieces('replay', [never])).toEqual(['one ', 'two ', 'three'])
})

it('A cassette never contains a secret, neither in arguments, split texts, results, named fields, headers nor errors.', async () => {
  const path = cassettePath()
  const half = secret.slice(0, 8)
  const leaky = team([call('ada'), `The key is ${secret} indeed.`], () => ({
    note: `bearer ${Buffer.from(secret).toString('base64')}`,
    headers: { 'x-anything': 'session-9f8e7d' },
    api_key: 'plain-but-named',
    iban: 'DE02120300000000202051',
    text: JSON.stringify({ token: 'inside-json' }),
  }))
  await play({ path, mode: 'record', secrets: [secret], redact: ['answer.iban'] }, async (troupe) => {
    const stream = troupe.user('u').session(leaky.agent).stream(`Use ${secret}.`)
    for await (const _ of stream) void _
  })
  const cut = team(['x'], () => 1)
  cut.model.doStream = async () => ({
    stream: ReadableStream.from([
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: half },
      { type: 'text-delta', id: '0', delta: secret.slice(8) },
      { type: 'text-end', id: '0' },
      { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage: {} },
    ]) as never,
  })
  await play({ path, mode: 'auto', secrets: [secret] }, async (troupe) => {
    for await (const _ of troupe.user('u').session(cut.agent).stream('Cut it.')) void _
  })
  const failing = team([Object.assign(new Error(`no ${secret}`), { statusCode: 400 })], () => 1)
  await play({ path, mode: 'auto', secrets: [secret] }, (troupe) =>
    troupe.user('u').session(failing.agent).run('Fail.'),
  )
  const cassette = readFileSync(path, 'utf8')
  for (const leaked of [secret, half, Buffer.from(secret).toString('base64').replace(/=+$/, ''), 'session-9f8e7d'])
    expect(cassette).not.toContain(leaked)
  for (const leaked of ['plain-but-named', 'DE0212', 'inside-json']) expect(cassette).not.toContain(leaked)
  expect(cassette.split('\n')[0]).toBe('{"cassette":1}')
})

it('A cassette reports the nearest difference of an unrecorded request, without values.', async () => {
  const path = cassettePath()
  const ask = (mode: 'record' | 'replay', text: string, more: { temperature?: number } = {}) =>
    play({ path, mode }, (troupe) =>
      troupe
        .user('u')
        .session(new LlmAgent({ name: 'A', model: new MockModel({ responses: ['yes'] }), settings: more }))
        .chat(text),
    )
  await ask('record', 'What is a lane?')
  expect(await ask('replay', 'What is a lane?')).toBe('yes')
  await expect(ask('replay', 'What is a road?')).rejects.toMatchObject({
    code: 'cassette.miss',
    message: expect.stringMatching(/request\.prompt\.0\.content\.0\.text differs from character 11/) as string,
  })
  await expect(ask('replay', 'What is a lane?', { temperature: 1 })).rejects.toThrow(/request\.temperature is new/)
  await expect(ask('replay', 'road')).rejects.not.toThrow(/lane|road/)
  const twice = play({ path }, async (troupe) => {
    const agent = new LlmAgent({ name: 'A', model: new MockModel({ responses: [] }) })
    await troupe.user('u').session(agent).chat('What is a lane?')
    return troupe.user('v').session(agent).chat('What is a lane?')
  })
  await expect(twice).rejects.toThrow(/recorded once, and this is call 2 of it/)
})

it('A cassette in mode `auto` asks only for what is missing, and numbers equal requests.', async () => {
  const path = cassettePath()
  const chat = (mode: 'auto' | 'replay', model: MockModel, texts: readonly string[]) =>
    play({ path, mode }, async (troupe) => {
      const streamedTexts: string[] = []
      for (const text of texts)
        streamedTexts.push(
          await troupe
            .user('u')
            .session(new LlmAgent({ name: 'A', model }))
            .chat(text),
        )
      return streamedTexts
    })
  const first = new MockModel({ responses: ['one', 'two'] })
  expect(await chat('auto', first, ['same', 'same'])).toEqual(['one', 'two'])
  const second = new MockModel({ responses: ['three'] })
  expect(await chat('auto', second, ['same', 'same', 'other'])).toEqual(['one', 'two', 'three'])
  expect(second.calls).toHaveLength(1)
  expect(await chat('replay', new MockModel({ responses: [] }), ['same', 'other', 'same'])).toEqual([
    'one',
    'three',
    'two',
  ])
})

it.each([
  { responseHeaders: { 'retry-after-ms': '30', 'set-cookie': 'c=1' } },
  { responseBody: '{"error":{"message":"c=1","details":[{"retryDelay":"0.03s"}]}}' },
])('A cassette replays failures too, with the pause that a provider asked for: %j.', async (response) => {
  const path = cassettePath()
  const limited = Object.assign(new Error('slow down'), { statusCode: 429, ...response })
  const clerk = (responses: readonly MockItem[]) => new LlmAgent({ name: 'A', model: new MockModel({ responses }) })
  const record = { path, mode: 'record' } as const
  await play(record, (troupe) =>
    troupe
      .user('u')
      .session(clerk([limited, 'at last']))
      .chat('hi'),
  )
  expect(readFileSync(path, 'utf8')).not.toContain('c=1')
  const clock = createVirtualClock()
  const random = seededRandom(1)
  await using troupe = await createTroupe({ storage: 'memory:', cassette: { path }, clock, random, log: 'silent' })
  let streamed = ''
  const asked = troupe
    .user('u')
    .session(clerk([]))
    .chat('hi')
    .then((text) => {
      streamed = text
    })
  await clock.advance('29ms')
  expect(streamed).toBe('')
  await clock.advance('10ms')
  await asked
  expect(streamed).toBe('at last')
})

it('A cassette replays the effects of function agents and tool bodies.', async () => {
  const path = cassettePath()
  const { defineAgent } = await import('../../agents/index.ts')
  const ask = (mode: 'record' | 'replay', fetched: () => unknown) =>
    play({ path, mode }, (troupe) =>
      troupe
        .user('u')
        .session(
          defineAgent({
            name: 'F',
            run: (_, ctx) => ctx.effect('fetch', { class: 'read', input: { url: 'x' } }, async () => fetched()),
          }),
        )
        .run('go'),
    )
  expect((await ask('record', () => ({ status: 200 }))).output).toEqual({ status: 200 })
  expect((await ask('replay', () => Promise.reject(never))).output).toEqual({ status: 200 })
})

it('A cassette that is damaged, edited, missing, or opened with wrong options is rejected.', async () => {
  const path = cassettePath()
  const open = (text: string | undefined, more: object = {}) => {
    if (text !== undefined) writeFileSync(path, text)
    return play({ path, ...more }, async () => 1)
  }
  await expect(open(undefined)).rejects.toMatchObject({ code: 'cassette.unreadable' })
  expect(await open(undefined, { mode: 'auto' })).toBe(1)
  expect(await open('\uFEFF{"cassette":1}\n')).toBe(1)
  await expect(open('{"cassette":2}\n')).rejects.toThrow(/first line/)
  await expect(open('{"cassette":1}\noops\n{}\n')).rejects.toThrow(/line 2 is not JSON/)
  expect(await open('{"cassette":1}\n{"kind":"mod')).toBe(1)
  await expect(open('{"cassette":1}\n{"kind":"tool","name":"x","key":"k","nth":1,"request":{}}\n')).rejects.toThrow(
    /changed/,
  )
  await expect(open('{"cassette":1}\n', { mode: 'play' })).rejects.toThrow(/mode is play/)
  await expect(open('{"cassette":1}\n', { redact: ['prompt'] })).rejects.toThrow(/begin with request/)
  await expect(open('{"cassette":1}\n', { mod: 'auto' })).rejects.toThrow(/no option mod/)
})

it.each([
  ['was cut off', (text: string) => `${text}{"kind":"mod`],
  ['has no end, as editors leave it', (text: string) => text.trimEnd()],
])('A cassette whose last line %s is extended, and is not changed by a replay.', async (_, change) => {
  const path = cassettePath()
  const { agent } = team(['first', 'second'], () => 1)
  const ask = (mode: 'auto' | 'replay', text: string) =>
    play({ path, mode }, (troupe) => troupe.user('u').session(agent).chat(text))
  expect(await ask('auto', 'one')).toBe('first')
  const changed = change(readFileSync(path, 'utf8'))
  writeFileSync(path, changed)
  expect(await ask('auto', 'one')).toBe('first')
  expect(readFileSync(path, 'utf8')).toBe(changed)
  expect(await ask('auto', 'two')).toBe('second')
  expect([await ask('replay', 'one'), await ask('replay', 'two')]).toEqual(['first', 'second'])
})

it('A cassette that cannot be written is reported as such, and not as a failure of a model or a tool.', async () => {
  const path = cassettePath()
  const { agent, model, lookups } = team([call('ada'), 'never asked'], () => {
    rmSync(dirname(path), { recursive: true })
    return 'a page'
  })
  const failed = play({ path, mode: 'record' }, (troupe) => troupe.user('u').session(agent).chat('go'))
  await expect(failed).rejects.toMatchObject({ code: 'cassette.unwritten' })
  expect([model.calls.length, lookups]).toEqual([1, ['ada']])
  const asked = await play({ path, mode: 'record' }, async (troupe) => {
    rmSync(dirname(path), { recursive: true })
    const spare = new LlmAgent({ name: 'Spare', model: [model, new MockModel({ responses: [never] })] })
    return await troupe
      .user('u')
      .session(spare)
      .chat('go')
      .catch((error: unknown) => error)
  })
  expect(asked).toMatchObject({ code: 'cassette.unwritten' })
  expect(model.calls).toHaveLength(2)
})

function memoryStore(): CassetteStore {
  let text = ''
  return {
    read: async () => text,
    async write(all) {
      text = all
    },
    async append(line) {
      text += line
    },
  }
}

it('A cassette replays an answer whose request was aborted before, as often as it was recorded.', async () => {
  const store = memoryStore()
  const traffic = { kind: 'tool', name: 'find', request: 'tea', signal: undefined } as const
  const recorded = await openCassette({ store, mode: 'record' })
  const aborted = recorded.play({ ...traffic, signal: AbortSignal.abort() }, () => Promise.reject(new Error('aborted')))
  await expect(aborted).rejects.toThrow('aborted')
  for (const answer of ['green', 'black']) await recorded.play(traffic, async () => answer)
  const replayed = await openCassette({ store, mode: 'auto' })
  const ask = (answer: string) => replayed.play(traffic, async () => answer)
  expect([await ask('a'), await ask('b'), await ask('white')]).toEqual(['green', 'black', 'white'])
  const repeated = await openCassette({ store, mode: 'replay' })
  const replay = () => repeated.play(traffic, () => Promise.reject(never))
  expect([await replay(), await replay(), await replay()]).toEqual(['green', 'black', 'white'])
  await expect(replay()).rejects.toMatchObject({ code: 'cassette.miss' })
})

it('A cassette replays values that look like its forms of dates, numbers, bytes and errors unchanged.', async () => {
  const store = memoryStore()
  const answer = {
    at: { $date: '2026-01-01T00:00:00Z' },
    price: { $number: '5', $$number: 6 },
    bytes: [{ $bytes: 'AAAA' }],
    failed: { $error: 'no stock' },
    real: new Date(0),
  }
  const traffic = { kind: 'tool', name: 'find', request: { since: { $date: '2026' } }, signal: undefined } as const
  const recorded = await openCassette({ store, mode: 'record' })
  await recorded.play(traffic, async () => answer)
  const replayed = await openCassette({ store, mode: 'replay' })
  expect(await replayed.play(traffic, () => Promise.reject(never))).toEqual(answer)
})

it('A cassette replays a recorded model without its package and its key.', async () => {
  const path = cassettePath()
  const seen: LanguageModelV4CallOptions[] = []
  const model = new MockModel({
    provider: 'anthropic',
    modelId: 'claude-x',
    responses: [
      (options) => {
        seen.push(options)
        return 'from the tape'
      },
    ],
  })
  await play({ path, mode: 'record' }, (troupe) =>
    troupe
      .user('u')
      .session(new LlmAgent({ name: 'A', model }))
      .chat('hi'),
  )
  const byName = new LlmAgent({ name: 'A', model: 'anthropic/claude-x' })
  expect(await play({ path }, (troupe) => troupe.user('u').session(byName).chat('hi'))).toBe('from the tape')
  expect(seen).toHaveLength(1)
})
