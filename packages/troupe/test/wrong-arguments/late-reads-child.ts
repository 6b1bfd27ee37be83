/**
 * Calls every export with valid arguments and sends its parent the fields that were read after the call had returned: a
 * caller may have changed them by then.
 *
 * node late-reads-child.ts PATTERN
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { isObject } from '../../src/core/index.ts'
import { isContainer } from '../reliability/outside/fuzz/change-arguments.ts'
import { complete } from '../reliability/outside/fuzz/judge-call.ts'
import { openTestbed } from '../reliability/outside/fuzz/open-testbed.ts'
import { importEntries, libraryOf } from './built-entries.ts'
import { exportTargets } from './export-targets.ts'
import type { LateReads } from './late-reads.test.ts'

/** A call that has not ended within this time waits for something. */
const pendingMs = 300

const folder = mkdtempSync(join(tmpdir(), 'troupe-late-reads-'))
process.chdir(folder)
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
// Calls with valid arguments may fail, as that of an order that does not exist.
process.on('unhandledRejection', () => {})
process.on('uncaughtException', () => {})

const entries = await importEntries()
const library = libraryOf(entries)
let testbed = await openTestbed(library)
const { targets } = await exportTargets({ library, entries, testbed: () => testbed, folder })
/** They return their argument. */
const returning = ['ctx.declassify', 'defineConfig']
const chosen = targets.filter(({ name }) => !returning.includes(name) && new RegExp(process.argv[2] ?? '.').test(name))

const found = new Set<string>()
let hasReturned = false
let current = ''

/** Definitions are frozen, and ports have functions: they are passed as they are. */
const isData = (value: unknown) =>
  isContainer(value) && !Object.isFrozen(value) && !Object.values(value).some((field) => typeof field === 'function')

/** A copy that notes each read after the call. */
function watched(value: unknown, path: string): unknown {
  if (!isData(value)) return value
  const fields = Object.entries(value as object).map(([name, field]) => [name, watched(field, `${path}.${name}`)])
  const copy = Array.isArray(value) ? fields.map(([, field]) => field) : Object.fromEntries(fields)
  const note = (name: PropertyKey) => {
    if (hasReturned && typeof name === 'string') found.add(`${current}: ${path}.${name}`)
  }
  return new Proxy(copy, {
    get(of, name, receiver) {
      note(name)
      return Reflect.get(of, name, receiver)
    },
    ownKeys(of) {
      note('*')
      return Reflect.ownKeys(of)
    },
  })
}

/** The next page is read with the options of the first. */
async function readPages(answer: unknown): Promise<void> {
  if (!isObject(answer) || typeof answer.cursor !== 'string') return
  let items = 0
  for await (const _ of answer as unknown as AsyncIterable<unknown>) if (++items === 3) return
}

let calls = 0
for (const target of chosen) {
  for (const valid of target.arguments) {
    current = target.name
    hasReturned = false
    const parameters = valid.map((argument, i) => watched(argument, `arg${i}`))
    try {
      const answer = target.call(parameters)
      hasReturned = true
      calls++
      const completed = complete(target.name, answer)
      const read = completed.then(async () => readPages(await answer))
      read.catch(() => {})
      await Promise.race([read, pause(pendingMs)])
    } catch {
      // Other tests judge the error.
    }
    if (testbed.troupe.state !== 'open') testbed = await openTestbed(library)
  }
}
const over: LateReads = { calls, found: [...found] }
process.send?.(over)
setTimeout(() => process.exit(0), 100)
