/** Real processes, killed for real: what they acknowledged is there, and nobody is in the way of the next. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { seededRandom, systemClock, systemRandom } from '../../src/core/index.ts'
import { openStorage } from '../../src/storage/index.ts'
import { migrations, problemIn } from './numbered-load.ts'
import { startChild } from './start-child.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-killed-'))
afterAll(() => rmSync(folder, { recursive: true }))

const rounds = Number(process.env.TROUPE_KILLS ?? 12)

test(`A process that is killed at ${rounds} moments loses nothing acknowledged, and the next one continues.`, async () => {
  const random = seededRandom('kills')
  const database = join(folder, 'killed.db')
  const acknowledged: number[] = []
  for (let round = 0; round < rounds; round++) {
    const child = startChild({ database, writers: 1 + Math.floor(random.next() * 32) })
    // The first is killed while it creates the file, at some moment of its start.
    if (round > 0) await child.line(/^ready/)
    await new Promise((resolve) => setTimeout(resolve, random.next() * (round > 0 ? 150 : 100)))
    child.process.kill('SIGKILL')
    await child.ended
    acknowledged.push(...child.acknowledged())
    if (round > 0) expect(problemIn(database, acknowledged)).toBeUndefined()
  }
  expect(acknowledged.length).toBeGreaterThan(rounds * 20)
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
})

test('A second process gets the pid and the address of the owner, and takes over once it is dead.', async () => {
  const database = join(folder, 'owned.db')
  const owner = startChild({ database })
  await owner.line(/^ack/)
  const second = startChild({ database })
  const rejection = await second.line(/^error storage.owned/)
  expect(JSON.parse(rejection.slice('error storage.owned '.length))).toMatchObject({
    pid: owner.process.pid,
    address: 'http://127.0.0.1:1',
  })
  expect(await second.ended).toBe(2)
  const mine = () => openStorage({ url: `sqlite:${database}`, migrations, clock: systemClock, random: systemRandom })
  await expect(mine()).rejects.toMatchObject({ code: 'storage.owned', details: { pid: owner.process.pid } })
  owner.process.kill('SIGKILL')
  await owner.ended
  const storage = await mine()
  expect(JSON.parse(readFileSync(`${database}.owner`, 'utf8')).process.pid).toBe(process.pid)
  await storage.close()
  expect(problemIn(database, owner.acknowledged())).toBeUndefined()
})

test('A stopped process is still the owner of its file.', async () => {
  const database = join(folder, 'stopped.db')
  const owner = startChild({ database })
  await owner.line(/^ack/)
  owner.process.kill('SIGSTOP')
  try {
    const second = startChild({ database })
    await second.line(/^error storage.owned/)
    await second.ended
  } finally {
    owner.process.kill('SIGCONT')
    owner.process.kill('SIGKILL')
  }
  await owner.ended
})

test('One of many processes that start together gets the file.', async () => {
  const database = join(folder, 'rush.db')
  const children = Array.from({ length: 4 }, () => startChild({ database }))
  await Promise.all(children.map((child) => child.line(/^(ack|error storage.owned)/)))
  expect(children.filter((child) => child.acknowledged().length > 0)).toHaveLength(1)
  for (const child of children) child.process.kill('SIGKILL')
  await Promise.all(children.map((child) => child.ended))
})
