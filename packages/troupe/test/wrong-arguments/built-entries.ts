/** The public entry points of the package, imported by their names as an application imports them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LibraryUnderTest } from '../reliability/outside/fuzz/library.ts'

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, { readonly types: string }>>
}
const sources = process.env.TROUPE_UNDER_TEST

export type Exports = Readonly<Record<string, unknown>>

/** The exports of each entry point by its path in the package, as `./tools`. */
export async function importEntries(): Promise<ReadonlyMap<string, Exports>> {
  const paths = Object.keys(manifest.exports).filter((path) => !path.endsWith('.json'))
  return new Map(
    await Promise.all(paths.map(async (path) => [path, (await import(moduleOf(path))) as Exports] as const)),
  )
}

/** A copy in the folder that `TROUPE_UNDER_TEST` names is of TypeScript files, whose lines a finding then shows. */
const moduleOf = (path: string): string =>
  sources
    ? join(sources, manifest.exports[path]?.types.replace(/^\.\/dist\/|\.d/g, '') ?? path)
    : `troupe${path.slice(1)}`

/** All exports by their names; where two entries have one name, the first entry wins. */
export const libraryOf = (entries: ReadonlyMap<string, Exports>): LibraryUnderTest =>
  Object.assign({}, ...[...entries.values()].reverse()) as LibraryUnderTest
