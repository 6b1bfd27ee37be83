/** The build of the next release: this one, with another version and a step more of the schema, as a release brings them. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Build, ownBuild } from './cli-processes.ts'

/** What it adds to the schema: a column that the release before it knows nothing of. */
export const plantedColumn = { table: 'work', column: 'planted_by_the_next_release' } as const

const step = `{
  module: 'runs',
  version: runMigrations.at(-1).version + 1,
  name: 'planted',
  lowestReader: runMigrations.at(-1).lowestReader,
  up: { sqlite: [], postgres: ['alter table ${plantedColumn.table} add column ${plantedColumn.column} text'] },
}`

/** In a folder of its own, to be removed, where packages are found as they are by this build. */
export function buildNextRelease(): Build {
  const folder = mkdtempSync(join(ownBuild.folder, '.planted-next-'))
  const team = join(folder, 'team')
  mkdirSync(team)
  cpSync(ownBuild.team, team, { recursive: true })
  cpSync(join(ownBuild.folder, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(ownBuild.folder, 'openapi.json'), join(folder, 'openapi.json'))
  const described = JSON.parse(readFileSync(join(ownBuild.folder, 'package.json'), 'utf8')) as { version: string }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...described, version: '999.0.0' }))
  writeFileSync(join(folder, 'dist/core/version.js'), "export const version = '999.0.0'\n")
  const tables = join(folder, 'dist/operations/troupe-tables.js')
  const text = readFileSync(tables, 'utf8')
  const planted = text.replace('    ...runMigrations,\n', (line) => `${line}    ${step},\n`)
  if (planted === text) throw new Error(`${tables} lists no migrations of runs`)
  writeFileSync(tables, planted)
  execFileSync(process.execPath, [join(ownBuild.folder, '../../scripts/bundle.ts'), folder], { stdio: 'pipe' })
  return { folder, team }
}
