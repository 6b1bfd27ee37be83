/**
 * Producers send jobs while the consumers are killed and frozen: every job is handled or a dead letter, in the order of its
 * sender, with at most one effect each, and every request is answered.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DeadLetter, Mailbox } from '../../../src/index.ts'
import { missingServer, server, withClient } from '../../postgres/postgres-server.ts'
import { harness } from '../library-under-test.ts'
import { troupe } from '../troupe-under-test.ts'
import type { Program, ProgramOptions } from './program.ts'
import { jobOf, linesIn, queueConfig } from './queue/queue-log.ts'
import { Storm } from './storm.ts'

const child = join(import.meta.dirname, 'queue/queue-child.ts')
const producers = 3
const consumers = 4
/** How long the consumers may take for what is left, once they are undisturbed. */
const calmMs = 120_000

export const program: Program = {
  name: 'queue',
  promise: 'Every message is handled or a dead letter, in order per sender, and no effect happens twice.',
  async run(options) {
    const skipped = await missingServer()
    if (skipped !== undefined) return { skipped }
    const name = `troupe_queue_${process.pid}`
    const folder = mkdtempSync(join(tmpdir(), 'troupe-queue-'))
    const url = new URL(server)
    url.pathname = `/${name}`
    await withClient((client) => client.query(`create database ${name}`))
    try {
      return await play(options, folder, url.href)
    } finally {
      await withClient((client) => client.query(`drop database ${name} with (force)`))
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

async function play({ scale, seed, report }: ProgramOptions, folder: string, storage: string) {
  await using looker = await troupe.createTroupe(queueConfig(storage))
  const { mailbox } = looker.user('queue').agent('Work')
  const random = harness.seededRandom(seed)
  const storm = new Storm({
    program: child,
    parameters: (tag) => ['consumer', storage, folder, tag],
    slots: consumers,
    random,
  })
  const each = 110 * scale
  const sending = new Storm({
    program: child,
    parameters: (_, slot) => ['producer', storage, folder, `P${slot}`, `${each}`],
    slots: producers,
    random,
  })
  try {
    await storm.begin()
    await sending.begin()
    await storm.rage(4_000 * scale)
    const isDrained = await drained(folder, mailbox)
    const dead: DeadLetter[] = []
    for await (const letter of await mailbox.deadLetters({ limit: 1_000 })) dead.push(letter)
    const problems = check(folder, dead)
    const of = (file: string) => linesIn(folder, file).length
    const { kills, freezes } = storm.counts
    report(
      `${of('sent')} sent, ${of('handled')} handled, ${dead.length} dead letters, ${of('effects')} effects, ` +
        `${of('tries')} attempts, ${kills} kills, ${freezes} freezes`,
    )
    return [...problems, ...storm.deaths, ...sending.deaths, ...(isDrained ? [] : ['the mailbox was not emptied'])]
  } finally {
    await storm.end()
    await sending.end()
  }
}

/** Whether all is sent, handled and answered in time. */
async function drained(folder: string, mailbox: Mailbox): Promise<boolean> {
  for (const until = performance.now() + calmMs; performance.now() < until; await sleep(200)) {
    if (linesIn(folder, 'producers').length < producers) continue
    const { waiting, leased } = await mailbox.counts()
    const requests = linesIn(folder, 'requests').map(([word]) => word)
    const asked = requests.filter((word) => word === 'asked').length
    if (waiting === 0 && leased === 0 && requests.length === 2 * asked) return true
  }
  return false
}

function check(folder: string, dead: readonly DeadLetter[]): string[] {
  const sent = linesIn(folder, 'sent').map(([id = '']) => id)
  const handled = new Set(linesIn(folder, 'handled').map(([id = '']) => id))
  const deadIds = new Map(dead.map((letter) => [(letter.message.payload as { id: string }).id, letter]))
  const problems = linesIn(folder, 'unhandled').map((words) => `unhandled rejection: ${words.join(' ')}`)
  for (const id of sent) {
    const letter = deadIds.get(id)
    const isPoison = jobOf('', Number(id.split('-')[1])).kind === 'poison'
    if (!handled.has(id) && !letter) problems.push(`${id} is lost`)
    if (isPoison && letter?.attempt !== 5)
      problems.push(`the poison ${id} is dead after ${letter?.attempt ?? 'no'} attempts`)
    if (!isPoison && letter && !/uncertain|unknown/.test(letter.reason))
      problems.push(`${id} is dead: ${letter.reason}`)
  }
  const effects = Map.groupBy(linesIn(folder, 'effects'), ([id = '']) => id)
  for (const [id, times] of effects)
    if (times.length > 1) problems.push(`the effect of ${id} happened ${times.length} times`)
  for (const [word, id] of linesIn(folder, 'requests'))
    if (word === 'wrong' || word === 'failed') problems.push(`the request ${id}: ${word}`)
  return [...problems, ...checkOrder(folder)]
}

/** The first attempt of a message comes after that of each message that its sender sent before. */
function checkOrder(folder: string): string[] {
  const last = new Map<string, number>()
  const seen = new Set<string>()
  return linesIn(folder, 'tries').flatMap(([id = '']) => {
    if (seen.has(id)) return []
    seen.add(id)
    const [sender = '', n] = id.split('-')
    const before = last.get(sender) ?? 0
    last.set(sender, Math.max(before, Number(n)))
    return Number(n) < before ? [`${id} was begun after ${sender}-${before}`] : []
  })
}
