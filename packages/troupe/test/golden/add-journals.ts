/**
 * Writes the exports of runs that this release makes, those alone that are not there yet: what a release has written is
 * never written again, for every later one must read it as it stands.
 *
 * node packages/troupe/test/golden/add-journals.ts
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTroupe } from 'troupe'
import { type ExportedRun, openExport } from 'troupe/operations'
import { teams, uncertain } from './golden-teams.ts'

const journals = join(import.meta.dirname, 'journals')

async function add(name: string, make: () => Promise<ExportedRun>): Promise<void> {
  const path = join(journals, `${name}.json`)
  if (existsSync(path)) return
  const file = await make()
  if (!openExport(file).verifyReplay().identical) throw new Error(`${name} does not replay`)
  writeFileSync(path, `${JSON.stringify(file)}\n`)
  console.log(`${name}: ${file.status}, ${file.journal.length} records`)
}

for (const [name, team] of Object.entries(teams))
  await add(name, async () => {
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    const { orchestra } = troupe.user('ada')
    return orchestra.export((await team(orchestra)).id)
  })
const folder = mkdtempSync(join(tmpdir(), 'troupe-golden-'))
await add('uncertain', () => uncertain(`sqlite:${join(folder, 'troupe.db')}`))
rmSync(folder, { recursive: true, force: true })
