/** Runs that earlier releases wrote: every release reads them, and decides them as they were decided. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ExportedRun, openExport } from 'troupe/operations'
import { describe, expect, it } from 'vitest'
import { canonicalJson, hashText } from '../../src/core/index.ts'
import { teams } from './golden-teams.ts'

const journals = join(import.meta.dirname, 'journals')
const names = readdirSync(journals).map((name) => name.replace('.json', ''))
const read = (name: string) => readFileSync(join(journals, `${name}.json`), 'utf8')

describe('a recorded run of a release', () => {
  it.each(names)('A recorded run replays identically, and has the same meaning: %s.', (name) => {
    const past = openExport(read(name))
    expect(past.verifyReplay()).toMatchObject({ identical: true })
    const file = JSON.parse(read(name)) as ExportedRun
    const last = past.verifyReplay().events
    // What the events fold to is what the run ended with.
    const { status, response, totalSteps, usage } = past.at(last)
    expect({ status, response, totalSteps, usage }).toEqual({
      status: file.status,
      response: past.result?.response,
      totalSteps: past.result?.totalSteps,
      usage: past.result?.usage,
    })
    expect(past.why().sentences.length).toBeGreaterThan(0)
  })

  it('A recorded run exists for every team.', () => {
    expect(names).toEqual(expect.arrayContaining(Object.keys(teams)))
    expect(names.length).toBeGreaterThan(12)
  })

  it('A recorded run differs at its replay if an event of any type changes.', () => {
    const types = new Set<string>()
    for (const name of names) {
      const { digest: _, ...file } = JSON.parse(read(name)) as ExportedRun
      const journal = file.journal as unknown as { events: { type: string; at: number }[] }[]
      for (const { events } of journal)
        for (const event of events) {
          if (types.has(event.type)) continue
          types.add(event.type)
          event.type = `${event.type} `
          expect(openUnchecked(file).verifyReplay().identical, event.type).toBe(false)
          event.type = event.type.trim()
        }
    }
    expect(types.size).toBeGreaterThan(30)
  })
})

/** With the digest that fits what was changed. */
function openUnchecked(file: Omit<ExportedRun, 'digest'>) {
  return openExport({ ...file, digest: hashText(canonicalJson(file)) })
}
