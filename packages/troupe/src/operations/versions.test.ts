import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTroupe, defineAgent, patterns, type Troupe } from '../index.ts'

let folder: string
const open: Troupe[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-versions-'))
})
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
  rmSync(folder, { recursive: true, force: true })
})
const asks = (text: string) =>
  text === 'one'
    ? defineAgent({ name: 'A', run: async (_, ctx) => ctx.ask({ text }) })
    : defineAgent({ name: 'A', run: async (_, ctx) => ['other code', await ctx.ask({ text })] })
const opened = async (text: string) => {
  const storage = `sqlite:${join(folder, 'troupe.db')}`
  const troupe = await createTroupe({ storage, log: 'silent', agents: [asks(text)] })
  open.push(troupe)
  return troupe
}
const begun = async (troupe: Troupe, text: string) => {
  const topology = patterns.pipeline({ stages: [{ agents: [asks(text)] }] })
  const run = await troupe.user('ada').orchestra.start({ id: `run ${text}`, task: 't', topology })
  await run.result()
  await troupe.close()
}

it('troupe.versions reports the build, what it writes and reads, and which runs started with other code.', async () => {
  await begun(await opened('one'), 'one')
  const same = await opened('one')
  const versions = await same.versions()
  expect(versions).toMatchObject({
    build: expect.stringMatching(/^\d+\.\d+\.\d+/),
    journal: { writes: 1, reads: 1 },
    agents: [{ name: 'A', fingerprint: expect.any(String) }],
    staleRuns: [],
    examined: 1,
    more: false,
  })
  expect(versions.schemas.map(({ module: moduleName }) => moduleName)).toContain('runs')
  await same.close()
  const other = await opened('two')
  const [staleRuns] = (await other.versions()).staleRuns
  const { fingerprint: here } = (await other.versions()).agents[0] ?? {}
  expect(staleRuns).toEqual({
    user: 'ada',
    run: 'run one',
    holder: 'none',
    agents: [{ name: 'A', began: versions.agents[0]?.fingerprint, here }],
  })
  expect(await other.versions({ limit: 1 })).toMatchObject({ examined: 1, more: false })
  await expect(other.versions({ limits: 1 } as never)).rejects.toMatchObject({ code: 'option.unknown' })
})

it.each([
  ['its row says so', 'update work set form = 2'],
  ['its records alone say so', 'update journal_records set version = 2'],
])('An older build leaves a run alone that a newer build has written, where %s.', async (_, plant) => {
  await begun(await opened('one'), 'one')
  const database = new DatabaseSync(join(folder, 'troupe.db'))
  database.exec(plant)
  const before = database.prepare('select epoch, head from journals').all()
  database.close()
  const troupe = await opened('one')
  const run = await troupe.user('ada').orchestra.get('run one')
  await expect(run.pause()).rejects.toMatchObject({ code: 'journal.newer' })
  expect((await troupe.versions()).staleRuns).toMatchObject([{ run: 'run one', newer: 2, agents: [] }])
  await troupe.close()
  const after = new DatabaseSync(join(folder, 'troupe.db'))
  expect(after.prepare('select epoch, head from journals').all()).toEqual(before)
  after.close()
})
