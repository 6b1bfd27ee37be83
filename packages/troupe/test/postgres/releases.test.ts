/** Two neighbouring releases on one database: real processes of both write on PostgreSQL, on SQLite they take turns. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { migrations } from '../../src/operations/index.ts'
import { openStorage, storageMigrations } from '../../src/storage/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'
import { migrationsOf, noteOf, numbersOf, unreadable } from './releases.ts'

const missing = await missingServer()
const schema = schemaName('releases')
const program = join(import.meta.dirname, 'release-child.ts')
const base = { clock: systemClock, random: systemRandom }

class Process {
  readonly lines: string[] = []
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
  constructor(release: number, first: number) {
    const options = JSON.stringify({ url: server, schema, poolSize: 4 })
    this.child = spawn(process.execPath, ['--no-warnings', program, `${release}`, `${first}`, options], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.ended = once(this.child, 'close')
    createInterface(this.child.stdout as NodeJS.ReadableStream).on('line', (line) => this.lines.push(line))
  }
  get acknowledged(): readonly string[] {
    return this.lines.filter((line) => line.startsWith('ack '))
  }
  get errors(): readonly string[] {
    return this.lines.filter((line) => line.startsWith('error '))
  }
  /** So many more changes, or its end. */
  async writes(more: number): Promise<void> {
    const until = this.acknowledged.length + more
    while (this.acknowledged.length < until && this.child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 20))
  }
  async stop(): Promise<void> {
    this.child.stdin?.end()
    await this.ended
  }
}

describe.skipIf(missing !== undefined)('two neighbouring releases on one PostgreSQL database', () => {
  const processes: Process[] = []
  const start = async (release: number) => {
    const releaseProcess = new Process(release, processes.length * 1_000_000)
    processes.push(releaseProcess)
    await releaseProcess.writes(10)
    return releaseProcess
  }
  afterEach(() => {
    for (const { child } of processes) child.kill('SIGKILL')
  })
  afterAll(() => dropSchema(schema))

  test('Two neighbouring releases both write during a migration, and an older one is rejected.', async () => {
    const first = await start(1)
    const second = await start(2)
    await first.writes(50)
    // A new process of the older release finds steps that it does not know.
    const late = await start(1)
    await late.writes(30)
    await Promise.all([late.stop(), second.writes(30)])
    expect([first, second, late].flatMap(({ errors }) => errors)).toEqual([])

    const third = await start(3)
    await first.ended
    await second.writes(50)
    expect(first.errors.filter((line) => line.includes('storage.too_new'))).not.toEqual([])
    const rejected = await start(1)
    await rejected.ended
    expect(rejected.lines).toEqual([
      expect.stringMatching(/^error storage.too_new .*schema notes 3; this release reads up to notes 1/),
    ])
    expect([second, third].flatMap(({ errors }) => errors)).toEqual([])
    await second.stop()

    const fourth = await start(4)
    await Promise.all([third.writes(50), fourth.writes(50)])
    await Promise.all([third.stop(), fourth.stop()])
    expect([second, third, fourth].flatMap(({ errors }) => errors)).toEqual([])

    const storage = await openStorage({ ...base, url: server, postgres: { schema }, migrations: migrationsOf(4) })
    const there = new Set<string>()
    for (const user of ['ada', 'bob', 'eve'])
      for (const n of await numbersOf(storage, user)) there.add(`ack ${user} ${n}`)
    expect(processes.flatMap(({ acknowledged }) => acknowledged).filter((line) => !there.has(line))).toEqual([])
    await storage.close()
  })
})

test('Every migration leaves the release before it able to work.', () => {
  const breaking = [...storageMigrations, ...migrations, ...migrationsOf(4)]
    .filter(({ version, lowestReader }) => version > 1 && lowestReader >= version)
    .map(({ module: moduleName, version }) => `${moduleName} ${version}`)
  expect(breaking).toEqual([])
})

test('Two neighbouring releases take turns on one SQLite file, and an older one is rejected.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-releases-'))
  const url = `sqlite:${join(folder, 'troupe.db')}`
  let n = 0
  const use = async (release: number) => {
    const storage = await openStorage({ ...base, url, migrations: migrationsOf(release) })
    try {
      for (let i = 0; i < 3; i++)
        expect(await storage.commit(noteOf(storage, release, 'ada', n++))).toMatchObject({ ok: true })
      expect(await unreadable(storage, release, 'ada')).toEqual([])
    } finally {
      await storage.close()
    }
  }
  for (const release of [1, 2, 1, 2, 3, 2, 3, 4, 3, 4]) await use(release)
  for (const release of [1, 2]) await expect(use(release)).rejects.toMatchObject({ code: 'storage.too_new' })
  const storage = await openStorage({ ...base, url, migrations: migrationsOf(4) })
  expect(await numbersOf(storage, 'ada')).toHaveLength(30)
  await storage.close()
  rmSync(folder, { recursive: true })
})
