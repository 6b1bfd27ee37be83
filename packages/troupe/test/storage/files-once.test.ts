/** A file is stored once for each user, however many records, messages and entries name it. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineAgent, defineTool, LlmAgent, patterns, type TroupeConfig } from '../../src/index.ts'
import { restoreBackup } from '../../src/operations.ts'
import { createVirtualClock, MockModel } from '../../src/testing/index.ts'
import { image } from '../../src/tools.ts'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'
import { storedBytesOfFile, storedBytesOfSchema } from './stored-bytes.ts'

const bytes = randomBytes(400_000)
const picture = image(bytes, { mediaType: 'image/png' })
const size = picture.data.length

const folder = mkdtempSync(join(tmpdir(), 'troupe-files-'))
const missing = await missingServer()
const schemas: string[] = []
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  if (!missing) for (const schema of schemas) await dropSchema(schema)
})

const show = defineTool({
  name: 'show',
  description: 'Returns the picture',
  inputSchema: z.object({}),
  effect: 'read',
  execute: () => [{ type: 'text', text: 'The picture' }, picture] as never,
})
const echo = (name: string) =>
  defineAgent<string>({
    name,
    async run(input, ctx) {
      await ctx.context.push(name, input)
      return input
    },
  })
const painter = defineAgent({ name: 'Painter', run: async () => ({ picture }) as never })
const steps = ['A', 'B', 'C', 'D'].map(echo)
const topology = patterns.pipeline({ stages: [painter, ...steps].map((agent) => ({ agents: [agent] })) })
const viewer = () =>
  new LlmAgent({
    name: 'Viewer',
    tools: [show],
    model: new MockModel({ responses: [{ toolCalls: [{ name: 'show' }] }, 'seen', 'still seen'] }),
  })

type Storage = TroupeConfig['storage']
interface Engine {
  readonly storage: (name: string) => Storage
  readonly storedBytes: (name: string) => number | Promise<number>
}
const sqlite: Engine = {
  storage: (name) => `sqlite:${join(folder, `${name}.db`)}`,
  storedBytes: (name) => storedBytesOfFile(join(folder, `${name}.db`)),
}
const postgres: Engine = {
  storage(name) {
    const schema = schemaName(`files_${name}`)
    schemas.push(schema)
    return { url: server, schema }
  },
  storedBytes: (name) => storedBytesOfSchema(schemaName(`files_${name}`)),
}
const key = { id: 'a', key: randomBytes(32) }
const encryption = { encryption: { keys: [key], current: 'a' } }

describe.each([
  ['on SQLite', sqlite],
  ['on PostgreSQL', postgres],
] as const)('%s', (where, engine) => {
  const skip = where === 'on PostgreSQL' && missing !== undefined
  describe.each([
    ['plain', {}, 1],
    // Encrypted values are base64.
    ['encrypted', encryption, 4 / 3],
  ] as const)('%s', (how, more, factor) => {
    const open = () =>
      createTroupe({ storage: engine.storage(how), agents: [painter, ...steps], log: 'silent', ...more })

    test.skipIf(skip)(
      'A picture that passes through five steps, entries and messages is stored once per user.',
      async () => {
        await using troupe = await open()
        const ada = troupe.user('ada')
        const before = await engine.storedBytes(how)
        const run = await ada.orchestra.start({ id: 'r', task: 't', topology })
        expect(await run.result()).toMatchObject({ status: 'completed', response: { picture } })
        expect(await ada.orchestra.verifyReplay('r')).toMatchObject({ identical: true })
        const session = ada.session(viewer(), { threadId: 'one' })
        await session.chat('show it')
        await session.chat('what do you see?')
        expect(await ada.context.get('D')).toEqual({ picture })
        await ada.context.push('own', { picture })
        const once = ((await engine.storedBytes(how)) - before) / size
        expect(once).toBeGreaterThan(factor)
        expect(once).toBeLessThan(factor * 1.2)
        await troupe.user('bob').context.push('own', { picture })
        const twice = ((await engine.storedBytes(how)) - before) / size
        expect(twice).toBeGreaterThan(factor * 2)
        expect(twice).toBeLessThan(factor * 2.2)
      },
    )

    test.skipIf(skip)('A troupe that is opened again reads, forks and replays a run with a picture.', async () => {
      await using troupe = await open()
      const { orchestra } = troupe.user('ada')
      expect((await orchestra.export('r', { redact: 'nothing' })).result).toMatchObject({ response: { picture } })
      const before = await engine.storedBytes(how)
      expect(await orchestra.verifyReplay('r')).toMatchObject({ identical: true })
      let at = 0
      for await (const event of (await orchestra.get('r')).events())
        if (event.type === 'step.completed' && at === 0) at = event.seq
      const fork = await orchestra.fork('r', { at })
      expect(await fork.result()).toMatchObject({ status: 'completed', response: { picture } })
      expect((await engine.storedBytes(how)) - before).toBeLessThan(size / 5)
    })

    test.skipIf(skip)('The erasure of a user deletes its pictures and those of no other user.', async () => {
      await using troupe = await open()
      const before = await engine.storedBytes(how)
      await troupe.forget('ada')
      const removed = (before - (await engine.storedBytes(how))) / size
      expect(removed).toBeGreaterThan(factor)
      expect(removed).toBeLessThan(factor * 1.3)
      expect(await troupe.user('bob').context.get('own')).toEqual({ picture })
    })
  })
})

test('A replay detects that the picture of a run was changed in the database.', async () => {
  const path = join(folder, 'changed.db')
  const config = { storage: `sqlite:${path}`, agents: [painter, ...steps], log: 'silent' } as const
  {
    await using troupe = await createTroupe(config)
    await (await troupe.user('ada').orchestra.start({ id: 'r', task: 't', topology })).result()
  }
  const db = new DatabaseSync(path)
  db.exec("update storage_blobs set content = 'AAAA' || substr(content, 5)")
  db.close()
  await using troupe = await createTroupe(config)
  await expect(troupe.user('ada').orchestra.verifyReplay('r')).rejects.toMatchObject({ code: 'storage.corrupt' })
})

test('A backup has the pictures, and a restored copy reads them.', async () => {
  const config = { agents: [painter, ...steps], log: 'silent' } as const
  {
    await using troupe = await createTroupe({ storage: `sqlite:${join(folder, 'original.db')}`, ...config })
    await (await troupe.user('ada').orchestra.start({ id: 'r', task: 't', topology })).result()
    await troupe.backup(join(folder, 'backup'))
  }
  await restoreBackup({ from: join(folder, 'backup'), to: `sqlite:${join(folder, 'copy.db')}` })
  await using copy = await createTroupe({ storage: `sqlite:${join(folder, 'copy.db')}`, restored: 'resume', ...config })
  const { orchestra } = copy.user('ada')
  expect((await (await orchestra.get('r')).result()).response).toEqual({ picture })
  expect(await orchestra.verifyReplay('r')).toMatchObject({ identical: true })
})

test('A picture goes after the retention of the last run that names it.', async () => {
  const clock = createVirtualClock()
  const path = join(folder, 'retention.db')
  const config = { agents: [painter], retention: { replay: '1h', runs: '1h' }, log: 'silent', clock } as const
  await using troupe = await createTroupe({ storage: `sqlite:${path}`, ...config })
  const pictures = () => {
    const db = new DatabaseSync(path, { readOnly: true })
    const { found } = db.prepare('select count(*) as found from storage_blobs').get() as { found: number }
    db.close()
    return found
  }
  const short = patterns.pipeline({ stages: [{ agents: [painter] }] })
  await (await troupe.user('ada').orchestra.start({ id: 'r', task: 't', topology: short })).result()
  await clock.advance('50m')
  expect(pictures()).toBe(1)
  await clock.advance('3h')
  const afterCleanup = async () => {
    await clock.advance('5m')
    return pictures()
  }
  await expect.poll(afterCleanup).toBe(0)
})

test('`blobs.fileBytes` is the size from which a file is stored once, and 1,024 at least.', async () => {
  const path = join(folder, 'threshold.db')
  const file = image(randomBytes(3_000), { mediaType: 'image/png' })
  const storedTwice = async (fileBytes: number) => {
    await using troupe = await createTroupe({ storage: `sqlite:${path}`, blobs: { fileBytes }, log: 'silent' })
    const { context } = troupe.user('ada')
    for (const name of ['a', 'b']) await context.push(`${fileBytes}-${name}`, { file, fileBytes })
    expect(await context.get(`${fileBytes}-b`)).toEqual({ file, fileBytes })
    const db = new DatabaseSync(path, { readOnly: true })
    const { found } = db.prepare('select count(*) as found from storage_blobs').get() as { found: number }
    db.close()
    return found
  }
  expect(await storedTwice(3_001)).toBe(0)
  expect(await storedTwice(3_000)).toBe(1)
  await expect(createTroupe({ storage: 'memory:', blobs: { fileBytes: 1_023 } })).rejects.toMatchObject({
    code: 'validation.failed',
  })
})
